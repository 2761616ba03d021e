"""A pool of processes that run jobs on this machine, one kernel at a time each.

A process that dies takes only its own job with it, which is tried once more in another one. None
outlives the process that made the pool, however that ends.
"""

import contextlib
import ctypes
import os
import queue
import signal
import socket
import sys
import threading
import traceback
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection

from . import jobs, processes
from .jobs import Job
from .kernels_zygote import start_aside

TRIES = 2  # of one job, where its process died
PR_SET_PDEATHSIG = 1


class Workers:
    """`count` processes; `submit` returns at once, `close` ends them."""

    def __init__(self, count: int, imports: Sequence[str] = ()):
        """Start them; `imports`: what most of their runs need (see imports.py)."""
        self.ahead = 2 * count + 1  # jobs worth preparing before the first result is needed
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        group, pipes = processes.start(count, imports)
        self._lanes = [_Lane(group, pipe, self._queue) for pipe in pipes]
        self._end = weakref.finalize(self, _end, self._lanes)

    def submit(self, job: Job) -> "Future[dict]":
        """Return the outcome to come."""
        future: Future = Future()
        self._queue.put((job, future))
        return future

    def flush(self) -> None:
        """Do nothing: what is submitted is run as soon as a process is free."""

    def close(self) -> None:
        """End all processes; what is not done has no result."""
        self._end()


def _end(lanes: list["_Lane"]) -> None:
    for lane in lanes:  # all of them before the first process dies: none shall start another one
        lane.ended = True
    for lane in lanes:
        lane.end()


class _Lane:
    """A thread, and the process for which it takes jobs."""

    def __init__(self, group: processes.Group, pipe: Connection, todo: queue.SimpleQueue):
        self._group, self._pipe, self._queue = group, pipe, todo
        self.ended = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while (item := self._queue.get()) is not None:
            job, future = item
            if future.set_running_or_notify_cancel():
                future.set_result(self._run(job))

    def _run(self, job: Job) -> dict:
        for _ in range(TRIES):
            try:
                self._pipe.send(job)
                return self._pipe.recv()
            except (EOFError, OSError):
                if self.ended:
                    break
                self._pipe.close()
                self._group, (self._pipe,) = processes.start(1)
        return jobs.lost(TRIES)

    def end(self) -> None:
        self._queue.put(None)
        processes.end(self._group)


def _serve(pipe: Connection) -> None:
    """Be a worker: run jobs until the other side ends."""
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(jobs.run(job))


def fork_ahead(count: int) -> None:
    """Fork the processes of the next `Workers(count)` from this one.

    For a command that has imported what they need, and has no database or thread open yet.
    """
    pairs = [socket.socketpair() for _ in range(count)]
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for ours, _ in pairs:
                ours.close()
            _die_with_parent()
            _be_workers([theirs.detach() for _, theirs in pairs])
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    for _, theirs in pairs:
        theirs.close()
    pipes = [Connection(ours.detach()) for ours, _ in pairs]
    processes.keep(count, (_Forked(pid), pipes))


class _Forked:
    """A process that was forked, as processes.end takes it."""

    def __init__(self, pid: int):
        self.pid = pid

    def wait(self) -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def main(imports: list[str], descriptors: list[int]) -> None:
    """Import what all workers need, then be one of them for each descriptor."""
    _die_with_parent()
    warm = start_aside(imports)
    from . import execute  # noqa: F401

    warm.join()
    _be_workers(descriptors)


def _be_workers(descriptors: list[int]) -> None:
    """Fork one for each descriptor and wait for their end."""
    for number, descriptor in enumerate(descriptors):
        if os.fork() == 0:
            for other in descriptors[:number] + descriptors[number + 1 :]:
                try:
                    os.close(other)
                except OSError:
                    pass  # those of the workers before, closed below
            _die_with_parent()
            _serve(Connection(descriptor))
            os._exit(0)
        os.close(descriptor)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(list(filter(None, sys.argv[1].split(","))), [int(number) for number in sys.argv[2:]])


__all__ = ["Workers"]
