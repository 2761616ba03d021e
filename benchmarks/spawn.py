"""`make bench-spawn`: ours and stock batchspawner, in turn, on the same private Slurm.

    python -m benchmarks.spawn                  everything, about 45 minutes on two cores
    python -m benchmarks.spawn --quick          small numbers, two minutes: does it run?
    python -m benchmarks.spawn --only b,d       some of the four measurements
    python -m benchmarks.spawn --draw           table and plot again, from the saved results

Writes results.json, spawn.md, spawn.en.md and spawn.svg to docs/benchmarks (--output moves it).
Everything listens on the loopback address, every wait is bounded, and all processes are ended
also when it is interrupted.
"""

import argparse
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import urllib.error
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import experiments, machine, report
from .results import failed

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "docs" / "benchmarks"


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    sizes: tuple[int, ...] = (1, 50, 200, 500)  # (a) sessions
    window: float = 60  # (a) seconds, two of stock's rounds
    clicks: int = 6  # (b)
    students: int = 300  # (c), (d)
    fit: float = 180  # (c) seconds that all may take when all fit
    queue: float = 60  # (c) seconds that most stay in the queue
    runs: int = 3  # (c), (d)


QUICK = Scale((1, 4), 6, 1, 20, 40, 12, 1)


def main(arguments: list[str] | None = None) -> int:
    """Measure, save, draw; return 1 if a measurement of ours could not be made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spawn", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="a smoke test with small numbers")
    parser.add_argument("--only", default="a,b,c,d", help="letters of what to measure")
    parser.add_argument("--runs", type=int, help="repetitions of (c) and (d)")
    parser.add_argument("--output", type=Path, help="folder of the results")
    parser.add_argument("--draw", action="store_true", help="only draw what was saved")
    options = parser.parse_args(arguments)
    # A smoke test must not overwrite the results that are kept.
    output = options.output or (ROOT / ".minga" / "benchmarks" if options.quick else OUTPUT)
    output.mkdir(parents=True, exist_ok=True)
    saved = output / "results.json"
    results = json.loads(saved.read_text()) if saved.exists() else {}
    if not options.draw:
        scale = QUICK if options.quick else Scale()
        runs = options.runs or scale.runs
        command = "python -m benchmarks.spawn " + shlex.join(arguments or sys.argv[1:])
        letters = set(options.only.split(","))
        results["machine"] = machine.description()
        results["commands"] = results.get("commands", {}) | dict.fromkeys(letters, command.strip())
        # SIGINT too: a shell starts background processes with Ctrl-C ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        with tempfile.TemporaryDirectory(prefix="minga-bench-") as temporary:
            folder = Path(temporary)
            try:
                _measure(results, saved, folder, scale, runs, letters)
            finally:
                for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C leaves nothing
                    signal.signal(number, signal.SIG_IGN)
                site = machine.existing(folder / "cluster")
                if site:
                    site.stop()
                machine.end_marked(folder)
    report.write(results, output)
    print((output / "spawn.en.md").read_text())
    return 0 if options.draw or not failed(results) else 1


def _measure(results, saved: Path, folder: Path, scale: Scale, runs: int, letters: set) -> None:
    """Fill `results`, saved after each step."""
    site = machine.cluster(folder / "cluster")

    def step(letter: str, key: str, measure) -> None:
        """Keep what `measure()` returns, or why it could not be measured."""
        load = os.getloadavg()[0]
        print(f"({letter}) {key}; load average {load:.1f}", flush=True)
        try:
            value = measure()
        except (RuntimeError, TimeoutError, urllib.error.URLError) as error:
            value = {"error": str(error)[:2000]}
            print(f"      failed: {str(error)[:2000]}", file=sys.stderr, flush=True)
        results.setdefault(letter, {})[key] = value
        saved.write_text(json.dumps(results, indent=1) + "\n")

    both = ("ours", "stock")
    if "a" in letters:
        for spawner in both:
            step(
                "a",
                spawner,
                partial(experiments.polling, site, folder, spawner, scale.sizes, scale.window),
            )
    if "b" in letters:
        _clicks(step, site, folder, scale)
    for key, seconds, gpu in (("fit", scale.fit, False), ("queue", scale.queue, True)):
        for number in range(runs if "c" in letters else 0):
            for spawner in both:
                step(
                    "c",
                    f"{key} {spawner} {number}",
                    partial(experiments.rush, site, folder, spawner, scale.students, seconds, gpu),
                )
    if "d" in letters:
        for spawner in both:
            step(
                "d",
                spawner,
                partial(experiments.restart, site, folder, spawner, scale.students, runs),
            )


def _clicks(step, site, folder: Path, scale: Scale) -> None:
    """(b): ours, the floor, and stock with three states of its Python packages."""
    extra = machine.stock_packages(folder / "stock-packages", sys.executable)
    packages = {"PYTHONPATH": str(extra)} if extra else {}
    raw = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(folder / "no-bytecode")}
    variants = {
        "local": ("local", {}),
        "ours": ("ours", {}),
        "stock": ("stock", packages | raw),
        "stock compiled": ("stock", packages),
        "stock compiled, our packages": ("stock", {}),
    }
    step(
        "b",
        "scheduling",
        lambda: statistics.median(
            machine.scheduling_time(site, folder) for _ in range(scale.clicks)
        ),
    )
    for key, (spawner, environment) in variants.items():
        step("b", key, partial(experiments.click, site, folder, spawner, scale.clicks, environment))


def _interrupt(number, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; everything that was started has been ended")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{shlex.join(map(str, error.cmd))}: {error.stderr}")
