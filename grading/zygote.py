"""The warm parent: imports once, then forks a fresh kernel for each run. Runs inside bubblewrap.

Only the standard library and the notebook environment are there. It reads requests from a
socket (its standard input) and never sees a test, a solution or another submission:

    zygote ── fork ── keeper (new namespaces, waits)
                        └─ init, pid 1 (fresh /proc and /tmp, no capabilities)
                             └─ the kernel, IPython's own, with the student's code

Nothing inside can name the zygote, nor signal or trace it. When init ends, the system kills all
that is left of the run.

One zygote has one run at a time. For more it only forks twins, which have imported what it has:
each in namespaces of its own, so that runs at the same time share no process, network or file.
"""

import array
import gc
import json
import os
import select
import signal
import socket
import sys
import time

import zygote_walls as walls
from zygote_errors import make_ready
from zygote_imports import Unfit, warm
from zygote_kernel import HOME, as_kernel, parse_ahead, tell

LOOK_EVERY = 0.1  # seconds between two looks at what a run uses


class Run:
    """A kernel that was forked, seen from the zygote."""

    def __init__(self, request: dict, fds: list[int], control: socket.socket):
        self.id, self.limits = request["run"], request["limits"]
        self.init, self.cpu = 0, 0.0
        self.reason = ""
        self.began = time.monotonic()
        self.report, write = os.pipe()
        self.keeper = os.fork()
        if self.keeper == 0:
            _as_keeper(request, fds, write, control, self.report)
        os.close(write)
        for fd in fds:
            os.close(fd)
        self._said = b""

    def hear(self) -> dict | None:
        """Read what the keeper says; return how the run ended, or None."""
        data = os.read(self.report, 4096)
        if data:
            self._said += data
            for line in self._said.splitlines():
                if line.startswith(b"init "):
                    self.init = int(line.split()[1])
            return None
        os.close(self.report)
        _, status, used = os.wait4(self.keeper, 0)
        failures = [line for line in self._said.decode(errors="replace").splitlines()]
        failures = [line[6:] for line in failures if line.startswith("error ")]
        return {
            "ended": self.id,
            "code": os.waitstatus_to_exitcode(status),
            "reason": self.reason or ("setup" if failures else ""),
            "detail": " ".join(failures)[:2000],
            "cpu": max(self.cpu, used.ru_utime + used.ru_stime),
        }

    def kill(self, reason: str = "") -> None:
        """End the run and all of its processes; the first reason counts."""
        self.reason = self.reason or reason
        self.cpu = max(self.cpu, sum(map(_cpu_seconds, self._processes())))
        self._signal(signal.SIGKILL)

    def interrupt(self) -> None:
        """Interrupt the cell as Jupyter does: SIGINT for the kernel's process group."""
        self._signal(signal.SIGUSR1)

    def _processes(self) -> list[str]:
        """Return the run's processes, by their numbers outside of it."""
        others = ("1", str(os.getpid()))
        return [name for name in os.listdir("/proc") if name.isdigit() and name not in others]

    def _signal(self, number: int) -> None:
        try:
            if self.init:
                os.kill(self.init, number)
            elif number == signal.SIGKILL:
                os.kill(self.keeper, number)
        except ProcessLookupError:
            pass

    def look(self) -> None:
        """End the run if all its processes together use more than they may."""
        if time.monotonic() - self.began > self.limits["wall_seconds"]:
            return self.kill("wall")
        pids = self._processes()
        memory = sum(_sum_of(pid, "status", (b"RssAnon:", b"RssShmem:")) for pid in pids)
        self.cpu = sum(map(_cpu_seconds, pids))
        if self.cpu > self.limits["cpu_seconds"]:
            return self.kill("cpu")
        if memory > self.limits["memory_bytes"]:
            # Exactly, with pages that processes share counted once
            exact = sum(
                _sum_of(pid, "smaps_rollup", (b"Pss_Anon:", b"Pss_Shmem:"))
                or _sum_of(pid, "status", (b"RssAnon:", b"RssShmem:"))
                for pid in pids
            )
            if exact > self.limits["memory_bytes"]:
                return self.kill("memory")


