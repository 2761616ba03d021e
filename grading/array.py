"""The same jobs as a Slurm job array, through a folder that this machine and the nodes share.

    <course>/.minga-grading/<assignment>/
        jobs/<digest>.json      what to run
        results/<digest>.json   what came out, written whole or not at all
        tasks-<number>.json     one array: which jobs each of its tasks runs
        log/                    what tasks say

A result is found by what it is the result of. So a grader that was killed finds what has been run
meanwhile, a task that was lost is handed in again without what it had done, and nothing is run
twice. The nodes need this checkout and the course's folder under the same paths as here.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import Future
from pathlib import Path

from translation.sentences import Message

from . import jobs
from .errors import GradingError
from .jobs import Job

CHECKOUT = Path(__file__).resolve().parent.parent
TRIES = 3  # of one job, where its task ended without a result
LOOK_EVERY = 2.0  # seconds between two questions to Slurm
SETTLE = 5.0  # seconds that a shared folder may take to show what a node wrote
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LD_LIBRARY_PATH")
_SCRIPT = '#!/bin/sh\nexec "$@"\n'


class SlurmArray:
    """A pool like Workers, whose processes are the tasks of arrays."""

    ahead = sys.maxsize  # all jobs are handed in at once

    def __init__(self, exporter, root: str, assignment: str):
        """Read `sbatch`, `chunk` and `environment` of the exporter; raises GradingError."""
        if exporter.chunk < 1:
            raise GradingError(Message("chunk debe ser al menos 1."))
        self.folder = Path(root).absolute() / ".minga-grading" / assignment
        self._options, self._chunk = list(exporter.sbatch), exporter.chunk
        self._environment = {
            **{k: v for k, v in os.environ.items() if k in _KEPT or k.startswith("SLURM_")},
            **exporter.environment,
        }
        self._log = exporter.log
        for name in ("jobs", "results", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._waiting: dict[str, Future] = {}
        self._tries: dict[str, int] = {}
        self._new: list[str] = []
        self._tasks: dict[str, list[str]] = {}  # "job_index": the digests that it runs
        self._watching = False
        self._stop = threading.Event()
        self._end = weakref.finalize(self, self._stop.set)

    def submit(self, job: Job) -> "Future[dict]":
        """Write the job, to be handed in by `flush`; return the outcome to come."""
        future: Future = Future()
        digest = job.digest
        if not self._collect(digest, future, failures=False):
            write_whole(self.folder / "jobs" / f"{digest}.json", job.dump())
            self._waiting[digest] = future
            self._new.append(digest)
        return future

    def flush(self) -> None:
        """Hand in what was submitted; if Slurm refuses, that is what each result raises."""
        if self._watching:
            return
        self._watching = True
        try:
            self._hand_in(self._new)
        except GradingError as error:
            self._give_up(error)
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
        """Take back the tasks that still wait or run; forget the folder if all came."""
        self._end()
        if self._waiting:
            self._slurm("scancel", *{task.partition("_")[0] for task in self._tasks})
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _collect(self, digest: str, future: Future, failures: bool = True) -> bool:
        try:
            outcome = json.loads((self.folder / "results" / f"{digest}.json").read_text())
        except FileNotFoundError:
            return False
        if "notebook" not in outcome and not failures:  # of an earlier run: it is tried again
            (self.folder / "results" / f"{digest}.json").unlink()
            return False
        future.set_result(outcome)
        return True

    def _hand_in(self, digests: list[str]) -> None:
        if not digests:
            return
        chunks = [digests[i : i + self._chunk] for i in range(0, len(digests), self._chunk)]
        number = len(list(self.folder.glob("tasks-*.json")))
        tasks = self.folder / f"tasks-{number}.json"
        write_whole(tasks, json.dumps(chunks))
        script = self.folder / "run.sh"
        write_whole(script, _SCRIPT)
        done = self._slurm(
            "sbatch",
            "--parsable",
            f"--array=0-{len(chunks) - 1}",
            "--job-name=minga-grading",
            f"--chdir={CHECKOUT}",
            f"--output={self.folder / 'log' / '%A_%a.txt'}",
            *self._options,
            str(script),
            *[sys.executable, "-m", "grading.array_task", str(tasks)],
        )
        if done.returncode:
            what = Message("Slurm no aceptó el trabajo: {error}")
            raise GradingError(what.filled(error=done.stderr.strip()))
        job = done.stdout.strip().partition(";")[0]
        self._log.info("Slurm array %s: %d tasks, %d notebooks", job, len(chunks), len(digests))
        for index, chunk in enumerate(chunks):
            self._tasks[f"{job}_{index}"] = chunk
            for digest in chunk:
                self._tries[digest] = self._tries.get(digest, 0) + 1

    def _watch(self) -> None:
        while self._waiting and not self._stop.is_set():
            try:
                self._look()
            except Exception as error:
                self._give_up(error)
            self._stop.wait(LOOK_EVERY)

    def _give_up(self, error: Exception) -> None:
        """Tell whoever waits for a result."""
        while self._waiting:
            self._waiting.popitem()[1].set_exception(error)

    def _look(self) -> None:
        for digest in [d for d, future in self._waiting.items() if self._collect(d, future)]:
            del self._waiting[digest]
        alive = self._alive()
        if alive is None:  # Slurm does not answer: nothing is known, nothing is lost
            return
        over = [task for task in self._tasks if task not in alive]
        if any(digest in self._waiting for task in over for digest in self._tasks[task]):
            time.sleep(SETTLE)
        again = []
        for task in over:
            for digest in self._tasks.pop(task):
                future = self._waiting.get(digest)
                if future is None or self._collect(digest, future):
                    self._waiting.pop(digest, None)
                elif self._tries[digest] < TRIES:
                    again.append(digest)
                else:
                    self._waiting.pop(digest).set_result(jobs.lost(TRIES))
        if again:
            self._log.warning("%d notebooks of lost tasks are run again", len(again))
            self._hand_in(again)

    def _alive(self) -> set[str] | None:
        """Return our tasks that wait or run, as JOB_INDEX; None if Slurm does not answer."""
        ours = sorted({task.partition("_")[0] for task in self._tasks})
        if not ours:
            return set()
        question = ["squeue", "--noheader", "--array", "--format=%F_%K %T", "--me"]
        done = self._slurm(*question)
        if done.returncode:
            return None
        over = ("COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "TIMEOUT", "OUT_OF_MEMORY")
        rows = [line.split() for line in done.stdout.splitlines()]
        return {name for name, state in rows if state not in over}

    def _slurm(self, *command: str) -> subprocess.CompletedProcess:
        """Run one of Slurm's programs, without a shell and without this process's secrets."""
        try:
            return subprocess.run(
                command,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=120,
                cwd="/",
            )
        except FileNotFoundError as error:
            what = Message("Aquí no está el programa {program} de Slurm.")
            raise GradingError(what.filled(program=command[0])) from error
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(command, 1, "", str(error))


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
