"""Every unit of every course is as courses/README.md says, graded by nbgrader itself."""

import pytest

from courses import chapters
from courses.check import check_unit, units
from courses.models import load_courses

pytestmark = pytest.mark.slow
UNITS = units(load_courses())


@pytest.fixture(scope="session")
def seconds():
    """How long each chapter's code takes; the book's own build takes what is kept here."""
    return chapters.run(sorted({course.assignments[name].book for course, name in UNITS}))


@pytest.mark.parametrize(("course", "name"), UNITS, ids=[name for _, name in UNITS])
def test_unit(course, name, seconds):
    report = check_unit(course, name, seconds.get(course.assignments[name].book))
    print("  ".join(report.row()))
    assert not report.problems, "\n".join(report.problems)
    assert report.mutants[0] == report.mutants[1] >= 15
    assert report.alternatives[0] == report.alternatives[1] >= 5
