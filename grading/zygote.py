"""The warm parent: imports once, then forks a fresh kernel for each run. Runs inside bubblewrap.

Only the standard library and the notebook environment are there. It reads requests from a
socket (its standard input) and never sees a test, a solution or another submission:

    zygote ── fork ── keeper (new namespaces, waits)
                        └─ init, pid 1 (fresh /proc and /tmp, no capabilities)
                             └─ the kernel, IPython's own, with the student's code

Nothing inside can name the zygote, nor signal or trace it. When init ends, the system kills all
that is left of the run.
"""

import array
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time

sys.path = [folder for folder in sys.path if folder != "/run/minga"]
sys.path.append("/run/minga")
import zygote_walls as walls  # noqa: E402

sys.path.remove("/run/minga")

WORK, HOME = "/tmp/work", "/tmp/home"  # noqa: S108
LOOK_EVERY = 0.1  # seconds between two looks at what a run uses

# Modules that look at the session when they are imported: what they need is made ready instead.
_PLOT = (
    "matplotlib.figure",
    "matplotlib.style",
    "matplotlib.backends.backend_agg",
    "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.PpmImagePlugin",
)
_PARTS = {
    "matplotlib.pyplot": _PLOT,
    "matplotlib.pylab": _PLOT,
    "ipywidgets": ("traitlets", "comm"),
    "numpy": ("numpy", "numpy.random"),
}
# What every kernel imports until its first error is shown.
_OF_EVERY_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "comm",
    "faulthandler",
    "http.server",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "pdb",
    "pydoc",
    "pygments.formatters.terminal256",
    "pygments.styles",
    "sqlite3",
    "stack_data",
    "tornado.platform.asyncio",
    "tornado.queues",
)


class Unfit(Exception):
    """A module cannot be imported before the fork: `args` are its name and why."""


def warm(names: list[str]) -> list[str]:
    """Import `names` and return those that are not there; raises Unfit.

    What is not there is the error of the cell that imports it.
    """
    for name in _OF_EVERY_KERNEL:
        importlib.import_module(name)
    failed = []
    for name in names:
        for part in _PARTS.get(name, (name,)):
            try:
                asked = _import_watched(part)
            except Unfit as error:
                raise Unfit(name, error.args[1]) from error
            if asked is None:
                failed.append(part)
            elif asked:
                raise Unfit(name, "session")
        if _threads() > 1:
            # OpenBLAS ends its threads when the process forks, and starts them when needed.
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            if _threads() > 1:
                raise Unfit(name, "threads")
    return failed


def _import_watched(name: str) -> bool | None:
    """Import `name` and say whether it asked for the running session; None if there is none."""
    from IPython.core.interactiveshell import InteractiveShell

    asked = []
    inherited = InteractiveShell.initialized

    def initialized(cls):
        asked.append(cls)
        return inherited()

    InteractiveShell.initialized = classmethod(initialized)
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name.partition(".")[0]:
            return None
        raise Unfit(name, repr(error)) from error
    except BaseException as error:  # it may have left half of itself behind
        raise Unfit(name, repr(error)) from error
    finally:
        del InteractiveShell.initialized
    return bool(asked)


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


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
        _tell(write, error)
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
            _as_kernel(request, fds, write)
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
        _tell(write, error)
        os._exit(70)


