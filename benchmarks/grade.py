"""`make bench-grade`: stock `nbgrader autograde` and ours on the same honest submissions.

    python -m benchmarks.grade                    40 numpy and 40 torch submissions
    python -m benchmarks.grade --submissions 6    a small version
    python -m benchmarks.grade --only numpy       one of the two; the other keeps its results
    python -m benchmarks.grade --draw             the pages again, from the saved results

Writes grade.json, grade.md and grade.en.md to docs/benchmarks (--output moves it). Each grader
starts from its own fresh copy of the course and runs as a command of its own; the scores must be
equal cell by cell, or nothing is written.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import psutil
from nbgrader.api import Gradebook

from courses.nbgrader import instructor_config

from . import grade_class, machine
from .grade_report import write

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "docs" / "benchmarks"
GRADERS = {"stock": None, "ours 1": 1, "ours 2": 2}  # workers


def main(arguments: list[str] | None = None) -> int:
    """Measure, save, write the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grade", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--submissions", type=int, default=40, help="of each assignment")
    parser.add_argument("--only", default="numpy,torch", help="assignments, commas between them")
    parser.add_argument("--output", type=Path, help="folder of the results")
    parser.add_argument("--draw", action="store_true", help="only write what was saved")
    options = parser.parse_args(arguments)
    full = options.submissions == parser.get_default("submissions")
    # A small version must not overwrite the results that are kept.
    output = options.output or (OUTPUT if full else ROOT / ".minga" / "benchmarks")
    output.mkdir(parents=True, exist_ok=True)
    saved = output / "grade.json"
    results = json.loads(saved.read_text()) if saved.exists() else {"assignments": {}}
    if not options.draw:
        os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        results["machine"] = machine.description() | {"nbgrader": version("nbgrader")}
        for assignment in options.only.split(","):
            with tempfile.TemporaryDirectory(prefix="minga-grade-") as folder:
                found = _measure(Path(folder), assignment, options.submissions)
            results["assignments"][assignment] = found
            saved.write_text(json.dumps(results, indent=1) + "\n")
    write(results, output)
    print((output / "grade.en.md").read_text())
    return 0


def _measure(folder: Path, assignment: str, submissions: int) -> dict:
    """Return what each grader needs for one assignment, in seconds."""
    root = folder / "course"
    grade_class.build(root, instructor_config(grade_class.COURSE, root), assignment, submissions)
    found, scores = {"submissions": submissions, "floor": _floor(root, assignment)}, {}
    for grader, workers in GRADERS.items():
        copy = folder / "graded" / grade_class.COURSE
        shutil.copytree(root, copy)
        print(f"{assignment}, {grader}; load average {os.getloadavg()[0]:.1f}", flush=True)
        found[grader] = _run(_command(copy, assignment, workers), copy)
        scores[grader] = _scores(copy, assignment)
        shutil.rmtree(copy)
        print(f"    {found[grader]}", flush=True)
    students = len(scores["stock"])
    if students != submissions or any(scores[grader] != scores["stock"] for grader in GRADERS):
        raise RuntimeError(f"{assignment}: the scores differ: {_differences(scores)}")
    found["cells"] = sum(map(len, scores["stock"].values()))
    return found


def _command(course: Path, assignment: str, workers: int | None) -> list[str]:
    if workers is None:  # in the course's folder, with nbgrader's own configuration
        command = [sys.executable, "-m", "nbgrader", "autograde", assignment]
        return [*command, f"--CourseDirectory.course_id={grade_class.COURSE}"]
    command = [sys.executable, "-m", "grading", "autograde", str(course), assignment]
    return [*command, "--workers", str(workers), "--course", grade_class.COURSE]


def _run(command: list[str], course: Path) -> dict[str, float]:
    """Run a command; return its wall seconds, and the CPU seconds of the machine meanwhile.

    Not those of its processes: what ends with a sandbox is nobody's child to be added up.
    """
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    began, used = time.monotonic(), _busy()
    done = subprocess.run(
        command,
        cwd=ROOT if "grading" in command else course,
        env={**clean, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
    )
    wall, cpu = time.monotonic() - began, _busy() - used
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-4000:]}")
    return {"wall": wall, "cpu": cpu}


def _busy() -> float:
    """Return the CPU seconds that this machine has used."""
    times = psutil.cpu_times()
    return sum(times[:3]) + times.irq + times.softirq  # user, nice, system


def _floor(root: Path, assignment: str) -> float:
    """Return seconds that the cells of a submission take in a kernel that imported: the mean."""
    total, folders = 0.0, sorted((root / "submitted").glob(f"*/{assignment}"))
    code = (
        "import json, sys, time\n"
        "cells = json.load(sys.stdin)\n"
        "space = {}\n"
        "exec(cells.pop(0), space)\n"
        "began = time.perf_counter()\n"
        "for cell in cells:\n"
        "    try:\n"
        "        exec(cell, space)\n"
        "    except Exception:\n"
        "        pass\n"
        "print(time.perf_counter() - began)\n"
    )
    for folder in folders:
        nb = grade_class.nbformat.read(folder / f"{assignment}.ipynb", as_version=4)
        cells = [cell.source for cell in nb.cells if cell.cell_type == "code"]
        done = subprocess.run(
            [sys.executable, "-c", code], input=json.dumps(cells), capture_output=True, text=True
        )
        total += float(done.stdout)
    return total / len(folders)


def _scores(root: Path, assignment: str) -> dict[str, dict]:
    """Return what the gradebook says of each cell of each student."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", grade_class.COURSE) as book:
        return {
            each.student.id: {
                f"{notebook.name}/{grade.name}": (
                    grade.auto_score,
                    grade.max_score,
                    grade.needs_manual_grade,
                    each.total_seconds_late,
                )
                for notebook in each.notebooks
                for grade in notebook.grades
            }
            for each in book.assignment_submissions(assignment)
        }


def _differences(scores: dict) -> list:
    stock = scores["stock"]
    return [
        (grader, student, cell, stock[student][cell], found.get(student, {}).get(cell))
        for grader, found in scores.items()
        for student in stock
        for cell in stock[student]
        if found.get(student, {}).get(cell) != stock[student][cell]
    ][:10]


if __name__ == "__main__":
    sys.exit(main())
