"""nbgrader agrees with the quick grading on mistakes; test_units.py has solutions and releases."""

import nbformat
import pytest
from notebooks import ANSWER, ASSIGNMENTS, cell, mutants, parts, solve, source

pytestmark = pytest.mark.slow


def grade(published, assignment, student, nb) -> dict[str, float]:
    """Hand in `nb`, let nbgrader grade it, and return the points by cell."""
    api = published.api(assignment)
    folder = published.root(ASSIGNMENTS[assignment]) / "submitted" / student / assignment
    folder.mkdir(parents=True)
    nbformat.write(nb, folder / f"{assignment}.ipynb")
    done = api.autograde(assignment, student)
    assert done["success"], done["log"]
    with api.gradebook as gradebook:
        grades = gradebook.find_submission_notebook(assignment, assignment, student).grades
        return {
            grade.name.removesuffix("-pruebas"): (grade.auto_score, grade.needs_manual_grade)
            for grade in grades
        }


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_mistakes_in_every_other_part_cost_these_parts(published, assignment):
    points = parts(source(assignment))
    wrong = {part: mutants(assignment)[part] for part in list(points)[::2]}
    nb = solve(published.notebook(assignment, "en"), assignment, wrong)
    got = grade(published, assignment, "mistakes", nb)
    assert {part: got[part] for part in points} == {
        part: (0 if part in wrong else points[part], False) for part in points
    }


def test_restoring_needs_an_untouched_cell(published):
    """An English answer that says something is graded by a reader, not put back."""
    nb = published.notebook("escalamiento-fuerte", "en")
    cell(nb, ANSWER).source = "YOUR ANSWER HERE: sixteen cores."
    got = grade(published, "escalamiento-fuerte", "answered-en", nb)
    assert got[ANSWER] == (None, True)
