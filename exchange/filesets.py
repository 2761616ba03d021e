"""Sets of files on this side of the wire: names that may be written, checksums, what to send."""

import hashlib
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MIB = 1024**2


class BadName(Exception):
    """A name that must not become a file here; the text is the name, shown safely."""


class File(NamedTuple):
    """One file of a set: its path in the set, its size in bytes, its SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


def safe_path(text: str) -> str:
    """Return a relative path that stays inside of its folder; raises BadName."""
    parts = text.split("/")
    if (
        any(part in ("", ".", "..") for part in parts)
        or "\\" in text
        or len(text.encode("utf-8", "replace")) > 1000
        or any(unicodedata.category(character)[0] == "C" for character in text)
    ):
        raise BadName("".join(c if c.isprintable() else "�" for c in text)[:80])
    return text


def safe_part(text: str) -> str:
    """Return a name of one file or folder; raises BadName."""
    if "/" in text or text.startswith("."):
        raise BadName("".join(c if c.isprintable() else "�" for c in text)[:80])
    return safe_path(text)


def digest(files: Iterable[File]) -> str:
    """Return the SHA-256 of a set: of what `sha256sum` prints for its files, sorted by path."""
    ordered = sorted(files, key=lambda file: file.path.encode())
    text = "".join(f"{file.sha256}  {file.path}\n" for file in ordered)
    return hashlib.sha256(text.encode()).hexdigest()


def read(folder: Path) -> list[File]:
    """Return the files of a folder, sorted as a manifest is."""
    files = []
    for path in walk(folder):
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            files.append(
                File(str(path.relative_to(folder)), os.fstat(file.fileno()).st_size, sha256)
            )
    return sorted(files, key=lambda file: file.path.encode())


def walk(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder; links are not followed."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path


def copy(source: Path, target: Path, ignore: Callable, linked: Callable[[str], None]) -> None:
    """Copy a folder under the names that the exchange uses (NFC), without links.

    `ignore` is as shutil.copytree's; `linked` is told each link (and pipe, socket, device).
    """
    target.mkdir()
    names = sorted(os.listdir(source))
    skipped = set(ignore(str(source), names))
    for name in names:
        path, to = source / name, target / unicodedata.normalize("NFC", name)
        if name in skipped:
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            linked(str(path))
        elif path.is_dir():
            copy(path, to, ignore, linked)
        else:
            shutil.copyfile(path, to)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a new folder that becomes `target` when all went well, and vanishes otherwise.

    What was at `target` is there whole until then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".minga-", dir=target.parent))
    try:
        made = draft / "new"
        made.mkdir()
        yield made
        if target.exists():
            target.rename(draft / "old")
        made.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
