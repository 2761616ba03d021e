"""Each plausible mistake costs the points of its part, all of them, and no others."""

import pytest
from mutants import MUTANTS
from notebooks import ASSIGNMENTS, grade_quickly, parts, solve, source

CASES = [(assignment, mutant) for assignment in MUTANTS for mutant in MUTANTS[assignment]]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_part_has_a_mutant_and_the_points_add_up(assignment):
    points = parts(source(assignment))
    assert {part for part, *_ in MUTANTS[assignment]} == set(points)
    assert sum(points.values()) == 85
    assert 5 <= len(points) <= 8


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_solution_has_all_points(assignment):
    author = source(assignment)
    assert grade_quickly(solve(author, assignment), author) == parts(author)


@pytest.mark.parametrize(
    ("assignment", "mutant"), CASES, ids=[f"{mutant[0]}: {mutant[1]}" for _, mutant in CASES]
)
def test_a_mistake_costs_its_part(assignment, mutant):
    author = source(assignment)
    wanted = {**parts(author), mutant[0]: 0}
    assert grade_quickly(solve(author, assignment, [mutant]), author) == wanted
