"""Jupyter's messages from a kernel that is not trusted, read with bounded memory.

libzmq would keep whatever a peer sends until a message is complete, however long that is. So the
trusted side speaks ZeroMQ's wire protocol (ZMTP 3.0, RFC 23) itself, over two connections that
exist only between this process and the run: every frame is measured before it is read.
"""

import asyncio
import socket
from collections.abc import Callable
from queue import Empty

from jupyter_client.session import Session
from nbclient.exceptions import DeadKernelError

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
MORE, LONG, COMMAND = 1, 2, 4
MOST_FRAMES = 256  # in a message; widgets send a frame for each buffer
MOST_OBJECTS = 1_000_000  # in all of a run: a JSON list or object costs 100 times its text


class Meter:
    """Counts what a run sends, on all of its wires together."""

    def __init__(self, most_bytes: int, exceeded: Callable[[str], None]):
        """Call `exceeded` with a reason, once, when the run shall be ended."""
        self.left, self.objects, self.exceeded = most_bytes, MOST_OBJECTS, exceeded
        self.reason = ""

    def take(self, size: int) -> None:
        """Count `size` bytes before they are read; raises ValueError past the limit."""
        self.left -= size
        if self.left < 0:
            self.fail("output")

    def take_objects(self, frame: bytes) -> None:
        """Count the JSON objects and lists in a frame; raises ValueError past the limit."""
        self.objects -= frame.count(b"[") + frame.count(b"{")
        if self.objects < 0:
            self.fail("output")

    def fail(self, reason: str) -> None:
        """Ask for the run's end and raise ValueError."""
        if not self.reason:
            self.reason = reason
            self.exceeded(reason)
        raise ValueError(reason)


class Channel:
    """One of a kernel client's channels (shell or iopub), as nbclient uses them."""

    def __init__(self, kind: str, connection: socket.socket, session: Session, meter: Meter):
        """`kind` is ZeroMQ's: DEALER for shell, SUB for iopub."""
        self.kind, self.session, self.meter = kind, session, meter
        self._connection = connection
        self._outgoing: list[bytes] = []
        self._messages: asyncio.Queue = asyncio.Queue()
        self._reader_task: asyncio.Task | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Shake hands; raises OSError, ValueError or IncompleteReadError."""
        reader, writer = await asyncio.open_unix_connection(sock=self._connection)
        socket_type = b"\x0bSocket-Type" + _sized(self.kind.encode(), 4)
        identity = b"\x08Identity" + _sized(self.session.bsession, 4)
        ready = b"\x05READY" + socket_type + (identity if self.kind == "DEALER" else b"")
        writer.write(GREETING + bytes([COMMAND, len(ready)]) + ready)
        greeting = await reader.readexactly(64)
        if greeting[0] != 0xFF or greeting[10] < 3 or greeting[12:16] != b"NULL":
            self.meter.fail("speech")
        flags, _ = await self._frame(reader)
        if not flags & COMMAND:
            self.meter.fail("speech")
        if self.kind == "SUB":
            writer.write(_frame(b"\x01", False))  # subscribe to all
        self._writer = writer
        for data in self._outgoing:
            writer.write(data)
        self._reader_task = asyncio.ensure_future(self._read(reader))

    async def _frame(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        (flags,) = await reader.readexactly(1)
        size = int.from_bytes(await reader.readexactly(8 if flags & LONG else 1), "big")
        self.meter.take(size + 2)
        return flags, await reader.readexactly(size)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Put messages into the queue until the other side ends or misbehaves, then None."""
        frames: list[bytes] = []
        try:
            while True:
                flags, frame = await self._frame(reader)
                if flags & COMMAND:
                    continue
                frames.append(frame)
                if len(frames) > MOST_FRAMES:
                    self.meter.fail("speech")
                if not flags & MORE:
                    for part in frames[2:]:
                        self.meter.take_objects(part)
                    self._messages.put_nowait(self._message(frames))
                    frames = []
        except (OSError, EOFError, ValueError):
            pass
        finally:
            self._messages.put_nowait(None)

    def _message(self, frames: list[bytes]) -> dict:
        try:
            _, parts = self.session.feed_identities(frames)
            message = self.session.deserialize(parts)
            for part in ("header", "parent_header", "content", "metadata"):
                if not isinstance(message[part], dict):
                    raise TypeError(part)
            return message
        except Exception:  # whatever the session's parser raises for what is no message
            return self.meter.fail("speech")

    def send(self, message: dict) -> None:
        """Send a message; before `open` it is kept for then."""
        parts = self.session.serialize(message)
        data = b"".join(_frame(part, part is not parts[-1]) for part in parts)
        if self._writer is None:
            self._outgoing.append(data)
        else:
            self._writer.write(data)

    async def get_msg(self, timeout: float | None = None) -> dict:  # noqa: ASYNC109
        """Return the next message; raises queue.Empty, and DeadKernelError at the end."""
        try:
            message = await asyncio.wait_for(self._messages.get(), timeout)
        except TimeoutError:
            raise Empty from None
        if message is None:
            self._messages.put_nowait(None)  # for whoever asks next
            raise DeadKernelError("Kernel died")
        return message

    async def close(self) -> None:
        """Stop reading and close the connection."""
        if self._reader_task:
            self._reader_task.cancel()
            await asyncio.wait([self._reader_task])
        if self._writer:
            self._writer.transport.abort()
        self._connection.close()


def _sized(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _frame(data: bytes, more: bool) -> bytes:
    flags = (MORE if more else 0) | (LONG if len(data) > 255 else 0)
    return bytes([flags]) + _sized(data, 8 if flags & LONG else 1)
