"""One view of a site's queue, shared by all sessions.

However many sessions ask, a site is queried at most once per interval; everybody reads the
same answer. An answer that does not come is *unknown*, never *gone*.
"""

import asyncio
import random
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from . import logs, metrics

JITTER = 0.1  # share of an interval, so that several hubs do not ask a scheduler in step


class Life(Enum):
    """What the hub may conclude about a job."""

    WAITING = "waiting"  # in the queue, held or requeued: it has no node now
    RUNNING = "running"  # it has a node (suspended counts: the session is there)
    GONE = "gone"  # the scheduler answered, and the job has ended or is not known
    UNKNOWN = "unknown"  # the scheduler did not answer


# https://slurm.schedmd.com/squeue.html#SECTION_JOB-STATE-CODES
WAITING_STATES = {
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "RESV_DEL_HOLD",
    "SPECIAL_EXIT",
    "POWER_UP_NODE",
}
RUNNING_STATES = {
    "RUNNING",
    "SUSPENDED",
    "STOPPED",
    "SIGNALING",
    "RESIZING",
    "STAGE_OUT",
    "COMPLETING",
}


class Job(NamedTuple):
    """One line of a site's queue; strings as Slurm writes them."""

    id: str
    state: str  # e.g. PENDING, RUNNING, CANCELLED
    reason: str = ""  # e.g. Resources, Priority, QOSMaxGRESPerUser, NonZeroExitCode
    node: str = ""  # where its first task runs
    started: str = ""  # when it got that node (or is expected to), in seconds since 1970
    partition: str = ""
    priority: int = 0  # the scheduler starts the highest first
    ends: str = ""  # when Slurm will end it (or did), in seconds since 1970; "": no time limit
    user: str = ""  # the Unix account that it runs as
    since: str = ""  # when it was handed in, in seconds since 1970

    @property
    def life(self) -> Life:
        """Return WAITING, RUNNING or GONE by the state's name."""
        if self.state in WAITING_STATES:
            return Life.WAITING
        if self.state in RUNNING_STATES:
            return Life.RUNNING
        return Life.GONE


@dataclass(frozen=True)
class Snapshot:
    """One answer of a site: its jobs by id, or no answer and why (`error`)."""

    asked: float  # time.monotonic() when the query was sent
    jobs: dict[str, Job]
    error: str = ""

    def place(self, job: Job) -> int:
        """Return the place of a waiting job in its partition's queue, from 1."""
        ranks = self._waiting[job.partition]
        return 1 + bisect_left(ranks, _rank(job))

    @cached_property
    def _waiting(self) -> dict[str, list[tuple]]:
        """The ranks of all that wait, in order, by partition: sorted once for all who ask."""
        ranks = defaultdict(list)
        for job in self.jobs.values():
            if job.life is Life.WAITING:
                ranks[job.partition].append(_rank(job))
        for partition in ranks.values():
            partition.sort()
        return ranks

    def life(self, job_id: str, submitted: float) -> tuple[Life, Job | None]:
        """Return what this snapshot says of a job that was submitted at `submitted`.

        A job that the query could not yet have seen is unknown.
        """
        if self.error:
            return Life.UNKNOWN, None
        job = self.jobs.get(job_id)
        if job is not None:
            return job.life, job
        return (Life.GONE if self.asked > submitted else Life.UNKNOWN), None


def _rank(job: Job) -> tuple[int, int]:
    """What Slurm orders waiting jobs by: priority, then age."""
    return -job.priority, int(job.id)


