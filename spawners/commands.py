"""Running a scheduler's commands beside the hub's only loop: in threads, never through a shell.

asyncio's own subprocesses pass through the loop half a dozen times each, which is nothing while
the hub is idle and seconds while a class presses start; a thread passes through it once.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

# What waits here are processes; a site that hangs keeps a handful of threads until its timeout.
# Orders have threads of their own: they touch people's homes, and one that hangs behind sudo
# cannot be ended by the hub; the questions about all sessions must go on.
_QUESTIONS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="minga-question")
_ORDERS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="minga-order")


class SchedulerError(RuntimeError):
    """A scheduler's command failed; the text is the scheduler's own."""


async def run(command: Sequence[str], environment: Mapping[str, str], request: dict | None = None):
    """Run `command` as `run_both` does and return its standard output."""
    return (await run_both(command, environment, request))[0]


async def run_both(
    command: Sequence[str], environment: Mapping[str, str], request: dict | None = None
) -> tuple[str, str]:
    """Run `command` without a shell and return its standard output and error output.

    `request` goes to its standard input as JSON. Raises SchedulerError with the command's own
    words when it fails, and OSError when there is no such program. A cancelled call ends its
    process.
    """
    running = _Running(command, environment, json.dumps(request).encode() if request else b"")
    try:
        threads = _ORDERS if request and "ask" not in request else _QUESTIONS
        code, out, err = await asyncio.get_running_loop().run_in_executor(threads, running.result)
    except asyncio.CancelledError:
        running.end()
        raise
    out, err = out.decode(errors="replace"), err.decode(errors="replace")
    if code:
        raise SchedulerError(err.strip() or f"exit {code}")
    return out, err


async def until_calm(late: float = 0.05, patience: float = 5) -> None:
    """Return when the loop is less than `late` seconds behind, after `patience` at the latest.

    Each job that is handed in makes work for the hub; while a class presses start, answering
    those who press comes first.
    """
    pause, end = 0.02, time.monotonic() + patience
    while (began := time.monotonic()) < end:
        await asyncio.sleep(pause)
        if time.monotonic() - began - pause < late:
            return


class _Running:
    """One process, and the way to end it from another thread."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], text: bytes):
        self.command, self.environment, self.text = list(command), dict(environment), text
        self.process: subprocess.Popen | None = None
        self.unwanted = False

    def result(self) -> tuple[int, bytes, bytes]:
        """Run it to its end; return its status, standard output and error output."""
        with subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # ended as a whole: a child would keep the pipes open
        ) as self.process:
            if self.unwanted:
                self.end()
            out, err = self.process.communicate(self.text)
        return self.process.returncode, out, err

    def end(self) -> None:
        """End it, whether or not it has begun."""
        self.unwanted = True
        if self.process and self.process.returncode is None:
            with contextlib.suppress(OSError):  # it ended by itself, or runs as somebody else
                os.killpg(self.process.pid, signal.SIGKILL)
