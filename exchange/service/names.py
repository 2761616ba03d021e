"""Names that people send: of courses and assignments, and paths of files in a set."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from translation.sentences import Message

from .problems import Problem

# nbgrader's own: no "+" in an assignment, no blank at either end, nothing that is a path.
NAME = r"^\w(?:[\w .-]{0,78}[\w.-])?$"
VARIANTS = ".languages"  # courses.variants.FOLDER, which would import nbgrader
PART_BYTES, PATH_BYTES, DEPTH = 255, 1000, 20


class Entry(NamedTuple):
    """One file of a set: its path, its size in bytes, its SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


def name(text: str) -> str:
    """Return the name of a course or an assignment, normalised; raises Problem bad_name."""
    normal = unicodedata.normalize("NFC", text)
    if not re.fullmatch(NAME, normal):
        raise _bad(text, Message("letras, cifras, «_», «.», «-»"))
    return normal


def path(text: str) -> str:
    """Return a file's relative path, normalised to NFC; raises Problem bad_name.

    What is refused could leave a folder, hide from a reader, or not be written by a client.
    """
    normal = unicodedata.normalize("NFC", text)
    if len(normal.encode("utf-8", "surrogatepass")) > PATH_BYTES:
        raise _bad(text, Message("es demasiado largo"))
    if "\\" in normal:
        raise _bad(text, Message("tiene una barra invertida"))
    # Controls, invisible and bidirectional marks, surrogates, private and unassigned characters.
    if any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in normal):
        raise _bad(text, Message("tiene caracteres invisibles"))
    parts = normal.split("/")
    if len(parts) > DEPTH:
        raise _bad(text, Message("tiene demasiadas carpetas"))
    for part in parts:
        if part in ("", ".", ".."):
            raise _bad(text, Message("debe ser una ruta relativa"))
        if part != part.strip():
            raise _bad(text, Message("empieza o termina en espacio"))
        if len(part.encode()) > PART_BYTES:
            raise _bad(text, Message("es demasiado largo"))
    return normal


def manifest(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries in the order of their paths' bytes; raises Problem bad_name.

    A path may be there once, and not be both a file and a folder.
    """
    ordered = sorted(entries, key=lambda entry: entry.path.encode())
    paths = set()
    for entry in ordered:
        if entry.path in paths:
            raise _bad(entry.path, Message("está dos veces"))
        paths.add(entry.path)
    for entry in ordered:
        parts = entry.path.split("/")
        for length in range(1, len(parts)):
            folder = "/".join(parts[:length])
            if folder in paths:
                raise _bad(folder, Message("es archivo y carpeta"))
    return ordered


def digest(entries: Iterable[Entry]) -> str:
    """Return the SHA-256 of a manifest: of what `sha256sum` prints for its files, in order."""
    text = "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries)
    return hashlib.sha256(text.encode()).hexdigest()


def in_language(entries: list[Entry], language: str, source: str) -> list[Entry]:
    """Return the files of a release as somebody who reads `language` gets them.

    Below `.languages/<language>/` lies what stands for the file of the same path; `<name>.json`
    stands for `<name>.ipynb`, since nbgrader would take an .ipynb for one more notebook.
    """
    plain = {e.path: e for e in entries if not e.path.startswith(VARIANTS + "/")}
    prefix = f"{VARIANTS}/{language}/"
    for entry in entries:
        if language == source or not entry.path.startswith(prefix):
            continue
        target = entry.path.removeprefix(prefix)
        notebook = target.removesuffix(".json") + ".ipynb"
        if target.endswith(".json") and notebook in plain:
            target = notebook
        if target in plain:
            plain[target] = entry._replace(path=target)
    return manifest(plain.values())


def languages(entries: list[Entry], source: str) -> list[str]:
    """Return the languages of a release: the source, then its variants in order."""
    found = {
        entry.path.split("/")[1]
        for entry in entries
        if entry.path.startswith(VARIANTS + "/") and entry.path.count("/") >= 2
    }
    return [source, *sorted(found - {source})]


def _bad(text: str, reason: Message) -> Problem:
    shown = "".join(c if c.isprintable() else "�" for c in text)[:80]
    return Problem("bad_name", name=shown, reason=reason)
