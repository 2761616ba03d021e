"""`make bench-attacks`: the attacks of tests/attacks, on stock nbgrader and on ours.

    python -m benchmarks.attacks                  all of them, about ten minutes on two cores
    python -m benchmarks.attacks --only a,b       some; the others keep what was measured before
    python -m benchmarks.attacks --draw           the table again, from the saved results

Writes attacks.json, attacks.md and attacks.en.md to docs/benchmarks (--output moves it). Stock is
nbgrader as it is installed, with its own configuration, and a plain ipykernel. What attacks do to
it stays in a scratch folder: each runs in namespaces and with limits of its own, and succeeds
also if those had to end it.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from traitlets.config import Config

from courses.nbgrader import instructor_config
from grading.sandbox import bubblewrap, libraries

from . import machine
from .attacks_report import write

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "docs" / "benchmarks"
sys.path.insert(0, str(ROOT / "tests" / "attacks"))
from attack_class import Place, programs_on_path  # noqa: E402
from attack_harness import CELL_SECONDS, Grader, Verdict, load  # noqa: E402

GRADERS = ("stock", "ours")
GUARD_SECONDS = 300  # for one attack and the honest submission after it
BATCH = 8  # attacks on stock in one process
GUARD_BYTES = 8 << 30  # of address space, for each process of such an attack


def main(arguments: list[str] | None = None) -> int:
    """Measure, save, write the pages; return 1 if an attack on ours succeeds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", default="", help="names of attacks, with commas between them")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the results")
    parser.add_argument("--grader", choices=GRADERS, help="measure one; keep the other's results")
    parser.add_argument("--draw", action="store_true", help="only write what was saved")
    parser.add_argument("--child", nargs=2, metavar=("GRADER", "PLACE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    cases = load()
    names = options.only.split(",") if options.only else list(cases)
    if options.child:
        _attack(options.child[0], Path(options.child[1]), names)
        return 0
    options.output.mkdir(parents=True, exist_ok=True)
    saved = options.output / "attacks.json"
    results = json.loads(saved.read_text()) if saved.exists() else {"attacks": {}}
    if not options.draw:
        results["machine"] = machine.description() | {"nbgrader": version("nbgrader")}
        with tempfile.TemporaryDirectory(prefix="minga-attacks-") as folder:
            graders = [options.grader] if options.grader else GRADERS
            for name, grader, verdict in _measure(Path(folder), names, graders):
                print(f"{grader} {name}: {verdict}", flush=True)
                row = results["attacks"].setdefault(name, {"goal": cases[name].GOAL})
                row[grader] = verdict
                _save(results, saved)
        results["attacks"] = {k: results["attacks"][k] for k in cases if k in results["attacks"]}
        _save(results, saved)
    write(results, options.output, len(cases))
    print((options.output / "attacks.en.md").read_text())
    ours = [row.get("ours", {}) for row in results["attacks"].values()]
    return int(any(any(verdict.values()) for verdict in ours))


def configuration(grader: str, place: Place) -> Config:
    """Return ours, or the least that stock needs to find the course."""
    if grader == "ours":
        config = instructor_config("ataques", place.course)
    else:
        config = Config()
        config.CourseDirectory.course_id = "ataques"
        config.CourseDirectory.root = str(place.course)
    config.Execute.timeout = CELL_SECONDS
    return config


def _save(results: dict, path: Path) -> None:
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def _measure(folder: Path, names: list[str], graders) -> Iterator[tuple[str, str, dict]]:
    """Yield what each attack got: its name, the grader and the verdict."""
    os.environ["PATH"] = programs_on_path()
    for grader in graders:
        place = Place(folder / grader)
        place.build(configuration(grader, place))
        for name, verdict in (_all_stock if grader == "stock" else _all_ours)(folder, names):
            yield name, grader, verdict


def _all_stock(folder: Path, names: list[str]) -> Iterator[tuple[str, dict]]:
    """Yield what each attack got from stock nbgrader."""
    cases = load()
    dangerous = [name for name in names if cases[name].GOAL == "stop"]
    quiet = [name for name in names if name not in dangerous]
    batches = [quiet[i : i + BATCH] for i in range(0, len(quiet), BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda batch: [*_stock(folder, batch)], batches):
            yield from found
    for name in dangerous:  # those that eat the machine: one by one
        yield from _stock(folder, [name])


def _all_ours(folder: Path, names: list[str]) -> Iterator[tuple[str, dict]]:
    """Yield what each attack got from ours."""
    place = Place(folder / "ours")
    yield from _until_all(names, lambda left: _run(_command("ours", place.folder, left), left))


def _until_all(names: list[str], run: Callable) -> Iterator[tuple[str, dict]]:
    """Run attacks in one process, and the rest in another where an attack ended it."""
    left = list(names)
    while left:
        done = run(left)
        yield from done.items()
        left = [name for name in left if name not in done]
        if left:
            yield left.pop(0), asdict(Verdict(stopped="the grader ended, or was ended"))


def _stock(folder: Path, names: list[str]) -> Iterator[tuple[str, dict]]:
    """Attack a fresh copy of the course each, in namespaces of their own."""
    places = folder / f"stock-{names[0]}"
    for name in names:
        shutil.copytree(folder / "stock", places / name)
    walls = [str(bubblewrap()), *"--die-with-parent --unshare-pid --unshare-net".split()]
    walls += "--unshare-ipc --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp".split()
    walls += ["--tmpfs", "/run", "--bind", str(places), str(places)]
    walls += ["--ro-bind", str(ROOT), str(ROOT), "--chdir", str(ROOT), "--"]
    yield from _until_all(
        names, lambda left: _run([*walls, *_command("stock", places, left)], left, guard=True)
    )
    shutil.rmtree(places, ignore_errors=True)


def _command(grader: str, folder: Path, names: list[str]) -> list[str]:
    child = ["--child", grader, str(folder), "--only", ",".join(names)]
    return [sys.executable, "-m", "benchmarks.attacks", *child]


def _run(command: list[str], names: list[str], guard: bool = False) -> dict[str, dict]:
    """Run a child and return the verdicts that it could write."""
    with tempfile.TemporaryFile() as output, open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=nowhere,
            cwd=ROOT,
            env={**_clean_environment(), **libraries()},
            preexec_fn=_limit if guard else None,
        )
        try:
            process.wait(GUARD_SECONDS * len(names))
        except subprocess.TimeoutExpired:
            process.kill()  # its namespace ends with it
            process.wait()
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    marked = [line.removeprefix("VERDICT ") for line in lines if line.startswith("VERDICT ")]
    return {name: verdict for name, verdict in map(json.loads, marked)}


def _clean_environment() -> dict[str, str]:
    """Return what a program needs; an attack on stock may print it."""
    return {"PATH": programs_on_path(), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def _limit() -> None:
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (GUARD_BYTES, GUARD_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _attack(grader: str, folder: Path, names: list[str]) -> None:
    """Be the child: grade and write a line for each attack."""
    cases = load()
    place = None
    for name in names:
        if place is None or grader == "stock":
            place = Place(folder / name if grader == "stock" else folder)
            os.environ |= place.environment()
            place.listen()
            graded = Grader(place, configuration(grader, place))
        verdict = asdict(graded.attack(cases[name]))
        print("VERDICT " + json.dumps([name, verdict]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
