"""Grade many answers to one assignment quickly: each in a forked process, with a time limit.

A second instead of a kernel's start for each. Only for answers that are ours (solutions, mutants):
what students hand in goes to the sandbox (grading/). `python -m courses.quick` reads one JSON
object, {"importar": …, "parts": [[part, tests], …], "cases": [{part: solution}, …]}, and writes
a list with one object a case: {part: null, or why its tests failed}.
"""

import contextlib
import importlib
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode

from .notebooks import cell, cell_by_id, parts, solution

PART_SECONDS = 10  # of CPU, for one part's solution and tests; an endless loop is a mistake too
CASE_SECONDS = 300  # on the clock, for what sleeps
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class QuickError(Exception):
    """The assignment's own cells do not run; the text is the traceback."""


def grade_quickly(
    author: NotebookNode,
    cases: Sequence[dict[str, str]],
    workers: int | None = None,
    seconds: float = PART_SECONDS,
) -> list[dict[str, str | None]]:
    """Return for each case (part -> cell; the author's where it says nothing) how parts end.

    A part's end is None when all its tests pass, and the reason otherwise. Each case has a
    process of its own, in which the cell `importar` and then all parts run in order.
    Raises QuickError when `importar` fails.
    """
    names = list(parts(author))
    own = {name: solution(author, name) for name in names}
    request = {
        "importar": cell_by_id(author, "importar").source,
        "parts": [[name, cell(author, f"{name}-pruebas").source] for name in names],
        "cases": [{**own, **case} for case in cases],
        "workers": workers or os.cpu_count() or 1,
        "seconds": seconds,
    }
    # One thread each: the cases run beside each other, and forks and thread pools do not mix.
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "MPLBACKEND": "Agg"}
    environment["NBGRADER_EXECUTION"] = "autograde"  # as when nbgrader runs it
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    with tempfile.TemporaryDirectory(prefix="minga-quick-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "courses.quick"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
        )
    if done.returncode:
        raise QuickError(done.stderr[-2000:])
    return json.loads(done.stdout)


class _Slow(BaseException):
    """Raised in a part that takes too long; no `except Exception` of an answer catches it."""


def _alarm(*_):
    raise _Slow


def _run(names: dict, request: dict, case: dict[str, str], connection) -> None:
    """Grade one case in this process; send {part: reason or None}."""
    signal.signal(signal.SIGPROF, _alarm)
    os.chdir(tempfile.mkdtemp(dir="."))
    result = {}
    for part, tests in request["parts"]:
        result[part] = None
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        try:
            nowhere = io.StringIO()
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                exec(compile(case[part], part, "exec"), names)  # noqa: S102 (ours)
                exec(compile(tests, f"{part}-pruebas", "exec"), names)  # noqa: S102
        except _Slow:
            result[part] = f"more than {request['seconds']} s"
        except BaseException as error:
            result[part] = f"{type(error).__name__}: {error}"[:300]
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    connection.send(result)
    connection.close()


def _all(names: dict, request: dict) -> list[dict]:
    """Grade all cases, `workers` at a time."""
    fork = multiprocessing.get_context("fork")
    waiting = list(enumerate(request["cases"]))[::-1]
    running, results = {}, [None] * len(waiting)
    while waiting or running:
        while waiting and len(running) < request["workers"]:
            number, case = waiting.pop()
            ours, theirs = fork.Pipe(duplex=False)
            process = fork.Process(target=_run, args=(names, request, case, theirs))
            process.start()
            theirs.close()
            running[ours] = (number, process, time.monotonic() + CASE_SECONDS)
        for ours in multiprocessing.connection.wait(list(running), timeout=1):
            number, process, _ = running.pop(ours)
            try:
                results[number] = ours.recv()
            except EOFError:
                reason = "its process ended before it was graded"
                results[number] = dict.fromkeys(dict(request["parts"]), reason)
            process.join()
        for ours, (number, process, end) in list(running.items()):
            if time.monotonic() > end:
                process.kill()
                process.join()
                del running[ours]
                reason = f"more than {CASE_SECONDS} s in all"
                results[number] = dict.fromkeys(dict(request["parts"]), reason)
    return results


def main() -> int:
    """Grade what standard input asks for."""
    request = json.load(sys.stdin)
    names = {"__name__": "__main__", "display": lambda *shown: None}
    try:
        with contextlib.redirect_stdout(sys.stderr):
            exec(compile(request["importar"], "importar", "exec"), names)  # noqa: S102
            if "torch" in sys.modules:
                # Optimisers import it when they are first used: 2 s in each case.
                importlib.import_module("torch._dynamo")
    except Exception:
        traceback.print_exc()
        return 1
    json.dump(_all(names, request), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
