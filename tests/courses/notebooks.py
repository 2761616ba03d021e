"""What tests do with assignments: find them all, and solve them as a student would."""

from functools import cache

from nbformat import NotebookNode

from courses.models import load_courses
from courses.mutants import load_mutants
from courses.notebooks import ANSWER, cell, cell_by_id, graded, parts, solution
from courses.notebooks import solve as _solve
from courses.notebooks import source as _source

__all__ = ["ANSWER", "ASSIGNMENTS", "cell", "cell_by_id", "graded", "parts", "solve", "source"]

ASSIGNMENTS = {name: course.id for course in load_courses() for name in course.assignments}


def source(assignment: str) -> NotebookNode:
    """Return an assignment as its author wrote it."""
    return _source(ASSIGNMENTS[assignment], assignment)


def solve(released: NotebookNode, assignment: str, other=None, answer: str = "") -> NotebookNode:
    """Return what a student hands in: the author's solutions, but `other` cells by part."""
    return _solve(released, source(assignment), other, answer)


@cache
def mutants(assignment: str) -> dict[str, str]:
    """Return for each part the cell with its first plausible mistake."""
    author = source(assignment)
    known = load_mutants(ASSIGNMENTS[assignment], assignment)
    return {
        part: variants.mutants[0].applied(solution(author, part))
        for part, variants in known.items()
    }
