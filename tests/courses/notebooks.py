"""What tests do with assignments: solve them as a student would, and grade them quickly."""

import copy
import re

import nbformat
from nbformat import NotebookNode

from courses.models import COURSES

ASSIGNMENTS = {"descenso-de-gradiente": "ai-foundations", "escalamiento-fuerte": "supercomputing"}
ANSWER = "pregunta-respuesta"
_MARKERS = re.compile(r"^.*### (BEGIN|END) SOLUTION\n?", re.MULTILINE)


def source(assignment: str) -> NotebookNode:
    """Return an assignment as its author wrote it."""
    folder = COURSES / ASSIGNMENTS[assignment] / "assignments" / assignment
    return nbformat.read(folder / f"{assignment}.ipynb", as_version=4)


def cell(nb: NotebookNode, grade_id: str) -> NotebookNode:
    """Return the cell that nbgrader knows as `grade_id`."""
    return next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def parts(nb: NotebookNode) -> dict[str, float]:
    """Return the points of each part that is graded automatically, by its solution cell."""
    return {
        c.metadata.nbgrader.grade_id.removesuffix("-pruebas"): c.metadata.nbgrader.points
        for c in nb.cells
        if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("grade")
    }


def solve(released: NotebookNode, assignment: str, mutants=(), answer: str = "") -> NotebookNode:
    """Return what a student hands in: the author's solutions, with `mutants` in them."""
    nb, author = copy.deepcopy(released), source(assignment)
    for part in parts(author):
        cell(nb, part).source = _MARKERS.sub("", cell(author, part).source)
    for part, _, right, wrong in mutants:
        target = cell(nb, part)
        assert right in target.source, f"{part}: the solution has no {right!r}"
        target.source = target.source.replace(right, wrong)
    if answer:
        cell(nb, ANSWER).source = answer
    return nb


def grade_quickly(nb: NotebookNode, author: NotebookNode) -> dict[str, float]:
    """Return the points of each part, from running solutions and the author's tests here.

    A second instead of a kernel's start for each; `test_grading.py` shows that nbgrader agrees.
    """
    names: dict = {}
    exec(cell_by_id(author, "importar").source, names)
    points = {}
    for part, maximum in parts(author).items():
        exec(cell(nb, part).source, names)  # a mistake of these tests, if it fails
        try:
            exec(cell(author, f"{part}-pruebas").source, names)
            points[part] = maximum
        except Exception:
            points[part] = 0
    return points


def cell_by_id(nb: NotebookNode, identifier: str) -> NotebookNode:
    """Return the cell with this id."""
    return next(c for c in nb.cells if c.id == identifier)
