"""Files by their SHA-256: written under a temporary name, synced, renamed, never written again."""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from .names import Entry
from .problems import Problem


class StoreError(Exception):
    """The folder cannot be used; the text says why."""


class Store:
    """A folder of files that one process writes."""

    def __init__(self, folder: Path, reserve: int):
        """Use `folder`; refuse what would leave less than `reserve` bytes free on its disk."""
        self.folder, self.reserve = folder, reserve
        self.blobs, self.incoming = folder / "blobs", folder / "incoming"
        self._lock = None

    def open(self) -> None:
        """Make the folders, take the lock, and sweep what a crash left; raises StoreError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise StoreError(f"{self.folder}: another exchange service uses it") from error
        self._lock = lock
        # Nobody has a receipt for what was not renamed.
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(mode=0o700, exist_ok=True)
        self.blobs.mkdir(mode=0o700, exist_ok=True)
        for number in range(256):
            (self.blobs / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        for folder in (self.blobs, self.folder, self.folder.parent):
            _sync(folder)

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def check_space(self, wanted: int) -> None:
        """Raise Problem storage_full where `wanted` bytes more would touch the reserve."""
        if shutil.disk_usage(self.folder).free < self.reserve + wanted:
            raise Problem("storage_full")

    def blob(self, sha256: str) -> Path:
        """Return where the file with this SHA-256 lies."""
        return self.blobs / sha256[:2] / sha256

    def new(self) -> "Incoming":
        """Return a new file to write to."""
        return Incoming(self.incoming / secrets.token_hex(16))

    def keep(self, incoming: Iterable["Incoming"]) -> list[Entry]:
        """Make complete files durable under their own names; return them. Raises OSError."""
        incoming = list(incoming)
        for file in incoming:
            file.sync()
        folders = set()
        for file in incoming:
            target = self.blob(file.sha256)
            # One that is there already was synced before it was renamed; its folder perhaps not.
            if _size(target) == file.size:
                file.discard()
            else:
                file.path.rename(target)
            folders.add(target.parent)
        for folder in folders:
            _sync(folder)
        return [Entry(file.name, file.size, file.sha256) for file in incoming]


class Incoming:
    """A file that is being received; `name` is what the sender calls it."""

    def __init__(self, path: Path):
        self.path, self.name, self.size = path, "", 0
        self._hash = hashlib.sha256()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written so far, in hexadecimal."""
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        """Append; raises OSError."""
        self._hash.update(data)
        self.size += len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def sync(self) -> None:
        """Wait until the disk has it, and close it; raises OSError."""
        os.fsync(self._file)
        self._close()

    def discard(self) -> None:
        """Remove it, wherever it stands."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