def _as_kernel(request, fds, write) -> None:
    """Become the kernel of the run."""
    try:
        os.setsid()
        walls.prctl(walls.PR_SET_DUMPABLE, 1)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        shell, iopub, blob = fds
        os.set_inheritable(write, False)
        _work_folder(request["index"], blob, request["folders"])
        os.environ.clear()
        os.environ.update(request["environment"])
        walls.set_limits(request["limits"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _fresh_seeds()
        for fd in os.listdir("/proc/self/fd"):
            if int(fd) > 2 and int(fd) not in (shell, iopub, write):
                try:
                    os.close(int(fd))
                except OSError:
                    pass  # the one that listed the folder
        app = _kernel_app(shell, iopub, request["key"].encode())
        sys.argv = [_launcher(), "-f", HOME + "/kernel.json", *request["arguments"]]
        app.initialize(["-f", HOME + "/kernel.json", *request["arguments"]])
        os.close(write)
        app.start()
        os._exit(0)
    except BaseException as error:
        _tell(write, error)
        os._exit(70)


def _tell(write: int, error: BaseException) -> None:
    words = f"{type(error).__name__}: {error}".replace("\n", " ")
    try:
        os.write(write, f"error {words}\n".encode(errors="replace")[:2000])
    except OSError:
        pass


def _work_folder(index: dict, blob: int, folders: list[str]) -> None:
    """Write the submission's files to the work folder and go there."""
    for folder in [*folders, WORK]:
        os.makedirs(folder, exist_ok=True)
    os.chdir(WORK)
    for path, (offset, size) in index.items():
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "wb") as file:
            while size:
                data = os.pread(blob, min(size, 1 << 20), offset)
                file.write(data)
                offset, size = offset + len(data), size - len(data)


def _fresh_seeds() -> None:
    """Seed what a fresh kernel would have seeded from the system; `random` does it itself."""
    random = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.default_generator.seed()


def _launcher() -> str:
    """Return what a fresh kernel has as sys.argv[0]."""
    folder = os.path.dirname(os.path.dirname(sys.modules["ipykernel"].__file__))
    return os.path.join(folder, "ipykernel_launcher.py")


def _kernel_app(shell_fd: int, iopub_fd: int, key: bytes):
    """Return IPython's kernel application, bound to sockets that are already there."""
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    class SandboxKernelApp(IPKernelApp):
        """The kernel application without a connection file, a port or a heartbeat."""

        def init_connection_file(self):
            self.session.key = key

        def init_heartbeat(self):
            pass

        def write_connection_file(self, **kwargs):
            pass

        def _bind_socket(self, s, port):
            fd = shell_fd if s is self.shell_socket else None
            if s is self.iopub_socket:
                fd = iopub_fd
                s.sndhwm = 0  # a full queue must wait in here, not lose outputs
            if fd is not None:
                s.setsockopt(zmq.USE_FD, fd)
                s.bind(f"ipc://{HOME}/{fd}")
            s.bind(f"inproc://{id(s)}")  # for the kernel's own threads
            return 1

    return SandboxKernelApp.instance()


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
                    _tell(write, error)
                os._exit(0)
            os.waitpid(inner, 0)
        except BaseException as error:
            _tell(write, error)
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with open(report, "rb") as file:
        return file.read().decode(errors="replace").removeprefix("error ").strip()


def main() -> None:
    """Import, say ready, serve one run at a time until the other side closes the socket."""
    control = socket.socket(fileno=os.dup(0))
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    if os.geteuid() == 0:
        walls.leave_root()
    walls.prctl(walls.PR_SET_DUMPABLE, 0)

    def say(message: dict) -> None:
        control.send(json.dumps(message).encode())

    request, _ = _receive(control)
    os.makedirs(HOME)
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel does
    try:
        failed = warm(request["imports"])
    except Unfit as error:
        say({"unfit": error.args[0], "why": error.args[1]})
        return
    walls.prctl(walls.PR_SET_DUMPABLE, 0)
    problem = _trial()
    if problem:
        say({"problem": problem})
        return
    gc.collect()
    gc.freeze()  # the collector shall not touch, and so copy, what all runs share
    folders = [folder for folder, _, _ in os.walk(HOME)]
    say({"ready": True, "failed": failed})

    run, poll = None, select.poll()
    poll.register(control, select.POLLIN)
    while True:
        events = poll.poll(LOOK_EVERY * 1000 if run else None)
        for fd, _ in events:
            if run and fd == run.report:
                ended = run.hear()
                if ended:
                    poll.unregister(fd)
                    run = None
                    say(ended)
            elif fd == control.fileno():
                request, fds = _receive(control)
                if request is None:
                    os._exit(0)
                if "limits" in request:
                    # What was imported may remember folders that it made in the home folder.
                    request["folders"] = folders
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
