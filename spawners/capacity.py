"""What a site has free now, shared by everybody who looks at a start page.

However many people look, a site is asked at most once per interval, in the background, and only
while somebody looks: pages show the last answer and never wait for a scheduler. An answer that
does not come is *unknown*. What a site has comes from `sinfo`, when a session would start from
Slurm's own estimate (`sbatch --test-only`).
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from . import logs
from .queue import Life, SiteQueue, Snapshot

REFRESH = 5  # seconds between looks at a site's nodes and queue, while somebody looks
ESTIMATE_AGE = 45  # seconds that Slurm's estimate for one kind of session is kept
INTEREST = 90  # seconds after the last look at a page until a site is left alone
PATIENCE = 5  # seconds between questions, as a multiple of what the last ones took
STALE = 180  # seconds after which an answer says nothing about now
FIRST_ANSWER = 1.0  # seconds that a page may wait when nobody has looked for a while

# https://slurm.schedmd.com/sinfo.html#OPT_Format; "@" ends each field: no name contains it, and
# a remote shell (a prefix with ssh) does not read it.
FIELDS = (
    "NodeList",
    "Partition",
    "Available",
    "StateComplete",
    "CPUsState",
    "Threads",
    "Memory",
    "AllocMem",
    "Gres",
    "GresUsed",
    "Time",
)
SINFO = ["sinfo", "--noheader", "--Node", "--Format=" + ",".join(f"{f}:@" for f in FIELDS)]
# https://slurm.schedmd.com/sinfo.html#SECTION_NODE-STATE-CODES, without marks of size or time.
WORKING = {"idle", "mixed", "allocated", "completing"}
# Flags with which a node takes sessions at once; any other one may mean that it does not.
HARMLESS = {"planned", "completing", "cloud", "dynamic_norm", "dynamic_future"}
# Flags with which a node takes none until somebody or something acts.
OUT = {
    "drain",
    "drained",
    "draining",
    "down",
    "fail",
    "failing",
    "invalid_reg",
    "maintenance",
    "maint",
    "not_responding",
    "reboot_issued",
}


class Need(NamedTuple):
    """What one session needs on one node: CPUs, memory in MB, GPUs."""

    cores: int
    memory: int
    gpus: int


@dataclass(frozen=True)
class Node:
    """One node as sinfo shows it; memory in MB."""

    name: str
    state: frozenset[str]  # e.g. {"mixed", "planned"}
    cpus: int
    cpus_idle: int
    threads: int  # a core: Slurm hands out whole cores
    memory: int
    memory_free: int
    gpus: int
    gpus_free: int

    @property
    def out(self) -> bool:
        """Whether it takes no sessions until somebody mends it."""
        return not self.state & WORKING or bool(self.state & OUT)

    def fits(self, need: Need) -> int:
        """Return how many sessions of `need` would fit now."""
        if self.out or self.state - WORKING - HARMLESS:
            return 0
        return self._times(need, self.cpus_idle, self.memory_free, self.gpus_free)

    def could(self, need: Need) -> bool:
        """Return whether a session of `need` would fit if the node were empty."""
        return self._times(need, self.cpus, self.memory, self.gpus) > 0

    def _times(self, need: Need, cpus: int, memory: int, gpus: int) -> int:
        whole = -(-need.cores // self.threads) * self.threads
        most = min(cpus // whole, memory // need.memory)
        return max(0, min(most, gpus // need.gpus) if need.gpus else most)


@dataclass(frozen=True)
class View:
    """One answer of a site, or why there is none (`error`)."""

    asked: float  # time.monotonic() when the query was sent
    nodes: tuple[Node, ...] = ()
    partition: str = ""
    open: bool = True  # the partition takes jobs
    hours: int | None = None  # the partition's longest session; None: no limit
    error: str = ""
    _free: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def down(self) -> bool:
        """Whether it is known that no session can start here for now."""
        return bool(self.error) or not self.open or all(node.out for node in self.nodes)

    def free(self, need: Need) -> int:
        """Return how many sessions of `need` would fit now."""
        if need not in self._free:  # many pages ask for the same
            fits = sum(node.fits(need) for node in self.nodes)
            self._free[need] = fits if self.open else 0
        return self._free[need]

    def possible(self, need: Need) -> bool:
        """Return whether any node is large enough; True while the site has not said."""
        return not self.nodes or any(node.could(need) for node in self.nodes)


def parse(output: str, partition: str = "", asked: float | None = None) -> View:
    """Return the View of what SINFO printed for `partition` (empty: the site's default one).

    `asked` is time.monotonic() when it was asked for, now by default.

    Raises ValueError, which is no answer, for garbage.
    """
    nodes, names, ups, limits = {}, set(), set(), set()
    for line in output.splitlines():
        fields = [field.strip() for field in line.split("@")]
        if len(fields) != len(FIELDS) + 1 or fields[-1]:
            raise ValueError(f"not a line of sinfo: {line[:80]!r}")
        name, where, available, state, cpus, threads, memory, used, gres, gres_used, limit, _ = (
            fields
        )
        if where.rstrip("*") != partition if partition else not where.endswith("*"):
            continue
        _, idle, _, total = (int(part) for part in cpus.split("/"))
        gpus = _gpus(gres)
        nodes[name] = Node(
            name=name,
            state=frozenset(word.strip("*~#!%$@^-") for word in state.lower().split("+")),
            cpus=total,
            cpus_idle=idle,
            threads=max(1, int(threads)),
            memory=int(memory),
            memory_free=int(memory) - int(used),
            gpus=gpus,
            gpus_free=gpus - _gpus(gres_used),
        )
        names.add(where.rstrip("*"))
        ups.add(available)
        limits.add(limit)
    if not nodes:
        raise ValueError(f"sinfo shows no node of partition {partition or '(default)'}")
    return View(
        asked=time.monotonic() if asked is None else asked,
        nodes=tuple(nodes.values()),
        partition=names.pop(),
        open=ups == {"up"},
        hours=_hours(limits.pop()),
    )


def _gpus(gres: str) -> int:
    """Return the GPUs in Slurm's list of generic resources, of whatever type.

    >>> _gpus("gpu:a100:2(IDX:0,3),gpu:h100:1(S:0-1),license:4"), _gpus("(null)")
    (3, 0)
    """
    plain = re.sub(r"\([^)]*\)", "", gres)
    return sum(int(n) for n in re.findall(r"(?:^|,)gpu(?::[^:,]+)*:(\d+)(?=,|$)", plain))


def _hours(limit: str) -> int | None:
    """Return the whole hours in one of Slurm's time limits, None if there is no limit.

    >>> _hours("8:00:00"), _hours("1-12:30:00"), _hours("45:00"), _hours("infinite")
    (8, 36, 0, None)
    """
    if limit.lower() in ("infinite", "unlimited", "n/a"):
        return None
    found = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if not found:
        raise ValueError(f"not a time limit: {limit[:40]!r}")
    return int(found[1] or 0) * 24 + int(found[2] or 0)


def parse_estimate(words: str) -> int | None:
    """Return when sbatch --test-only expects the start, in seconds since 1970, None if unsaid.

    >>> parse_estimate("sbatch: Job 7 to start at 1795437000 using 4 processors on nodes n0")
    1795437000
    """
    # A clock time would be in the cluster's time zone, which it does not name.
    found = re.search(r"\bto start at (\d{9,12})\b", words)
    return int(found[1]) if found else None


class SiteCapacity:
    """What one site has free, asked in the background while somebody looks at a start page.

    `ask` runs a command on the site and returns (its output, its error output); it raises
    RuntimeError or OSError when the command fails.
    """

    def __init__(
        self,
        site: str,
        partition: str,
        queue: SiteQueue,
        ask: Callable[[Sequence[str]], Awaitable[tuple[str, str]]],
        timeout: float = 10,
    ):
        self.partition = partition
        self.queue = queue
        self.timeout = timeout  # seconds that a scheduler may take to answer
        self.view: View | None = None  # None: not asked yet
        self._ask = ask
        self._log = logs.of_site(site)
        self._looked = float("-inf")
        self._needs: dict[tuple[Need, int], float] = {}  # what was looked for, and when
        self._estimates: dict[tuple[Need, int], tuple[float, int | None]] = {}
        self._counted: tuple[Snapshot, int] | None = None  # what waits in that answer
        self._task: asyncio.Task | None = None
        self._answered = asyncio.Event()

    def look(self, needs: Iterable[tuple[Need, int]]) -> None:
        """Note that somebody looks at these (Need, hours); the site is asked in the background."""
        self._looked = time.monotonic()
        self._needs |= dict.fromkeys(needs, self._looked)
        if self._task is None or self._task.done():
            self._answered.clear()
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def first_answer(self) -> None:
        """Wait for the first answer since somebody looks (again), a second at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_ANSWER):
                await self._answered.wait()

    @property
    def known(self) -> bool:
        """Whether there is an answer, and it is of now."""
        return self.view is not None and time.monotonic() - self.view.asked < STALE

    def starts(self, need: Need, hours: int) -> int | None:
        """Return when Slurm expects to start such a session, in seconds since 1970, if it said."""
        return self._estimates.get((need, hours), (0.0, None))[1]

    async def _follow(self) -> None:
        while time.monotonic() - self._looked < INTEREST:
            began = time.monotonic()
            await self._look_at_nodes()
            if not self.view.error:
                await self.queue.snapshot(max_age=REFRESH)
                await self._estimate()
            took = time.monotonic() - began
            pause = max(REFRESH, PATIENCE * took)
            # A site that is back is noticed soon.
            await asyncio.sleep(min(pause, self.timeout + REFRESH) if self.view.error else pause)

    async def _look_at_nodes(self) -> None:
        asked = time.monotonic()
        command = [*SINFO, *([f"--partition={self.partition}"] if self.partition else [])]
        try:
            async with asyncio.timeout(self.timeout):
                output, _ = await self._ask(command)
            view = parse(output, self.partition, asked)
        except (TimeoutError, OSError, RuntimeError, ValueError) as error:
            reason = str(error) or f"no answer within {self.timeout:.0f} s"
            # What the site has does not change when it does not answer.
            last = self.view or View(asked)
            view = View(asked, last.nodes, last.partition, last.open, last.hours, error=reason)
        if view.error and (self.view is None or view.error != self.view.error):
            self._log.warning("sinfo: %s", view.error)
        self.view = view
        self._answered.set()

    async def _estimate(self) -> None:
        """Ask for the estimates that somebody looks for and that are old: one at a time."""
        now = time.monotonic()
        self._needs = {k: at for k, at in self._needs.items() if now - at < INTEREST}
        self._estimates = {k: v for k, v in self._estimates.items() if k in self._needs}
        waiting = self.waiting()
        for key in self._needs:
            asked, _ = self._estimates.get(key, (float("-inf"), None))
            need, hours = key
            if (self.view.free(need) and not waiting) or not self.view.possible(need):
                self._estimates.pop(key, None)  # it would start now, or never
            elif now - asked > ESTIMATE_AGE:
                self._estimates[key] = (time.monotonic(), await self._expected(need, hours))

    async def _expected(self, need: Need, hours: int) -> int | None:
        command = [
            "sbatch",
            "--test-only",
            "--nodes=1",
            "--ntasks=1",
            f"--cpus-per-task={need.cores}",
            f"--mem={need.memory}M",
            f"--time={hours}:00:00",
            *([f"--partition={self.partition}"] if self.partition else []),
            *([f"--gres=gpu:{need.gpus}"] if need.gpus else []),
            "--wrap=true",
        ]
        try:
            async with asyncio.timeout(self.timeout):
                return parse_estimate((await self._ask(command))[1])
        except (TimeoutError, OSError, RuntimeError):
            return None  # nothing to say: e.g. the hub's account may not hand in jobs there

    def waiting(self) -> int | None:
        """Return how many jobs wait in this site's partition, None if the queue does not say."""
        latest = self.queue.latest
        if latest.error or self.view is None:
            return None
        if self._counted is None or self._counted[0] is not latest:
            count = sum(
                job.life is Life.WAITING and self.view.partition in job.partition.split(",")
                for job in latest.jobs.values()
            )
            self._counted = (latest, count)
        return self._counted[1]
