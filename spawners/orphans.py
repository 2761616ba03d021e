"""Jobs of this hub that no session owns: found, reported, and by option cancelled.

One look a minute at each site's queue, which is there anyway. A job is an orphan if its tag says
that this installation handed it in, and no session has that tag, at two looks one after the
other: not one that is just being handed in or stopped, and never another installation's.
The hub's debts (ledger.py) are paid here too.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from . import logs, metrics
from .ledger import Debt, Ledger
from .ownership import OwnedSession, prefix, tagged
from .queue import Job, Life, Snapshot
from .sites import SchedulerError

# Seconds after which a hand-in that failed has no job any more: sbatch and slurmctld have
# given up by then (MessageTimeout, TCP's own limits).
SETTLED = 180


class Orphans:
    """The looks at all sites of one hub.

    `saved_tags` returns the tags in the hub's database (None: it is not there yet); `cancel`:
    orphans are taken back, otherwise they are only reported. `interval` is in seconds.
    """

    def __init__(
        self,
        sites: Mapping,
        installation: str,
        ledger: Ledger,
        saved_tags: Callable[[], set[str] | None],
        *,
        cancel: bool,
        interval: float = 60,
    ):
        self.sites = {name: site for name, site in sites.items() if site.scheduler == "slurm"}
        self.installation, self.ledger = installation, ledger
        self._saved_tags, self._cancel, self.interval = saved_tags, cancel, interval
        self._seen: dict[tuple[str, str], float] = {}  # (site, tag) -> when it was first seen
        self._told: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Look for ever; more often while something is suspected or owed."""
        while True:
            await asyncio.gather(*(self.look(name) for name in self.sites))
            owed = any(debt.site in self.sites for debt in self.ledger.debts)
            busy = owed or self._seen.keys() - self._told
            await asyncio.sleep(self.interval / 6 if busy else self.interval)

    async def look(self, name: str) -> list[Job]:
        """Look at one site: pay what is owed there; return the orphans that are certain."""
        log = logs.of_site(name)
        try:
            snapshot = await self.sites[name].queue.snapshot(max_age=self.interval / 12)
            if snapshot.error:
                return []  # nobody answers: nothing is known
            tags = await self.sites[name].tags()
            for debt in [debt for debt in self.ledger.debts if debt.site == name]:
                await self._pay(debt, snapshot, tags, log)
            return await self._strangers(name, snapshot, tags, log)
        except (SchedulerError, OSError, TimeoutError, ValueError) as error:
            log.warning("orphaned jobs could not be looked for: %s", error)
            return []
        except Exception:  # whatever it is, the next look must come
            log.exception("looking for orphaned jobs failed")
            return []

    async def _pay(self, debt: Debt, snapshot: Snapshot, tags: dict[str, str], log) -> None:
        if debt.job:
            job = snapshot.jobs.get(debt.job)
        else:
            job = tagged(snapshot, tags, debt.tag, self.sites[debt.site].runs_as(debt.user))
        if job is not None and job.life is not Life.GONE:
            if job.state != "COMPLETING":
                log.info("taking back job=%s of user=%s, as ordered", job.id, debt.user)
                await self._take_back(name=debt.site, user=debt.user, job=job, log=log)
        elif job is not None or time.time() > debt.since + SETTLED:
            self.ledger.settle(debt)

    async def _strangers(
        self, name: str, snapshot: Snapshot, tags: dict[str, str], log
    ) -> list[Job]:
        owned = {session.tag for session in OwnedSession.living}
        owned |= {debt.tag for debt in self.ledger.debts}
        ours = prefix(self.installation)
        jobs = {
            (name, tags[job.id]): job
            for job in snapshot.jobs.values()
            if tags.get(job.id, "").startswith(ours)
            and tags[job.id] not in owned
            and job.life is not Life.GONE
            and job.state != "COMPLETING"
        }
        saved = self._saved_tags() if jobs else set()
        if saved is None:
            return []
        jobs = {key: job for key, job in jobs.items() if key[1] not in saved}
        for key in [key for key in self._seen if key[0] == name and key not in jobs]:
            del self._seen[key]
            self._told.discard(key)
        certain = []
        for key, job in jobs.items():
            if self._seen.setdefault(key, snapshot.asked) == snapshot.asked:
                continue
            certain.append(job)
            if key not in self._told:
                self._told.add(key)
                metrics.ORPHANS.labels(name).inc()
                since = time.strftime("%Y-%m-%d %H:%M", time.localtime(int(job.since or 0)))
                log.warning(
                    "orphan job=%s account=%s state=%s since=%s: handed in by this hub, and no "
                    "session has it; %s",
                    job.id,
                    job.user,
                    job.state,
                    since,
                    "taking it back" if self._cancel else "scancel it, or set orphans: cancel",
                )
            if self._cancel:
                await self._take_back(name=name, user=job.user, job=job, log=log)
        return certain

    async def _take_back(self, *, name: str, user: str, job: Job, log) -> None:
        try:
            await self.sites[name].cancel(user, job.id)
        except (SchedulerError, OSError, TimeoutError) as error:
            log.error("job=%s could not be cancelled: %s", job.id, error)
