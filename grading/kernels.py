"""Run notebooks in the sandbox, each in a fresh kernel forked from a warm parent.

    nb = run_notebook(nb, files={"data.csv": b"…"}, limits=Limits(), imports=("numpy",))

The first run of a process starts the parent (zygote.py), which imports; later ones take
milliseconds. Trusted side only: nothing of a submission is executed here.
"""

import asyncio
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from jupyter_client.client import KernelClient
from jupyter_client.session import Session
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute

from translation.sentences import Message

from . import sandbox
from .errors import GradingError, SubmissionFailed
from .kernels_wire import Channel, Meter
from .kernels_zygote import END_SECONDS, Zygote, zygote
from .sandbox import Limits

_WHY = {
    "memory": Message("usó más memoria de la permitida"),
    "cpu": Message("usó más tiempo de procesador del permitido"),
    "wall": Message("tardó más de lo permitido"),
    "output": Message("produjo demasiada salida"),
    "timeout": Message("una celda no terminó a tiempo ni se dejó interrumpir"),
    "dead": Message("su código terminó el proceso del kernel"),
    "speech": Message("el kernel envió algo que no es un mensaje de Jupyter"),
    "files": Message("sus archivos no caben en la carpeta de trabajo o tienen nombres inválidos"),
    "notebook": Message("no es un cuaderno de Python"),
    "setup": Message("su kernel no pudo empezar"),
}
_FAILED = Message("No se pudo ejecutar la entrega: {why}{more}.")


def failed(reason: str, detail: str = "") -> SubmissionFailed:
    """Return the error for a submission that could not be run, in words."""
    more = f" ({detail})" if detail else ""
    return SubmissionFailed(reason, _FAILED.filled(why=_WHY[reason], more=more))


class SandboxedKernel:
    """What nbclient takes for a kernel manager: one run in a zygote."""

    has_kernel = True
    ipykernel = True
    kernel_id = "sandbox"

    def __init__(self, parent: Zygote, files: Mapping[str, bytes], limits: Limits, arguments, seed):
        """Fork the kernel; raises SubmissionFailed, GradingError."""
        self._zygote, self._session = parent, Session(key=secrets.token_hex(32).encode())
        blob, index = _blob(files, limits)
        listeners, self._connections = zip(*(_socket_pair() for _ in range(2)), strict=True)
        request = {
            "limits": vars(limits),
            "index": index,
            "key": self._session.key.decode(),
            "environment": sandbox.run_environment(),
            "arguments": list(arguments),
            "seed": secrets.randbits(64) if seed is None else seed,
        }
        try:
            self._run = parent.fork(request, [*(item.fileno() for item in listeners), blob])
        finally:
            os.close(blob)
            for item in listeners:
                item.close()
        self._meter = Meter(limits.output_bytes, lambda reason: self.kill(reason))
        self._client: SandboxedClient | None = None

    def client(self) -> "SandboxedClient":
        """Return the client, whose channels are connected to the run."""
        kinds = ("DEALER", "SUB")
        channels = [
            Channel(kind, connection, self._session, self._meter)
            for kind, connection in zip(kinds, self._connections, strict=True)
        ]
        self._client = SandboxedClient(self, self._session, *channels)
        return self._client

    def is_alive(self) -> bool:
        """Whether the run goes on."""
        return self._zygote.ended(self._run) is None

    def interrupt_kernel(self) -> None:
        """Interrupt the cell that runs."""
        self._zygote.tell(self._run, "interrupt")

    def kill(self, reason: str = "") -> None:
        """End the run with all its processes."""
        self._zygote.tell(self._run, "kill", reason)

    def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """End the run; there is nothing that it could save."""
        self.kill()

    def cleanup_resources(self, restart: bool = False) -> None:
        """Do nothing: `end` does."""

    async def close(self) -> None:
        """Close the client's channels, and end what nbclient left waiting for them."""
        for task in asyncio.all_tasks():
            if task.get_coro().__qualname__.startswith("NotebookClient."):
                task.cancel()
        if self._client:
            await self._client.close()

    def end(self) -> dict:
        """End the run, wait until nothing of it is left, and return how it ended."""
        for connection in self._connections:
            connection.close()
        over = self._zygote.ended(self._run)
        if over is None:
            self.kill()
            over = self._zygote.ended(self._run, END_SECONDS)
        if over is None:
            self._zygote.close()
            over = {"reason": "", "code": -1, "detail": ""}
        return {**over, "reason": self._meter.reason or over["reason"]}


