"""What every assignment's notebook keeps: nbgrader, translation and checks rely on it."""

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from .notebooks import ANSWER, ANSWERS, cell_by_id, graded, parts

AUTOGRADED, ALL = 85, 100  # points
FEWEST, MOST = 5, 10  # parts


def mistakes(nb: NotebookNode, draft: bool = False) -> Iterator[str]:
    """Yield what is wrong with an assignment's source; a draft may have fewer parts."""
    yield from _cells(nb)
    points = parts(nb)
    fewest = 1 if draft else FEWEST
    if not fewest <= len(points) <= MOST:
        yield f"{len(points)} graded parts; {fewest} to {MOST} are wanted"
    if sum(points.values()) != AUTOGRADED:
        yield f"the graded parts have {sum(points.values()):g} points, not {AUTOGRADED}"
    total = sum(c.metadata.nbgrader.points for c in graded(nb))
    if total != ALL:
        yield f"the cells have {total:g} points, not {ALL}"
    for number, part in enumerate(points, 1):
        yield from _part(nb, number, part, points[part])


def _cells(nb: NotebookNode) -> Iterator[str]:
    ids = [c.id for c in nb.cells]
    for wanted in ("importar", "control", ANSWER):
        if wanted not in ids:
            yield f"there is no cell «{wanted}»"
    for c in nb.cells:
        if not re.fullmatch(r"[a-z0-9-]+", c.id):
            yield f"cell «{c.id}»: an id of a-z, 0-9 and - is wanted"
        if c.get("outputs") or c.get("execution_count") is not None:
            yield f"cell «{c.id}»: has outputs; clear them"
        grading = c.metadata.get("nbgrader")
        if not grading:
            continue
        if grading.get("grade_id") != c.id or grading.get("schema_version") != 3:
            yield f"cell «{c.id}»: its grade_id must be its id, and schema_version 3"
        if c.cell_type == "markdown" and c.id not in ANSWERS:
            yield f"cell «{c.id}»: locked prose would return to Spanish when it is graded"


def _part(nb: NotebookNode, number: int, part: str, points: float) -> Iterator[str]:
    try:
        solution, tests = cell_by_id(nb, part), cell_by_id(nb, f"{part}-pruebas")
        title = cell_by_id(nb, f"parte-{number}").source.splitlines()[0]
    except KeyError as missing:
        yield f"part {number}: there is no cell «{missing.args[0]}»"
        return
    if f"({points:g} puntos)" not in title:
        yield f"cell «parte-{number}»: the title does not say «({points:g} puntos)»"
    if "### BEGIN SOLUTION" not in solution.source:
        yield f"cell «{part}»: has no ### BEGIN SOLUTION"
    visible, hidden, _ = tests.source.partition("### BEGIN HIDDEN TESTS")
    if not hidden:
        yield f"cell «{part}-pruebas»: has no ### BEGIN HIDDEN TESTS"
    if visible.count("assert ") < 2:
        yield f"cell «{part}-pruebas»: fewer than 2 visible tests"
    first_hidden = visible.count("\n") + 1
    for node in ast.walk(ast.parse(tests.source)):
        if isinstance(node, ast.Assert) and not _helps(node, node.lineno >= first_hidden):
            yield (
                f"cell «{part}-pruebas»: a message of more than 15 letters, written out, is "
                f"missing: {ast.unparse(node)[:70]}"
            )


def _helps(check: ast.Assert, hidden: bool) -> bool:
    """Whether a failed test says where to look; of hidden ones, feedback keeps only literals."""
    message = check.msg
    if isinstance(message, ast.JoinedStr):
        return not hidden
    if not isinstance(message, ast.Constant) or not isinstance(message.value, str):
        return False
    return len(message.value) > 15
