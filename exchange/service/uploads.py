"""Receiving files: read as they come, with every limit enforced while reading."""

import time
from collections.abc import Callable

import anyio
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from translation.sentences import Message

from . import names
from .problems import Problem
from .settings import MIB
from .store import Incoming, Store

BATCH = 256 * 1024  # bytes that are read before a thread parses and writes them
FRAME = 4096  # what a part may need in a body beside its file
DRAIN = 512 * MIB  # what is read and thrown away, so that the sender reads why

FILE, SET = Message("archivo"), Message("envío")


class Budget:
    """How much each student may upload in a while: full at first, it fills up evenly."""

    def __init__(self, size: int, seconds: int):
        """Allow `size` bytes in `seconds`."""
        self.size, self.rate = size, size / max(1, seconds)
        self._spent: dict[str, tuple[float, float]] = {}  # person: bytes, when

    def spend(self, person: str, size: int) -> None:
        """Take `size` bytes from a person's budget; raises Problem too_much when it is empty."""
        now = time.monotonic()
        spent, when = self._spent.get(person, (0.0, now))
        spent = max(0.0, spent - (now - when) * self.rate)
        if spent > self.size:
            raise Problem("too_much", seconds=(wait := self._wait(spent)), retry_after=wait)
        self._spent[person] = (spent + size, now)
        if len(self._spent) > 10_000:
            recent = {k: v for k, v in self._spent.items() if v[0] > (now - v[1]) * self.rate}
            self._spent = recent

    def _wait(self, spent: float) -> int:
        return max(1, round((spent - self.size) / self.rate + 1))


class Receiver:
    """Reads the files of a request into a store."""

    def __init__(self, store: Store, file_bytes: int, seconds: int):
        self.store, self.file_bytes, self.seconds = store, file_bytes, seconds
        self._threads = anyio.CapacityLimiter(24)

    async def receive(
        self,
        request: Request,
        total_bytes: int,
        files: int,
        spend: Callable[[int], None] = lambda size: None,
    ) -> list[names.Entry]:
        """Return the files of a multipart request once they are durable, in order.

        `spend` is called with the bytes that came, and may raise. Raises Problem or OSError, and
        then leaves nothing behind.
        """
        form = None
        try:
            boundary = _boundary(request)
            declared = _declared(request)
            if declared > total_bytes + files * FRAME:
                raise _too_large(total_bytes, SET)
            await anyio.to_thread.run_sync(self.store.check_space, declared)
            form = _Form(boundary, self.store, self.file_bytes, total_bytes, files)
            with anyio.fail_after(self.seconds):
                async for batch in _batches(request):
                    spend(len(batch))
                    await anyio.to_thread.run_sync(form.feed, batch, limiter=self._threads)
            return await anyio.to_thread.run_sync(self._keep, form, limiter=self._threads)
        except TimeoutError as error:
            raise Problem("too_slow", seconds=self.seconds) from error
        except ClientDisconnect as error:
            raise Problem("cut_off") from error
        except (Problem, OSError):
            await self._drain(request)
            raise
        finally:
            if form:
                # A cancelled request leaves nothing either.
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(form.discard)

    def _keep(self, form: "_Form") -> list[names.Entry]:
        form.finish()
        if not form.files:
            raise Problem("no_files")
        names.manifest(names.Entry(f.name, f.size, f.sha256) for f in form.files)
        return names.manifest(self.store.keep(form.files))

    async def _drain(self, request: Request) -> None:
        """Read the rest, within bounds: who still sends does not read an answer."""
        size = 0
        try:
            with anyio.move_on_after(min(60, self.seconds)):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > DRAIN:
                        return
        except (ClientDisconnect, RuntimeError):
            return  # gone, or read to its end


async def _batches(request: Request):
    parts, size = [], 0
    async for chunk in request.stream():
        parts.append(chunk)
        size += len(chunk)
        if size >= BATCH:
            yield b"".join(parts)
            parts, size = [], 0
    if size:
        yield b"".join(parts)


class _Form:
    """A multipart body as it arrives: each part becomes a file of the store."""

    def __init__(self, boundary: bytes, store: Store, file_bytes: int, total: int, count: int):
        self.files: list[Incoming] = []
        self._store = store
        self._file_bytes, self._total, self._count = file_bytes, total, count
        self._size, self._ended = 0, False
        self._field = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._open,
                "on_part_data": self._on_data,
                "on_end": self._on_end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Parse and write what came; raises Problem or OSError."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Problem("bad_request", reason=str(error)[:200]) from error

    def finish(self) -> None:
        """Raise Problem cut_off unless the last boundary came."""
        if not self._ended:
            raise Problem("cut_off")

    def discard(self) -> None:
        """Remove what was not kept."""
        for file in self.files:
            file.discard()

    def _begin(self) -> None:
        self._headers = {}

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _open(self) -> None:
        raw = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(raw)
        if options.get(b"name") != b"files" or b"filename" not in options:
            raise Problem("bad_request", reason="each part: name=files, filename=<path>")
        if len(self.files) >= self._count:
            raise Problem("too_many_files", limit=self._count)
        try:
            # The parser takes an escaped backslash for an old browser's full path.
            whole = raw.partition(b"filename=")[2] if b"\\" in raw else options[b"filename"]
            text = whole.decode()
        except UnicodeDecodeError as error:
            raise Problem("bad_request", reason="filename: not UTF-8") from error
        path = names.path(text.replace("%22", '"'))
        file = self._store.new()
        file.name = path
        self.files.append(file)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        file = self.files[-1]
        self._size += end - start
        if file.size + end - start > self._file_bytes:
            raise _too_large(self._file_bytes, FILE)
        if self._size > self._total:
            raise _too_large(self._total, SET)
        file.write(memoryview(data)[start:end])

    def _on_end(self) -> None:
        self._ended = True


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind.strip().lower() != b"multipart/form-data":
        raise Problem("not_multipart")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 200:
        raise Problem("bad_request", reason="Content-Type: boundary")
    return boundary


def _declared(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _too_large(limit: int, what: Message) -> Problem:
    shown = f"{limit / MIB:.0f} MiB" if limit >= MIB else f"{limit} bytes"
    return Problem("too_large", limit=shown, what=what)
