"""What Prometheus reads at the hub's own `/hub/metrics`, beside JupyterHub's metrics.

Labels are sites, phases, states and reasons: a few dozen series whatever the number of people.
No label names a person, a session or a job (those are in the log, see logs.py).
"""

import time
import weakref

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily

PREFIX = "minga"

# Parts of a start that succeeded, in order; their sum is `total`.
PHASES = (
    "submit",  # from the student's click until the scheduler gave the job its number
    "queue",  # until the job was seen running
    "start",  # until its server answered and told its port
    "ready",  # until the hub and the proxy reach it: the student is in
)
STATES = (
    "waiting",  # being handed in, or in the queue
    "starting",  # the job runs, its server is not reached yet
    "running",
    "unknown",  # the scheduler does not answer: the session is kept, whatever it is doing
)
# The reasons of SessionError that exist before they happen, so that a graph starts at 0 and an
# alert can see the first one; Slurm's states (node_fail, out_of_memory …) come when they come.
REASONS = ("options", "rejected", "no_answer", "gone", "failed", "cancelled", "timeout")

# A good start takes seconds; a place in the queue may take hours.
SPAWN_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)
SPAWN_BUCKETS += (1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600)
QUERY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # 30 s: SiteQueue's timeout

SPAWN = Histogram(
    "spawn_phase_seconds",
    "Duration of starts that succeeded, by phase (submit, queue, start, ready; total is all)",
    ["site", "phase"],
    namespace=PREFIX,
    buckets=SPAWN_BUCKETS,
)
FAILURES = Counter(
    "spawn_failures",
    "Starts that failed, by reason; site is '' for a choice that was refused",
    ["site", "reason"],
    namespace=PREFIX,
)
ENDED = Counter(
    "sessions_ended",
    "Running sessions that ended without anybody stopping them here, by Slurm's last state",
    ["site", "state"],
    namespace=PREFIX,
)
QUERY = Histogram(
    "queue_query_seconds",
    "Duration of the one query for a site's whole queue, answered or not",
    ["site"],
    namespace=PREFIX,
    buckets=QUERY_BUCKETS,
)
QUERY_FAILURES = Counter(
    "queue_query_failures",
    "Queries for a site's queue that failed or were not answered in time",
    ["site"],
    namespace=PREFIX,
)
ORPHANS = Counter(
    "orphaned_jobs",
    "Jobs of this hub found in a site's queue that belong to no session",
    ["site"],
    namespace=PREFIX,
)


def prepare_site(site: str) -> None:
    """Make every series of `site` exist, at 0, before anything happens there."""
    for phase in (*PHASES, "total"):
        SPAWN.labels(site, phase)
    for reason in REASONS:
        FAILURES.labels("" if reason == "options" else site, reason)
    for state in ("timeout", "cancelled", "failed", "node_fail", "out_of_memory", "gone"):
        ENDED.labels(site, state)
    for metric in (QUERY, QUERY_FAILURES, ORPHANS):
        metric.labels(site)
    SESSIONS.sites.add(site)


def queue_asked(site: str, seconds: float, *, answered: bool) -> None:
    """Count one query for a site's queue."""
    QUERY.labels(site).observe(seconds)
    if not answered:
        QUERY_FAILURES.labels(site).inc()


class SpawnClock:
    """Times one start: each phase is marked when it ends; the last mark writes all of them."""

    def __init__(self, site: str):
        self.site = site
        self._begun = time.monotonic()
        self._marks: dict[str, float] = {}

    def mark(self, phase: str) -> None:
        """Note that `phase` ends now; a job that was requeued ends `queue` again."""
        self._marks[phase] = time.monotonic()
        if phase == PHASES[-1] and len(self._marks) == len(PHASES):
            before = self._begun
            for name in PHASES:
                SPAWN.labels(self.site, name).observe(max(0.0, self._marks[name] - before))
                before = self._marks[name]
            SPAWN.labels(self.site, "total").observe(before - self._begun)
            self._marks.clear()  # once for each start


class Sessions:
    """Counts the living sessions by site and state when Prometheus asks, from what is known."""

    def __init__(self):
        self.sites: set[str] = set()
        self._spawners = weakref.WeakSet()

    def add(self, spawner) -> None:
        """Count `spawner` (an object with `site_and_state()`) for as long as it exists."""
        self._spawners.add(spawner)

    def describe(self):
        """Name the metric without asking anybody: the registry calls it when it is registered."""
        return [self._family()]

    def collect(self):
        """Return the gauge with one sample for each site and state."""
        counts = {(site, state): 0 for site in self.sites for state in STATES}
        for spawner in list(self._spawners):
            place = spawner.site_and_state()
            if place:
                counts[place] = counts.get(place, 0) + 1
        family = self._family()
        for place, count in sorted(counts.items()):
            family.add_metric(place, count)
        return [family]

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily(
            f"{PREFIX}_sessions", "Sessions by site and state", labels=["site", "state"]
        )


SESSIONS = Sessions()
REGISTRY.register(SESSIONS)
