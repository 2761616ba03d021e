"""The processes of `workers.py`: started anew, or forked ahead by a command that is only theirs.

What they import takes seconds, as it does in the process that starts them.
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
from typing import Protocol

CHECKOUT = Path(__file__).resolve().parent.parent


class Group(Protocol):
    """The process from which the others were forked, and whose process group they are."""

    pid: int

    def wait(self) -> object:
        """Wait for its end."""


Started = tuple[Group, list[Connection]]  # and a pipe to each process
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


def keep(count: int, started: Started) -> None:
    """Have the next `start(count)` return these."""
    if not _ahead:
        atexit.register(_end_unused)
    _ahead[count] = started


def end(group: Group) -> None:
    """End a group, whatever its processes are doing."""
    try:
        os.killpg(group.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    group.wait()


def _end_unused() -> None:
    while _ahead:
        group, _ = _ahead.popitem()[1]
        end(group)
