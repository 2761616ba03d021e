"""Starting the processes of `workers.py`, without importing what they and nbgrader import.

What they import takes seconds, as it does in the process that starts them: a command that knows
that it will need them begins both at the same time (`start_ahead`).
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

Started = tuple[subprocess.Popen, list[Connection]]  # their group's process, and pipes to them
_ahead: dict[int, Started] = {}


def start(count: int, imports: Sequence[str] = ()) -> Started:
    """Start `count` processes that share what they import, and a zygote with `imports`.

    A clean interpreter, not a fork of this one with its threads and database connections. Not in
    the terminal's group: Ctrl-C is for this process, which then ends them.
    """
    if count in _ahead:
        return _ahead.pop(count)
    pairs = [socket.socketpair() for _ in range(count)]
    theirs = [pair[1].fileno() for pair in pairs]
    process = subprocess.Popen(
        [sys.executable, "-m", "grading.workers", ",".join(imports), *map(str, theirs)],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        pass_fds=theirs,
        start_new_session=True,
    )
    for pair in pairs:
        pair[1].close()
    return process, [Connection(pair[0].detach()) for pair in pairs]


def start_ahead(count: int, imports: Sequence[str]) -> None:
    """Start the processes that the next `start(count)` returns."""
    if not _ahead:
        atexit.register(_end_unused)
    _ahead[count] = start(count, imports)


def end(group: subprocess.Popen) -> None:
    """End processes that `start` started, whatever they are doing."""
    try:
        os.killpg(group.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    group.wait()


def _end_unused() -> None:
    while _ahead:
        group, _ = _ahead.popitem()[1]
        end(group)
