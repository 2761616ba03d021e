"""Another language for a notebook that somebody is working in."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum


def language_in(path: Path) -> str:
    """Return the language that a notebook was handed out in, or "" if it does not say."""
    try:
        language = nbformat.read(path, as_version=4).metadata.get("minga", {}).get("language", "")
    except Exception:  # a student's file may be anything
        return ""
    return language if isinstance(language, str) else ""


def switch(mine: Path, before: Path, after: Path) -> tuple[str, int, int]:
    """Return a student's notebook in another language, and how many cells changed and stayed.

    `before` and `after` are the release in both languages. A cell that is as it was handed out
    takes the other's words and keeps its outputs; one that was edited, or added, stays.
    """
    nb = nbformat.read(mine, as_version=4)
    old = {cell.id: cell for cell in nbformat.read(before, as_version=4).cells}
    target = nbformat.read(after, as_version=4)
    new = {cell.id: cell for cell in target.cells}
    changed = kept = 0
    for cell in nb.cells:
        other = new.get(cell.get("id"))
        if other is None or other.cell_type != cell.cell_type or other.source == cell.source:
            continue
        if not _untouched(cell, old.get(cell.id)):
            kept += 1
            continue
        cell.source, cell.metadata = other.source, other.metadata
        changed += 1
    nb.metadata["minga"] = target.metadata.get("minga", {})
    return nbformat.writes(nb) + "\n", changed, kept


def _untouched(cell: NotebookNode, released: NotebookNode | None) -> bool:
    if released is not None and cell.source == released.source:
        return True
    # What was released since then may differ; nbgrader's cells remember how they were.
    checksum = cell.metadata.get("nbgrader", {}).get("checksum")
    try:
        return bool(checksum) and checksum == compute_checksum(cell)
    except (AttributeError, KeyError):
        return False