class SandboxedClient(KernelClient):
    """A kernel client of two channels, which are open when it starts."""

    def __init__(self, kernel: SandboxedKernel, session: Session, shell: Channel, iopub: Channel):
        super().__init__(session=session)
        self._kernel, self._shell, self._iopub = kernel, shell, iopub

    @property
    def shell_channel(self) -> Channel:
        """The channel of requests and their replies."""
        return self._shell

    @property
    def iopub_channel(self) -> Channel:
        """The channel of outputs."""
        return self._iopub

    def start_channels(self, **_) -> None:
        """Do nothing: `wait_for_ready` opens them."""

    def stop_channels(self) -> None:
        """Do nothing: `close` does."""

    def is_alive(self) -> bool:
        """Whether the run goes on."""
        return self._kernel.is_alive()

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Open the channels and wait for the kernel's first sign; raises DeadKernelError."""
        try:
            await self._iopub.open()
            await self._shell.open()
        except (OSError, EOFError, ValueError) as error:
            raise DeadKernelError("Kernel died") from error
        message_id = self.kernel_info()
        idle = False
        while not idle:  # its status comes after the reply: then both channels work
            message = await self._iopub.get_msg(timeout)
            idle = (
                message["parent_header"].get("msg_id") == message_id
                and message["content"].get("execution_state") == "idle"
            )
        await self._shell.get_msg(timeout)

    async def close(self) -> None:
        """Close the channels."""
        await self._iopub.close()
        await self._shell.close()


def run_notebook(
    nb: NotebookNode,
    *,
    files: Mapping[str, bytes],
    limits: Limits | None = None,
    imports: Sequence[str] = (),
    executor: Execute | None = None,
    seed: int | None = None,
) -> NotebookNode:
    """Execute `nb` in the sandbox and return it with its outputs, as nbgrader's Execute would.

    `files` are written to the work folder (relative path → content). `imports` are made ready
    before the fork (see imports.py). `executor` brings nbgrader's options and its hooks; by
    default its own with `limits.cell_seconds`. `seed` (64 bits) makes the random numbers of
    `random`, NumPy and PyTorch those of another run; by default they are new.

    Raises SubmissionFailed if this submission could not be run to its end, another GradingError
    if none can, and what `executor` raises.
    """
    limits = limits or Limits()
    if executor is None:
        executor = Execute(timeout=limits.cell_seconds)
    language = nb.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise failed("notebook", language)
    arguments = executor.extra_arguments or ["--HistoryManager.hist_file=:memory:"]
    parent = zygote(imports, limits.gpus)
    with parent.busy:
        kernel = SandboxedKernel(parent, files, limits, arguments, seed)
        error: Exception | None = None
        try:
            executor.preprocess(nb, {"metadata": {}}, km=kernel)
        except Exception as caught:  # what it means depends on how the run ended
            error = caught
        finally:
            run_sync(kernel.close)()
            over = kernel.end()
    if error is None and not over["reason"]:
        return nb
    if over["reason"]:
        raise failed(over["reason"], over["detail"]) from error
    if isinstance(error, CellTimeoutError):
        raise failed("timeout") from error
    if isinstance(error, DeadKernelError | RuntimeError):
        raise failed("dead", _how(over["code"])) from error
    if isinstance(error, CellExecutionError | GradingError):
        raise error
    # nbclient takes the kernel's messages for well-formed ones
    raise failed("speech", f"{type(error).__name__}: {error}"[:500]) from error


def _how(code: int) -> str:
    """Return in words how a process ended."""
    number = code - 128 if code > 128 else -code if code < 0 else 0
    if number in set(signal.Signals):
        return signal.Signals(number).name
    return f"exit {code}"


def _blob(files: Mapping[str, bytes], limits: Limits) -> tuple[int, dict]:
    """Return a descriptor with the files' content and where each one is; SubmissionFailed."""
    index, offset = {}, 0
    if sum(map(len, files.values())) > limits.tmp_bytes // 2 or len(files) > 2000:
        raise failed("files")
    blob = os.memfd_create("files")
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
            os.close(blob)
            raise failed("files", repr(name)[:100])
        os.write(blob, content)
        index[str(path)] = (offset, len(content))
        offset += len(content)
    return blob, index


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return a listening socket and a connection to it; nothing else can ever connect."""
    listener = socket.socket(socket.AF_UNIX)
    connection = socket.socket(socket.AF_UNIX)
    with tempfile.TemporaryDirectory(prefix="minga-") as folder:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:  # a socket's path may have 107 bytes only
            listener.bind(f"/proc/self/fd/{descriptor}/s")
            listener.listen(1)
            connection.connect(f"/proc/self/fd/{descriptor}/s")
        finally:
            os.close(descriptor)
    listener.setblocking(False)
    connection.setblocking(False)
    return listener, connection
