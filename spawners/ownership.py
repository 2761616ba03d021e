"""Whose job is it: each session's mark on its job, and what happens when the two part.

Every job carries a tag in Slurm's comment: this installation and this very session. It is in the
hub's database *before* the job is handed in, so a hub that dies in between finds the job by it;
and a job with a tag of ours that no session has is an orphan (orphans.py).
"""

import asyncio
import secrets
import time
import weakref
from typing import ClassVar

from traitlets import Any, Unicode
from traitlets.config import LoggingConfigurable

from .ledger import Debt, Ledger
from .queue import Job, Life, SiteQueue, Snapshot
from .sites import SchedulerError

# Seconds after which a job that an ended hub was just handing in is not coming any more.
STILL_COMING = 15
# Seconds between looks at a job that Slurm suspended: its server does not answer until it goes on.
SUSPENDED_INTERVAL = 5
# Seconds that a look at a running session waits for the scheduler.
PATIENCE = 1
# Seconds that a restarted hub waits for the answer of a server whose job lives.
REACHED_TIMEOUT = 900


def prefix(installation: str) -> str:
    """Return what the tags of all jobs of an installation begin with."""
    return f"minga:{installation}:"


class OwnedSession(LoggingConfigurable):
    """The part of MingaSpawner that knows which job is its own, whatever happened meanwhile."""

    installation = Unicode(
        help="A word that no other installation on the same clusters has; empty: jobs have no tag."
    ).tag(config=True)
    ledger = Any(Ledger(), help="Where jobs are noted that must still be taken back.").tag(
        config=True
    )

    tag = Unicode(help="What this session's job has as Slurm's comment; empty: none yet.")
    _watched: SiteQueue | None = None  # the queue whose answers are looked at
    _polling: asyncio.Task | None = None
    _adopting = 0.0  # time.monotonic() when a session was taken up whose job is known by its tag

    living: ClassVar = weakref.WeakSet()  # all of this hub, for orphans.py

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        OwnedSession.living.add(self)

    def _new_tag(self, site: str) -> None:
        """Give the job that is about to be handed in its mark, and save it first."""
        if self.installation and self.sites[site].scheduler == "slurm":
            self.tag = prefix(self.installation) + secrets.token_hex(6)
            self.site_name = site
            self._save_state()

    def _tag_state(self) -> dict:
        """Return what a restarted hub needs to find a job whose id was not saved yet."""
        if not self.tag:
            return {}
        return {"tag": self.tag, "site": self.site_name, "token_sha256": self.token_sha256}

    def _load_tag(self, state: dict) -> None:
        self.tag = state.get("tag", "")
        self._adopting = time.monotonic() if self.tag and not self.job_id else 0.0

    async def _find_job(self) -> Life:
        """Look for the job of a session that an earlier hub was just handing in.

        Waits while it may still be coming. GONE: Slurm never got it.
        """
        self.log.info("looking for the job with tag=%s", self.tag)
        while True:
            if self.site_name not in self.sites:
                return Life.UNKNOWN
            try:
                tags = await self.site.tags()
            except (SchedulerError, OSError, TimeoutError, ValueError) as error:
                self.log.warning("its tag could not be looked for: %s", error)
                return Life.UNKNOWN
            snapshot = await self.site.queue.snapshot(max_age=self.queue_interval)
            if snapshot.error:
                return Life.UNKNOWN
            job = tagged(snapshot, tags, self.tag, self.site.runs_as(self.user.name))
            if job is not None:
                self.job_id, self._adopting = job.id, 0.0
                self._save_state()
                self.log.info("adopted")
                return job.life
            late = snapshot.asked > self._adopting + STILL_COMING
            if late and self.tag not in tags.values():
                # Not seen; should it come all the same, it must not stay.
                self._owe()
                return Life.GONE
            await asyncio.sleep(self.queue_interval)

    async def _known(self) -> None:
        """Return when the job of a session that was being handed in is found, or is not there."""
        while self._adopting and await self._find_job() is Life.UNKNOWN:  # noqa: ASYNC110
            await asyncio.sleep(self.queue_interval)
        if not self.job_id:
            self.http_timeout = 1  # nothing will answer: JupyterHub need not wait for it

    async def _in_place(self) -> bool:
        """Return whether the server of an adopted session must be where it was; or wait for it.

        False: Slurm gave the job another node (or will), and its server tells its new port.
        """
        while True:
            _, life, job = await self._life(self.idle_interval)
            if life is Life.GONE:
                self.http_timeout = 1  # nothing will answer there
                return True
            if life is Life.WAITING or (job and job.started != self.job_started):
                self.port = 0
                return False
            if job and job.state in ("SUSPENDED", "STOPPED"):
                await asyncio.sleep(SUSPENDED_INTERVAL)
                continue
            # It lives: a node that cannot be reached just now is no reason to end it. JupyterHub
            # does when a server has not answered for this long.
            self.http_timeout = REACHED_TIMEOUT
            return True

    async def _life(self, max_age: float) -> tuple[Snapshot, Life, Job | None]:
        """Return what the site says of this session's job now; GONE only if it is certain."""
        snapshot = await self.site.queue.snapshot(max_age=max_age)
        life, job = snapshot.life(self.job_id, self.submitted)
        if life is Life.GONE and job is None:
            life = await self.site.queue.second_opinion(snapshot, self.job_id)
            if life is not Life.GONE:
                life = Life.UNKNOWN  # it is there, and nothing more is known of it
        return snapshot, life, job

    def start_polling(self) -> None:
        """Look after the session as JupyterHub does by polling, but when its site has news.

        JupyterHub's own way asks for each session on its own every `poll_interval` seconds.
        """
        self.stop_polling()
        if self.poll_interval <= 0 or self.site_name not in self.sites:
            super().start_polling()
            return
        self._watched = self.site.queue
        self._watched.watch(self._news, self.poll_interval)

    def stop_polling(self) -> None:
        """End it."""
        super().stop_polling()
        if self._watched is not None:
            self._watched.unwatch(self._news)
            self._watched = None

    def _news(self, snapshot: Snapshot) -> None:
        """Poll if this answer may show something that the last look did not."""
        if self.pending or snapshot.error or (self._polling and not self._polling.done()):
            return
        job = snapshot.jobs.get(self.job_id)
        if job is None or job != self.job or self._lesson_needs(job):
            self._polling = asyncio.create_task(self.poll_and_notify())

    async def _life_soon(self, max_age: float) -> tuple[Life, Job | None]:
        """Return the same after a moment at most: people's pages wait for it.

        While a scheduler is slow or silent, what it said last counts.
        """
        queue = self.site.queue
        silent = queue.latest.error and queue.latest.asked > 0  # asked, and got no answer
        patience = 0.1 if silent else PATIENCE
        snapshot = await queue.snapshot_soon(max_age, patience)
        life, job = snapshot.life(self.job_id, self.submitted)
        if life is Life.GONE and job is None:
            try:
                async with asyncio.timeout(patience):
                    life = await queue.second_opinion(snapshot, self.job_id)
            except TimeoutError:
                life = Life.UNKNOWN
        return life, job

    async def _take_back(self, site_name: str, job_id: str) -> bool:
        """Cancel the job; False: its site did not take the order, which is in the ledger now."""
        try:
            await self.sites[site_name].cancel(self.user.name, job_id)
            return True
        except (KeyError, SchedulerError, OSError, TimeoutError) as error:
            self.log.error("could not be cancelled, will be when its site answers: %s", error)
            self.ledger.add(Debt(site_name, self.user.name, job_id, self.tag))
            return False

    def _owe(self) -> None:
        """Note that Slurm may have a job of this session, known by its tag alone."""
        if self.tag:
            self.ledger.add(Debt(self.site_name, self.user.name, tag=self.tag))
            self.tag, self._adopting = "", 0.0


def tagged(snapshot: Snapshot, tags: dict[str, str], tag: str, account: str) -> Job | None:
    """Return the job with this tag, or None.

    Anybody on a cluster can read tags and write one: the job must also be `account`'s ("": all
    sessions share one).
    """
    marked = [snapshot.jobs.get(job_id) for job_id, comment in tags.items() if comment == tag]
    return next((job for job in marked if job and account in ("", job.user)), None)
