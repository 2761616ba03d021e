"""What Minga promises of its spawner, and what was measured of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from .results import listed, median, runs_of


@dataclass(frozen=True)
class Promise:
    """One measured value and its limit, which it must not exceed."""

    key: str  # of the text in report.py
    value: float
    limit: float

    @property
    def kept(self) -> bool:
        """Whether the value is within its limit."""
        return self.value <= self.limit


def promises(results: dict) -> Iterator[Promise]:
    """Yield each promise whose values are among `results`."""
    yield from _polling(results.get("a", {}))
    yield from _clicks(results.get("b", {}))
    yield from _rush(results)
    runs = listed(results.get("d", {}).get("ours"))
    if runs:
        yield Promise("lost", max(run["lost"] for run in runs), 0)
        if (known := median(runs, "known")) is not None:
            yield Promise("known", known, 5)


def _polling(measured: dict) -> Iterator[Promise]:
    rounds = {
        spawner: {row["sessions"]: row["round_cpu"] for row in listed(measured.get(spawner))}
        for spawner in ("ours", "stock")
    }
    common = rounds["ours"].keys() & rounds["stock"].keys() - {0}
    if common:
        most = max(common)
        yield Promise("round", rounds["ours"][most] / rounds["stock"][most], 1 / 100)


def _clicks(measured: dict) -> Iterator[Promise]:
    def seconds(key: str) -> float | None:
        return measured.get(key, {}).get("median")

    ours, local, slurm = seconds("ours"), seconds("local"), measured.get("scheduling")
    if not ours:
        return
    for key, limit in (("stock", 0.5), ("stock compiled", 0.7)):
        if seconds(key):
            yield Promise(key, ours / seconds(key), limit)
    if local and isinstance(slurm, float):
        yield Promise("floor", ours, 1.2 * local + slurm)


def _rush(results: dict) -> Iterator[Promise]:
    runs = [run for kind in ("fit", "queue") for run in runs_of(results, kind, "ours")]
    if runs:
        yield Promise("failures", max(run["failures"] for run in runs), 0)
        yield Promise("turned_away", max(run["turned_away"] for run in runs), 0)
        for kind in ("fit", "queue"):
            if of_kind := runs_of(results, kind, "ours"):
                yield Promise(f"p99 {kind}", median(of_kind, "p99"), 1)
        yield Promise("questions", max(run["questions_per_second"] for run in runs), 2)