class SiteQueue:
    """The queue of one site, asked at most once per interval, whoever asks."""

    def __init__(
        self,
        site: str,
        query: Callable[[], Awaitable[list[Job]]],
        timeout: float = 30,
        states: Callable[[], Awaitable[dict[str, str]]] | None = None,
    ):
        self.site = site
        self.timeout = timeout  # seconds that a scheduler may take to answer
        self._query = query
        self._states = states  # another way to ask: the state of each job by its id
        self._second: tuple[Snapshot, asyncio.Task] | None = None
        self._log = logs.of_site(site)
        metrics.prepare_site(site)
        self.latest = Snapshot(asked=float("-inf"), jobs={}, error="not asked yet")
        self._took = 0.0  # seconds that the last query took
        self._running: asyncio.Task | None = None
        self._soon: asyncio.Event | None = None  # that query's end, or that nobody waits longer
        self._looks: set[Callable[[Snapshot], None]] = set()  # who is told of each answer
        self._watching: asyncio.Task | None = None  # asks while somebody is told

    async def snapshot(self, max_age: float) -> Snapshot:
        """Return an answer that was asked for at most `max_age` seconds ago.

        Callers at the same time share one query, and a slow scheduler is not pressed: the
        next query waits until five times the last one's duration has passed. After a query
        that failed the wait is at most 10 s, so that a scheduler that is back is noticed.
        """
        if time.monotonic() - self.latest.asked <= max_age:
            return self.latest
        self._refresh(max_age)
        # One caller that is cancelled (a closed page) must not take the answer from the others.
        return await asyncio.shield(self._running)

    async def snapshot_soon(self, max_age: float, patience: float) -> Snapshot:
        """Return what `snapshot` does, or the last answer when `patience` seconds have passed.

        One event serves all who wait: 500 sessions that are looked after at once cost one
        timer, not 500.
        """
        if time.monotonic() - self.latest.asked <= max_age:
            return self.latest
        self._refresh(max_age)
        if self._soon is None or self._soon.is_set():
            soon = self._soon = asyncio.Event()
            self._running.add_done_callback(lambda _: soon.set())
            asyncio.get_running_loop().call_later(patience, soon.set)
        await self._soon.wait()
        return self.latest

    def watch(self, look: Callable[[Snapshot], None], interval: float) -> None:
        """Call `look` with each new answer; there is one at least every `interval` seconds.

        So however many sessions are looked after, an interval costs one question and, for each
        of them, one look into its answer: microseconds while nothing happened.
        """
        self._looks.add(look)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(interval))

    def unwatch(self, look: Callable[[Snapshot], None]) -> None:
        """End what `watch` began."""
        self._looks.discard(look)
        if not self._looks and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval * random.uniform(1 - JITTER, 1))  # noqa: S311 (no secret)
            # Who waits for something has it asked more often; one of those answers does as well.
            await self.snapshot(max_age=interval / 2)

    def _refresh(self, max_age: float) -> None:
        """Ask, unless somebody does already."""
        if self._running is None or self._running.done():
            wait = 5 * self._took
            if self.latest.error:
                wait = min(wait, self._took + 10)
            pause = max(0.0, self.latest.asked + wait - time.monotonic())
            pause += random.uniform(0, JITTER * max_age)  # noqa: S311 (no secret)
            self._running = asyncio.create_task(self._ask(pause))

    async def second_opinion(self, snapshot: Snapshot, job_id: str) -> Life:
        """Return what is true of a job that `snapshot` should have and has not.

        Jobs that ended stay listed for minutes, so one that is not there at all is rare, and an
        answer that was cut short looks the same. One other question for all who miss a job in
        this snapshot; no answer to it is unknown, never gone.
        """
        if self._states is None:
            return Life.GONE
        if self._second is None or self._second[0] is not snapshot:
            self._second = snapshot, asyncio.create_task(self._ask_states())
        states = await asyncio.shield(self._second[1])
        if states is None:
            return Life.UNKNOWN
        return Job(job_id, states[job_id]).life if job_id in states else Life.GONE

    async def _ask_states(self) -> dict[str, str] | None:
        try:
            async with asyncio.timeout(self.timeout):
                return await self._states()
        except (TimeoutError, OSError, RuntimeError, ValueError) as error:
            self._log.warning("jobs are missing in its answer, and it does not say: %s", error)
            return None

    async def _ask(self, pause: float) -> Snapshot:
        if pause:
            await asyncio.sleep(pause)
        asked = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                jobs = await self._query()
            snapshot = Snapshot(asked, {job.id: job for job in jobs})
        except (TimeoutError, OSError, RuntimeError, ValueError) as error:
            reason = str(error) or f"no answer within {self.timeout:.0f} s"
            snapshot = Snapshot(asked, {}, error=reason)
        if snapshot.error and snapshot.error != self.latest.error:
            self._log.warning("does not answer: %s", snapshot.error)
        elif self.latest.error and not snapshot.error:
            self._log.info("answers, %d jobs", len(snapshot.jobs))
        self._took = time.monotonic() - asked
        metrics.queue_asked(self.site, self._took, answered=not snapshot.error)
        self.latest = snapshot
        for look in tuple(self._looks):
            look(snapshot)
        return snapshot
