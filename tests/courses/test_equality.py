"""Honest submissions get the scores that nbgrader's own Execute gives them, cell by cell."""

import copy
import shutil

import nbformat
import pytest
from notebooks import ANSWER, ASSIGNMENTS, cell, mutants, parts, solve, source

from courses.nbgrader import instructor_config
from tests.grading.stock import gradebook_rows, stock_execute

pytestmark = pytest.mark.slow

DUE, IN_TIME, LATE = "2026-03-02 12:00", "2026-03-02 11:59:59 UTC", "2026-03-04 12:00:00 UTC"


def right(released, assignment):
    return solve(released, assignment, answer="Con tasa 0,5 llega en un paso.")


def wrong(released, assignment):
    """A mistake in every other part."""
    some = list(parts(source(assignment)))[::2]
    return solve(released, assignment, {part: mutants(assignment)[part] for part in some})


def incomplete(released, assignment):
    """The first part is right, the second is no Python, the others were not touched."""
    nb, solved = copy.deepcopy(released), solve(released, assignment)
    first, second, *_ = parts(source(assignment))
    cell(nb, first).source = cell(solved, first).source
    cell(nb, second).source = "def a medias(:"
    return nb


def in_disorder(released, assignment):
    """Solved, with more cells: noise, an endless loop, an error, an exit, a changed test."""
    nb = solve(released, assignment, answer="Dos cosas.")
    first, second, *_ = parts(source(assignment))
    more = ["print('x' * 10_000)", "while True: pass", "1 / 0", "import time; time.sleep(0.1)"]
    nb.cells[3:3] = [nbformat.v4.new_code_cell(text) for text in more]
    cell(nb, f"{first}-pruebas").source = "# me molestaba"
    cell(nb, f"{second}-pruebas").source = "assert False"
    return nb


CASES = [
    (right, "es", IN_TIME),
    (wrong, "en", LATE),
    (incomplete, "en", IN_TIME),
    (in_disorder, "es", LATE),
]


# What is compared is the grading, not the assignments: one with torch, one with other processes.
@pytest.mark.parametrize("assignment", ["descenso-de-gradiente", "escalamiento-fuerte"])
def test_the_same_scores_as_stock(published, assignment, tmp_path):
    course = ASSIGNMENTS[assignment]
    ours = tmp_path / "ours"
    shutil.copytree(published.root(course), ours)
    for case, language, timestamp in CASES:
        folder = ours / "submitted" / case.__name__.replace("_", "-") / assignment
        folder.mkdir(parents=True)
        nb = case(published.notebook(assignment, language), assignment)
        nbformat.write(nb, folder / f"{assignment}.ipynb")
        (folder / "timestamp.txt").write_text(timestamp)
    stock = tmp_path / "stock"
    shutil.copytree(ours, stock)

    our_config = instructor_config(course, ours)
    stock_config = stock_execute(instructor_config(course, stock))
    for config in (our_config, stock_config):
        config.Execute.timeout = 5
    got = gradebook_rows(our_config, assignment, due=DUE)
    expected = gradebook_rows(stock_config, assignment, due=DUE)
    assert got == expected
    # And they are not all alike.
    assert len({sum(row.auto_score or 0 for row in rows) for rows in got.values()}) >= 3
    assert {row.seconds_late for rows in got.values() for row in rows} == {0, 172_800}
    assert any(row.needs_manual_grade for row in got["right"] if row.name == ANSWER)
