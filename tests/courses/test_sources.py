"""The source notebooks keep what nbgrader and the translation rely on."""

import ast
import re

import pytest
from notebooks import ASSIGNMENTS, cell_by_id, source


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_no_outputs_and_stable_names(assignment):
    nb = source(assignment)
    for cell in nb.cells:
        assert re.fullmatch(r"[a-z0-9-]+", cell.id)
        assert not cell.get("outputs") and cell.get("execution_count") is None
        grading = cell.metadata.get("nbgrader")
        if grading:
            assert grading.grade_id == cell.id and grading.schema_version == 3
        elif cell.cell_type == "markdown":
            assert "nbgrader" not in cell.metadata  # locked prose would return to Spanish


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_one_hundred_points_and_the_title_of_each_part_says_its_own(assignment):
    nb = source(assignment)
    graded = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert sum(c.metadata.nbgrader.points for c in graded) == 100
    tests = [c for c in graded if c.cell_type == "code"]
    for number, cell in enumerate(tests, 1):
        text = cell_by_id(nb, f"parte-{number}").source
        assert f"({cell.metadata.nbgrader.points} puntos)" in text.splitlines()[0]
        assert "BEGIN HIDDEN TESTS" in cell.source
        visible = cell.source.split("### BEGIN HIDDEN TESTS")[0]
        assert visible.count("assert ") >= 2


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_assertion_says_what_to_do(assignment):
    checks = [
        node
        for cell in source(assignment).cells
        if cell.id.endswith("-pruebas")
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Assert)
    ]
    assert len(checks) > 30
    for check in checks:
        assert len(check.msg.value) > 15, ast.unparse(check)
