"""Warm parents, seen from the trusted side: start one, fork runs from it, end it.

Processes that are forked from one that has a zygote take a twin of it each: it imports once.
"""

import atexit
import collections
import contextlib
import copy
import json
import os
import secrets
import select
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence

from translation.sentences import Message

from . import sandbox
from .errors import GradingError, SandboxUnavailable

MOST_ZYGOTES = 2  # warm parents that one process keeps
START_SECONDS = 180  # to import everything, on a loaded machine
END_SECONDS = 20  # for the system to kill what a run left
NOT_READY = Message("El proceso que prepara los kernels terminó: {last}\n{said}")
ENDED = Message("El aislamiento terminó: {error}")


class Zygote:
    """A warm parent in its sandbox, seen from the trusted side. One run at a time."""

    def __init__(self, imports: Sequence[str], gpus: bool = False):
        """Start it and wait until it has imported; raises SandboxUnavailable, GradingError.

        `left_out` says which imports wait until after the fork, and why: they start threads,
        look at the notebook's session or fail.
        """
        self.busy = threading.Lock()
        self.owner = os.getpid()
        self._ended: dict[int, dict] = {}
        self.left_out: dict[str, str] = {}
        while True:
            self._start(gpus)
            wanted = [name for name in imports if name not in self.left_out]
            answer = self._ask({"imports": wanted}, START_SECONDS)
            if answer and answer.get("ready"):
                break
            said = self._stderr()
            self.close()
            if answer and answer.get("unfit") in wanted:  # it is imported after the fork, then
                self.left_out[answer["unfit"]] = answer["why"]
            elif answer and answer.get("problem"):
                raise sandbox.not_allowed(answer["problem"])
            elif "Traceback" in said:
                last = said.strip().splitlines()[-1]
                raise GradingError(NOT_READY.filled(last=last, said=said))
            else:
                raise sandbox.not_allowed(said or f"bwrap: {self._process.returncode}")

    def _start(self, gpus: bool) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments, descriptors = sandbox.command(gpus)
        self._log = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=sandbox.libraries(),
                cwd="/",
                pass_fds=descriptors,
            )
        except OSError as error:
            ours.close()
            raise SandboxUnavailable(Message.verbatim(f"bubblewrap: {error}")) from error
        finally:
            theirs.close()
            for descriptor in descriptors:
                os.close(descriptor)
        self._control = ours

    def twin(self) -> "Zygote | None":
        """Return another one for this process, at once; None if it cannot be.

        One with twins has no runs of its own.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        other = copy.copy(self)
        other.busy, other.owner, other._ended = threading.Lock(), os.getpid(), {}
        other._control, other._process = ours, None
        try:
            self._control.settimeout(END_SECONDS)
            socket.send_fds(self._control, [json.dumps({"twin": True}).encode()], [theirs.fileno()])
        except OSError:
            return None
        finally:
            theirs.close()
        try:
            answer = other._heard(START_SECONDS)
        except OSError:
            answer = None
        if answer and answer.get("ready"):
            return other
        ours.close()
        return None

    def _ask(self, message: dict, timeout: float) -> dict | None:
        """Send a message and return the answer, None if the other side has ended."""
        self._control.settimeout(timeout)
        try:
            self._control.send(json.dumps(message).encode())
            answer = self._heard(timeout)
        except OSError:
            answer = None
        if not answer:
            self._wait()
        return answer

    def _heard(self, timeout: float) -> dict | None:
        self._control.settimeout(timeout)
        data = self._control.recv(1 << 16)
        return json.loads(data) if data else None

    def _stderr(self) -> str:
        self._log.seek(0)
        return self._log.read()[-4000:].decode(errors="replace")

    def _wait(self) -> None:
        if self._process is None:  # a twin ends when its socket does
            return
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def alive(self) -> bool:
        """Whether it can take another run."""
        if self._control.fileno() < 0:
            return False
        if self._process is not None:
            return self._process.poll() is None
        hung_up = select.poll()
        hung_up.register(self._control, select.POLLRDHUP)
        return not hung_up.poll(0)

    def fork(self, request: dict, fds: list[int]) -> int:
        """Start a run and return its number; raises GradingError."""
        run = secrets.randbits(53)  # a counter would tell the code inside which run it is in
        self._ended.clear()
        try:
            self._control.settimeout(END_SECONDS)
            data = json.dumps({**request, "run": run}).encode()
            socket.send_fds(self._control, [data], fds)
        except OSError as error:
            self.close()
            raise GradingError(ENDED.filled(error=str(error))) from error
        return run

    def tell(self, run: int, what: str, reason: str = "") -> None:
        """Ask for an interrupt or the end ("kill") of a run."""
        try:
            self._control.send(json.dumps({"run": run, "do": what, "reason": reason}).encode())
        except OSError:
            self.close()

    def ended(self, run: int, timeout: float = 0) -> dict | None:
        """Return how a run ended, waiting up to `timeout` seconds; None while it goes on."""
        while run not in self._ended:
            try:
                self._control.settimeout(timeout) if timeout else self._control.setblocking(False)
                data = self._control.recv(1 << 16)
            except (BlockingIOError, TimeoutError):
                return None
            except OSError:
                data = b""
            if not data:
                self.close()
                return {"ended": run, "code": -1, "reason": "setup", "detail": self._stderr()}
            message = json.loads(data)
            self._ended[message["ended"]] = message
        return self._ended[run]

    def close(self) -> None:
        """End it and whatever runs in it. The system kills all of the sandbox's processes."""
        if os.getpid() != self.owner:
            return
        self._control.close()
        if self._process is not None and self._process.poll() is None:
            self._wait()


_zygotes: collections.OrderedDict[tuple, Zygote] = collections.OrderedDict()
_choosing = threading.Lock()


def zygote(imports: Sequence[str], gpus: bool = False) -> Zygote:
    """Return this process's warm parent for these imports, started if there is none."""
    key = (tuple(imports), gpus, os.getpid())
    with _choosing:
        found = _zygotes.pop(key, None)
        if found is None or not found.alive:
            found = _twin(tuple(imports), gpus) or Zygote(imports, gpus)
        _zygotes[key] = found
        idle = [k for k, z in _zygotes.items() if z is not found and not z.busy.locked()]
        for old in idle[: max(0, len(_zygotes) - MOST_ZYGOTES)]:
            _zygotes.pop(old).close()
        return found


def _twin(imports: tuple, gpus: bool) -> Zygote | None:
    """Return a twin of one that a process had from which this one was forked, if there is one."""
    for key, found in _zygotes.items():
        if key[:2] == (imports, gpus) and key[2] != os.getpid():
            return found.twin()
    return None


def start_aside(imports: Sequence[str]) -> threading.Thread:
    """Start the zygote of which processes that are forked later take twins.

    In a thread, which waits while a process of its own imports: join it before the fork. What is
    wrong with it, its twins' processes meet again, and say it.
    """

    def start() -> None:
        if imports:
            with contextlib.suppress(GradingError):
                zygote(imports)

    thread = threading.Thread(target=start)
    thread.start()
    return thread


@atexit.register
def close_all() -> None:
    """End all warm parents of this process."""
    while _zygotes:
        _zygotes.popitem()[1].close()
