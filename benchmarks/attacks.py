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
from collections.abc import Iterator
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
GUARD_SECONDS = 120  # for one attack on stock, and the honest submission after it
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
            found = _measure(Path(folder), names, graders)
        for name, verdicts in found.items():
            before = results["attacks"].get(name, {})
            results["attacks"][name] = {**before, "goal": cases[name].GOAL, **verdicts}
        results["attacks"] = {k: results["attacks"][k] for k in cases if k in results["attacks"]}
        saved.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write(results, options.output)
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


def _measure(folder: Path, names: list[str], graders: list[str]) -> dict[str, dict]:
    """Return for each attack what it got from the graders."""
    os.environ["PATH"] = programs_on_path()
    found = {name: {} for name in names}
    for grader in graders:
        place = Place(folder / grader)
        place.build(configuration(grader, place))
        for name, verdict in (_all_stock if grader == "stock" else _all_ours)(folder, names):
            found[name][grader] = verdict
    return found


def _all_stock(folder: Path, names: list[str]) -> Iterator[tuple[str, dict]]:
    """Yield what each attack got from stock nbgrader."""
    dangerous = [name for name in names if load()[name].GOAL == "stop"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # those that eat the machine: one by one
        quiet = [name for name in names if name not in dangerous]
        verdicts = [*pool.map(lambda name: _stock(folder, name), quiet)]
    verdicts += [_stock(folder, name) for name in dangerous]
    yield from zip([*quiet, *dangerous], verdicts, strict=True)


def _all_ours(folder: Path, names: list[str]) -> Iterator[tuple[str, dict]]:
    """Yield what each attack got from ours."""
    left = list(names)
    while left:
        done = _run(_command("ours", folder / "ours", left), Place(folder / "ours"), 30 * len(left))
        for name, verdict in done.items():
            yield name, verdict
            print(f"ours {name}: {verdict}", flush=True)
        left = [name for name in left if name not in done]
        if left:  # the first of them ended the grader
            yield left.pop(0), asdict(Verdict(stopped="the grader ended"))


def _stock(folder: Path, name: str) -> dict:
    """Attack a fresh copy of the course, in namespaces of its own; return what it got."""
    place = Place(folder / f"stock-{name}")
    shutil.copytree(folder / "stock", place.folder)
    walls = [str(bubblewrap()), *"--die-with-parent --unshare-pid --unshare-net".split()]
    walls += "--unshare-ipc --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp".split()
    walls += ["--tmpfs", "/run", "--bind", str(place.folder), str(place.folder)]
    walls += ["--ro-bind", str(ROOT), str(ROOT), "--chdir", str(ROOT), "--"]
    done = _run([*walls, *_command("stock", place.folder, [name])], place, GUARD_SECONDS, True)
    shutil.rmtree(place.folder, ignore_errors=True)
    verdict = done.get(name) or asdict(Verdict(stopped="the grader ended, or the guard ended it"))
    print(f"stock {name}: {verdict}", flush=True)
    return verdict


def _command(grader: str, place: Path, names: list[str]) -> list[str]:
    child = ["--child", grader, str(place), "--only", ",".join(names)]
    return [sys.executable, "-m", "benchmarks.attacks", *child]


def _run(command: list[str], place: Place, seconds: float, guard: bool = False) -> dict[str, dict]:
    """Run a child and return the verdicts that it could write."""
    log = place.folder.with_suffix(".log")
    with open(log, "wb") as output, open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=nowhere,
            cwd=ROOT,
            env={**_clean_environment(), **libraries(), **place.environment()},
            preexec_fn=_limit if guard else None,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()  # its namespace ends with it
            process.wait()
    lines = log.read_text(errors="replace").splitlines()
    log.unlink()
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
    place = Place(folder).listen()
    cases = load()
    graded = Grader(place, configuration(grader, place))
    for name in names:
        verdict = asdict(graded.attack(cases[name]))
        print("VERDICT " + json.dumps([name, verdict]), flush=True)
    place.close()


if __name__ == "__main__":
    sys.exit(main())