def _cpu_seconds(pid: str) -> float:
    """Return the CPU seconds of a process and of its children that have ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _sum_of(pid: str, file: str, names: tuple[bytes, ...]) -> int:
    """Return the sum of some lines of /proc/PID/`file` in bytes; 0 if it cannot be read."""
    try:
        with open(f"/proc/{pid}/{file}", "rb") as lines:
            return sum(int(line.split()[1]) for line in lines if line.startswith(names)) * 1024
    except OSError:
        return 0


def _as_keeper(request, fds, write, control, report) -> None:
    """Make the namespaces, start init, wait for it. Never returns."""
    try:
        control.close()
        os.close(report)
        walls.prctl(walls.PR_SET_PDEATHSIG, signal.SIGKILL)
        walls.prctl(walls.PR_SET_DUMPABLE, 1)  # otherwise /proc/self belongs to the system's root
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # where memory runs out, the student's processes go first
        walls.new_namespaces()
        init = os.fork()
        if init == 0:
            _as_init(request, fds, write)
        os.write(write, f"init {init}\n".encode())
        for fd in fds:
            os.close(fd)
        _, status = os.waitpid(init, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
    except BaseException as error:
        tell(write, error)
        os._exit(70)


def _as_init(request, fds, write) -> None:
    """Be pid 1 of the run: put up the walls, start the kernel, reap, pass interrupts on."""
    try:
        walls.prctl(walls.PR_SET_PDEATHSIG, signal.SIGKILL)
        limits = request["limits"]
        walls.private_file_systems(limits["tmp_bytes"], limits["shm_bytes"])
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        walls.drop_capabilities()
        walls.refuse_system_calls()
        kernel = os.fork()
        if kernel == 0:
            as_kernel(request, fds, write)
        for fd in [*fds, write]:
            os.close(fd)
        walls.prctl(walls.PR_SET_DUMPABLE, 0)

        def pass_on(*_):
            try:
                os.killpg(kernel, signal.SIGINT)
            except ProcessLookupError:
                pass

        signal.signal(signal.SIGUSR1, pass_on)
        while True:
            pid, status = os.wait()
            if pid == kernel:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)
    except BaseException as error:
        tell(write, error)
        os._exit(70)


def _receive(control: socket.socket) -> tuple[dict | None, list[int]]:
    """Return one request and the descriptors that came with it; None at the end."""
    fds = array.array("i")
    data, extra, _, _ = control.recvmsg(1 << 20, socket.CMSG_SPACE(3 * fds.itemsize))
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return (json.loads(data) if data else None), list(fds)


def _trial() -> str:
    """Build the walls once around a child that does nothing; return what went wrong, or ''."""
    report, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            walls.new_namespaces()
            inner = os.fork()
            if inner == 0:
                try:
                    walls.private_file_systems(1 << 20, 1 << 20)
                    walls.drop_capabilities()
                    walls.refuse_system_calls()
                except BaseException as error:
                    tell(write, error)
                os._exit(0)
            os.waitpid(inner, 0)
        except BaseException as error:
            tell(write, error)
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with open(report, "rb") as file:
        return file.read().decode(errors="replace").removeprefix("error ").strip()


def _as_twin(control: socket.socket, parents: socket.socket) -> None:
    """Be another zygote, in namespaces of its own; ends with its parent. Never returns."""
    try:
        parents.close()
        walls.prctl(walls.PR_SET_PDEATHSIG, signal.SIGKILL)
        walls.new_namespaces(walls.CLONE_NEWNET)
        inner = os.fork()
        if inner:
            control.close()
            os.waitpid(inner, 0)
            os._exit(0)
        walls.prctl(walls.PR_SET_PDEATHSIG, signal.SIGKILL)
        walls.own_proc_and_network()
        walls.drop_capabilities()
        walls.prctl(walls.PR_SET_DUMPABLE, 0)
        problem = _trial()
        _say(control, {"problem": problem} if problem else {"ready": True})
        if not problem:
            _serve(control)
    except BaseException as error:
        print(f"twin: {error!r}", file=sys.stderr, flush=True)
    os._exit(70)


def _say(control: socket.socket, message: dict) -> None:
    control.send(json.dumps(message).encode())


def main() -> None:
    """Import, say ready, serve until the other side closes the socket."""
    del sys.path[0]  # the folder of this file, which a plain kernel does not have there
    control = socket.socket(fileno=os.dup(0))
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    if os.geteuid() == 0:
        try:
            walls.leave_root()
        except OSError as error:
            _say(control, {"problem": f"leave_root: {error}"})
            return
    walls.prctl(walls.PR_SET_DUMPABLE, 0)
    request, _ = _receive(control)
    os.makedirs(HOME)
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel does
    try:
        failed = warm(request["imports"])
        make_ready()
    except Unfit as error:
        _say(control, {"unfit": error.args[0], "why": error.args[1]})
        return
    walls.prctl(walls.PR_SET_DUMPABLE, 0)
    problem = _trial()
    if problem:
        _say(control, {"problem": problem})
        return
    gc.collect()
    gc.freeze()  # the collector shall not touch, and so copy, what all runs share
    _say(control, {"ready": True, "failed": failed})
    _serve(control)


def _serve(control: socket.socket) -> None:
    """Fork what is asked for, until the other side closes the socket. Never returns."""
    folders = [folder for folder, _, _ in os.walk(HOME)]
    run, lends, poll = None, False, select.poll()
    poll.register(control, select.POLLIN)
    while True:
        events = poll.poll(LOOK_EVERY * 1000 if run else None)
        for fd, _ in events:
            if run and fd == run.report:
                ended = run.hear()
                if ended:
                    poll.unregister(fd)
                    run = None
                    _say(control, ended)
            elif fd == control.fileno():
                request, fds = _receive(control)
                if request is None:
                    os._exit(0)
                if "twin" in request:
                    lends = True
                    if os.fork() == 0:
                        _as_twin(socket.socket(fileno=fds[0]), control)
                    os.close(fds[0])
                elif lends:
                    os._exit(70)  # in here it would count its twins' processes as its run's
                elif "limits" in request:
                    # What was imported may remember folders that it made in the home folder.
                    request["folders"] = folders
                    parse_ahead(request["arguments"])
                    run = Run(request, fds, control)
                    poll.register(run.report, select.POLLIN)
                elif run and request["run"] == run.id:
                    if request["do"] == "kill":
                        run.kill(request["reason"])
                    else:
                        run.interrupt()
        if run and not events:
            run.look()


if __name__ == "__main__":
    main()
