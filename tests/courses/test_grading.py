"""nbgrader itself grades: solutions get everything, empty releases nothing, in both languages."""

import nbformat
import pytest
from mutants import MUTANTS
from notebooks import ANSWER, ASSIGNMENTS, cell, parts, solve, source

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


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_solution_has_everything_and_waits_for_a_reader(published, assignment, language):
    answer = "Con tasa 0,5 llega en un paso." if language == "es" else "With 0.5, in one step."
    nb = solve(published.notebook(assignment, language), assignment, answer=answer)
    got = grade(published, assignment, f"solution-{language}", nb)
    assert got.pop(ANSWER) == (None, True)
    assert got == {part: (points, False) for part, points in parts(source(assignment)).items()}


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_empty_release_has_nothing_and_needs_no_reader(published, assignment, language):
    nb = published.notebook(assignment, language)
    got = grade(published, assignment, f"empty-{language}", nb)
    assert got == {part: (0, False) for part in [*parts(source(assignment)), ANSWER]}


@pytest.mark.parametrize(("odd", "language"), [(True, "es"), (False, "en")])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_mistakes_in_every_other_part_cost_these_parts(published, assignment, odd, language):
    points = parts(source(assignment))
    wrong = list(points)[odd::2]
    mutants = [next(m for m in MUTANTS[assignment] if m[0] == part) for part in wrong]
    nb = solve(published.notebook(assignment, language), assignment, mutants)
    got = grade(published, assignment, f"mistakes-{odd}", nb)
    got.pop(ANSWER)
    assert got == {part: (0 if part in wrong else points[part], False) for part in points}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_students_own_copy_passes_the_visible_tests(published, assignment):
    """What students see when they run all cells, in English: no error, nothing on stderr."""
    from nbclient import NotebookClient

    nb = solve(published.notebook(assignment, "en"), assignment)
    folder = published.folder / f"run-{assignment}"
    folder.mkdir()
    NotebookClient(nb, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    assert not [o for c in nb.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    widgets = [
        o
        for o in cell_outputs(nb, "control")
        if "application/vnd.jupyter.widget-view+json" in o.get("data", {})
    ]
    assert widgets


def cell_outputs(nb, identifier):
    return next(c for c in nb.cells if c.id == identifier).outputs


def test_restoring_needs_an_untouched_cell(published):
    """An English answer that says something is graded by a reader, not put back."""
    nb = published.notebook("escalamiento-fuerte", "en")
    cell(nb, ANSWER).source = "YOUR ANSWER HERE: sixteen cores."
    got = grade(published, "escalamiento-fuerte", "answered-en", nb)
    assert got[ANSWER] == (None, True)
