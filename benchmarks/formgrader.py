"""`make bench-formgrader`: formgrader's pages with 500 students and 10 assignments.

    python -m benchmarks.formgrader               both, five times each page (5 minutes)
    python -m benchmarks.formgrader --students 20 a small class: does it run?
    python -m benchmarks.formgrader --draw        the pages again, from the saved results

A real Jupyter server with nbgrader's formgrader, once as installed and once with
grading/formgrader.py, and a real browser: seconds from asking for a page until its table holds
all rows. Writes formgrader.json, formgrader.md and formgrader.en.md to docs/benchmarks.
"""

import argparse
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from spawners.cluster.cluster import free_ports

from . import machine
from .beside import write_pages
from .large_class import COURSE, fill

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "docs" / "benchmarks"
NAME = "tarea-00"
# page -> its address, and what the number of its table's rows is
VIEWS = {
    "assignments": ("manage_assignments", "assignments"),
    "submissions": (f"manage_submissions/{NAME}", "students"),
    "gradebook": ("gradebook", "assignments"),
    "notebook": (f"gradebook/{NAME}/{NAME}", "students"),
    "students": ("manage_students", "students"),
    "student": ("manage_students/e001", "assignments"),
}
CHROMIUM = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync".split()
WORDS = {
    "es": {
        "file": "formgrader.md",
        "title": "Las páginas de formgrader con una clase grande",
        "intro": "Segundos desde que se pide una página hasta que su tabla está completa, en un "
        "navegador de verdad: {students} estudiantes, {assignments} tareas, todo calificado. "
        "Mediana de {runs} veces; un formgrader como viene con nbgrader y el mismo con "
        "`grading/formgrader.py`.",
        "command": "Mídelo en tu máquina con `make bench-formgrader`.",
        "machine": "Máquina",
        "head": "| Página | Minga | nbgrader | Minga / nbgrader |",
        "rows": {
            "assignments": "Tareas",
            "submissions": "Entregas de una tarea",
            "gradebook": "Notas por tarea",
            "notebook": "Notas de un cuaderno",
            "students": "Estudiantes",
            "student": "Un estudiante",
        },
    },
    "en": {
        "file": "formgrader.en.md",
        "title": "Formgrader's pages with a large class",
        "intro": "Seconds from asking for a page until its table is complete, in a real browser: "
        "{students} students, {assignments} assignments, all graded. Median of {runs} times; a "
        "formgrader as nbgrader ships it and the same with `grading/formgrader.py`.",
        "command": "Measure it on your machine with `make bench-formgrader`.",
        "machine": "Machine",
        "head": "| Page | Minga | nbgrader | Minga / nbgrader |",
        "rows": {
            "assignments": "Assignments",
            "submissions": "Submissions of an assignment",
            "gradebook": "Grades by assignment",
            "notebook": "Grades of a notebook",
            "students": "Students",
            "student": "One student",
        },
    },
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, save, write the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formgrader", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--assignments", type=int, default=10)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the results")
    parser.add_argument("--draw", action="store_true", help="only write what was saved")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    saved = options.output / "formgrader.json"
    if not options.draw:
        results = {"machine": machine.description(), "runs": options.runs}
        results |= {"students": options.students, "assignments": options.assignments}
        # nbgrader makes a new gradebook with the program `alembic`, which is beside this Python.
        beside = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
        with tempfile.TemporaryDirectory(prefix="minga-formgrader-") as folder:
            for grader in ("stock", "ours"):  # each with a gradebook of its own: ours adds indexes
                root = Path(folder) / grader / "course"
                root.mkdir(parents=True)
                fill(root, options.students, options.assignments)
                results[grader] = measure(root, grader, options)
        saved.write_text(json.dumps(results, indent=1) + "\n")
    write_pages(json.loads(saved.read_text()), options.output, WORDS)
    print((options.output / "formgrader.en.md").read_text())
    return 0


def measure(root: Path, grader: str, options) -> dict[str, float]:
    """Return the median seconds of each view."""
    counts = {"students": options.students, "assignments": options.assignments}
    with served(root, grader) as (url, token), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM
        )
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{url}/formgrader/manage_assignments?token={token}")  # the cookie, the cache
        found = {}
        for view, (path, rows) in VIEWS.items():
            times = []
            for _ in range(options.runs):
                began = time.monotonic()
                page.goto(f"{url}/formgrader/{path}", wait_until="commit")
                # The table is filled and then given pages, of which one is in the document.
                page.wait_for_function(
                    "n => [...document.querySelectorAll('.dataTables_info')]"
                    ".some(e => e.textContent.replace(/,/g, '').includes(`of ${n} entries`))"
                    " || document.querySelectorAll('tbody tr[role=row], tbody tr').length >= n",
                    arg=counts[rows],
                )
                times.append(time.monotonic() - began)
            found[view] = statistics.median(times)
            print(f"{grader} {view}: {[round(t, 2) for t in times]}", flush=True)
        browser.close()
    return found


@contextmanager
def served(root: Path, grader: str):
    """Run a Jupyter server with formgrader on the course in `root`; yield its URL and token."""
    config = root.parent / "config"
    config.mkdir()
    (config / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.CourseDirectory.root = {str(root)!r}\n"
        f"c.CourseDirectory.course_id = {COURSE!r}\n"
        f"c.Exchange.root = {str(root.parent / 'exchange')!r}\n"
    )
    (root.parent / "exchange").mkdir(mode=0o777)
    (root.parent / "exchange").chmod(0o777)
    extensions = {"nbgrader.server_extensions.formgrader": True}
    if grader == "ours":
        extensions["grading.formgrader"] = True
    server_config = {"ServerApp": {"jpserver_extensions": extensions, "allow_root": True}}
    (config / "jupyter_server_config.json").write_text(json.dumps(server_config))
    (port,), token = free_ports(1), secrets.token_hex(16)
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(config),
        "PYTHONPATH": str(ROOT),
        "JUPYTER_TOKEN": token,
        "HOME": str(root),
    }
    with open(root.parent / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--ip=127.0.0.1", f"--port={port}"]
            + ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"],
            cwd=root,
            env=environment,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, root.parent / "server.log")
        yield url, token
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process, log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=5).close()  # noqa: S310 (loopback)
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not answer:\n{log.read_text()}") from None
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
