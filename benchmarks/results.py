"""How saved results are read: which runs there are, and their medians."""

import statistics


def failed(results: dict) -> list[str]:
    """Return the measurements of ours that could not be made."""
    return [
        f"({letter}) {key}"
        for letter in "abcd"
        for key, value in results.get(letter, {}).items()
        if isinstance(value, dict) and "error" in value and "stock" not in key
    ]


def runs_of(results: dict, kind: str, spawner: str) -> list[dict]:
    """Return the runs of (c) `kind` (fit, queue) that were made with `spawner`."""
    found = results.get("c", {})
    prefix = f"{kind} {spawner} "
    return [run for key, run in found.items() if key.startswith(prefix) and "error" not in run]


def median(runs: list[dict], key: str) -> float | None:
    """Return the median of what `key` has in `runs`; None if a run has none."""
    values = [run[key] for run in runs]
    return statistics.median(values) if values and None not in values else None


def listed(value) -> list[dict]:
    """Return the runs of a measurement; none if it could not be made."""
    return value if isinstance(value, list) else []
