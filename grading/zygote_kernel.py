"""The process that becomes a run's kernel: limits, files, fresh seeds, IPython. Runs inside."""

import copy
import functools
import gc
import os
import random
import signal
import sys

import zygote_walls as walls
import zygote_watch

WORK, HOME = "/tmp/work", "/tmp/home"  # noqa: S108


def as_kernel(request, fds, write) -> None:
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
        _fresh_seeds(request.pop("seed"))
        for fd in os.listdir("/proc/self/fd"):
            if int(fd) > 2 and int(fd) not in (shell, iopub, write):
                try:
                    os.close(int(fd))
                except OSError:
                    pass  # the one that listed the folder
        command_line = _command_line(request["arguments"])
        gc.disable()  # until the kernel is there: most of what is made for it stays
        app = kernel_app(shell, iopub, request["key"].encode())
        sys.argv = [_launcher(), *command_line]
        app.initialize(list(command_line))
        app.log.setLevel("WARNING")  # its handler's own; below it, all that is made is thrown away
        os.close(write)
        zygote_watch.note()
        gc.enable()
        app.start()
        os._exit(0)
    except BaseException as error:
        tell(write, error)
        os._exit(70)


def tell(write: int, error: BaseException) -> None:
    """Say on the report pipe why a run could not start."""
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


def _fresh_seeds(seed: int) -> None:
    """Seed what a fresh kernel would have seeded from the system."""
    random.seed(seed)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed([seed >> 32, seed & 0xFFFFFFFF])
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.default_generator.manual_seed(seed)


def _launcher() -> str:
    """Return what a fresh kernel has as sys.argv[0]."""
    folder = os.path.dirname(os.path.dirname(sys.modules["ipykernel"].__file__))
    return os.path.join(folder, "ipykernel_launcher.py")


def _command_line(arguments: list[str]) -> tuple[str, ...]:
    return ("-f", HOME + "/kernel.json", *arguments)


@functools.cache
def _parsed(command_line: tuple[str, ...]):
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp()
    app.parse_command_line(list(command_line))
    return app.cli_config


def parse_ahead(arguments: list[str]) -> None:
    """Read a kernel's command line before the fork: it takes as long as three cells."""
    _parsed(_command_line(arguments))


def kernel_app(shell_fd: int, iopub_fd: int, key: bytes):
    """Return IPython's kernel application, bound to sockets that are already there."""
    import zmq
    from ipykernel.iostream import OutStream
    from ipykernel.kernelapp import IPKernelApp

    global SandboxStream  # the application finds it by its name

    class SandboxStream(OutStream):
        """Standard output or error; IPython flushes both twice in each cell."""

        def flush(self):
            """Wait for the thread that sends only if there is something to send."""
            if self._buffers or self._flush_pending or self.pub_thread is None:
                super().flush()

    class SandboxKernelApp(IPKernelApp):
        """The kernel application without a connection file, a port or a heartbeat."""

        outstream_class = f"{__name__}.SandboxStream"

        def parse_command_line(self, argv=None):
            self.cli_config = copy.deepcopy(_parsed(tuple(argv)))
            self.update_config(self.cli_config)

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
