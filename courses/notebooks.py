"""Assignments as notebooks: their parts, and what a student may hand in."""

import copy
import re
from collections.abc import Mapping

import nbformat
from nbformat import NotebookNode

from .models import COURSES

ANSWER = "pregunta-respuesta"  # the open question that every assignment has
ANSWERS = (ANSWER, "pregunta-2-respuesta")
_MARKERS = re.compile(r"^.*### (BEGIN|END) SOLUTION\n?", re.MULTILINE)


def source(course: str, assignment: str) -> NotebookNode:
    """Return an assignment as its author wrote it."""
    folder = COURSES / course / "assignments" / assignment
    return nbformat.read(folder / f"{assignment}.ipynb", as_version=4)


def cell(nb: NotebookNode, grade_id: str) -> NotebookNode:
    """Return the cell that nbgrader knows as `grade_id`. Raises KeyError."""
    for found in nb.cells:
        if found.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            return found
    raise KeyError(grade_id)


def cell_by_id(nb: NotebookNode, identifier: str) -> NotebookNode:
    """Return the cell with this id. Raises KeyError."""
    for found in nb.cells:
        if found.id == identifier:
            return found
    raise KeyError(identifier)


def graded(nb: NotebookNode) -> list[NotebookNode]:
    """Return the cells that have points: tests, and open questions."""
    return [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade")]


def parts(nb: NotebookNode) -> dict[str, float]:
    """Return the points of each part that is graded automatically, by its solution cell."""
    return {
        c.metadata.nbgrader.grade_id.removesuffix("-pruebas"): c.metadata.nbgrader.points
        for c in graded(nb)
        if c.cell_type == "code"
    }


def solution(author: NotebookNode, part: str) -> str:
    """Return what the author wrote into a part's solution cell, without nbgrader's markers."""
    return _MARKERS.sub("", cell(author, part).source)


def solve(
    released: NotebookNode,
    author: NotebookNode,
    other: Mapping[str, str] | None = None,
    answer: str = "",
) -> NotebookNode:
    """Return what a student hands in: the author's solutions, but `other` cells by part.

    `answer` is written into every open question.
    """
    nb = copy.deepcopy(released)
    for part in parts(author):
        cell(nb, part).source = (other or {}).get(part) or solution(author, part)
    if answer:
        for c in graded(author):
            if c.cell_type == "markdown":
                cell(nb, c.metadata.nbgrader.grade_id).source = answer
    return nb
