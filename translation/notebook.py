"""Notebooks: the messages of their cells, and a translated copy with all else unchanged."""

import copy
from collections.abc import Iterator
from itertools import pairwise

import nbformat
from nbformat import NotebookNode

from translation import code, markdown, nbgrader_stubs
from translation.segments import Segment, TranslationError, translations


def read(path) -> NotebookNode:
    """Read a notebook file. Raises TranslationError when it is not one."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, KeyError, nbformat.ValidationError) as error:
        raise TranslationError(f"not a notebook: {error}") from error


def segments(nb: NotebookNode) -> list[Segment]:
    """Return the messages of a notebook as its readers get it, in order.

    Of an nbgrader source the solutions, hidden tests and mark schemes are left out and the stubs
    are in: the messages are those of the released notebook. `place` is the cell's id, `line`
    counts in the cell.
    """
    found: list[Segment] = []
    headings: tuple[str, ...] = ()
    for cell, marked in _cells(nb):
        text, numbers = nbgrader_stubs.released(cell)
        try:
            if cell.cell_type == "markdown":
                inside = markdown.segments(text)
            else:
                inside = code.segments(text, nbgrader_stubs.STUBS, strict=marked)
        except TranslationError as error:
            raise TranslationError(f"cell {cell.get('id', '?')}: {error}") from error
        for segment in inside:
            line = numbers[min(segment.line, len(numbers)) - 1] + 1
            found.append(
                segment.moved(
                    0,
                    line - segment.line,
                    place=cell.get("id", ""),
                    headings=segment.headings or headings,
                )
            )
        if cell.cell_type == "markdown":
            headings = _last_heading(text, headings)
    return found


def translate(nb: NotebookNode, catalog, strict: bool = True) -> NotebookNode:
    """Return a translated copy; ids, metadata and outputs are those of the original.

    `catalog` is a polib.POFile or a mapping; what is missing or fuzzy stays in the source
    language. Raises TranslationError naming cell and line where more than words would change;
    without `strict` such a cell stays as it is, for notebooks in which students have written.
    """
    words = translations(catalog)
    result = copy.deepcopy(nb)
    for cell, _ in _cells(result):
        try:
            if cell.cell_type == "markdown":
                cell.source = markdown.translate(cell.source, words)
            else:
                cell.source = code.translate(cell.source, words, nbgrader_stubs.STUBS)
        except TranslationError as error:
            if strict:
                raise TranslationError(f"cell {cell.get('id', '?')}: {error}") from error
    return result


def _cells(nb: NotebookNode) -> Iterator[tuple[NotebookNode, bool]]:
    """Yield the cells with messages, each with whether its author tagged it `translate`."""
    in_assignment = nbgrader_stubs.is_assignment(nb)
    for cell in nb.cells:
        tags = cell.metadata.get("tags", [])
        if "no-translate" in tags:
            continue
        if cell.cell_type == "markdown":
            yield cell, False
        elif cell.cell_type == "code" and (in_assignment or "translate" in tags):
            yield cell, "translate" in tags


def _last_heading(text: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of headings at the end of a cell."""
    path = list(before)
    tokens = markdown.blocks(text)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            path = [*path[: int(opening.tag[1]) - 1], " ".join(inline.content.split())]
    return tuple(path)
