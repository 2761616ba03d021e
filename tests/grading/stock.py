"""nbgrader as its makers configured it, to compare with: its own Execute, a kernel of its own."""

import copy
from dataclasses import dataclass

from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from traitlets.config import Config


@dataclass(frozen=True)
class Row:
    """What the gradebook says of one graded cell of one submission."""

    notebook: str
    name: str
    auto_score: float | None
    max_score: float
    needs_manual_grade: bool
    failed_tests: bool
    seconds_late: float


def stock_execute(config: Config) -> Config:
    """Return the same configuration with nbgrader's own preprocessors for the run."""
    c = copy.deepcopy(config)
    own = [f"{kind.__module__}.{kind.__name__}" for kind in _default("autograde_preprocessors")]
    c.Autograde.autograde_preprocessors = own
    return c


def _default(name: str) -> list:
    return getattr(Autograde, name).default()


def gradebook_rows(config: Config, assignment: str, due: str = "") -> dict[str, list[Row]]:
    """Autograde everything that was handed in and return each student's rows, sorted."""
    api = NbGraderAPI(config=config)
    with api.gradebook as gradebook:
        if due:
            gradebook.update_or_create_assignment(assignment, duedate=due)
    found = {}
    for student in sorted(api.get_submitted_students(assignment)):
        done = api.autograde(assignment, student, create=True)
        assert done["success"], done["log"]
        with api.gradebook as gradebook:
            submission = gradebook.find_submission(assignment, student)
            found[student] = sorted(
                (
                    Row(
                        notebook.name,
                        grade.name,
                        grade.auto_score,
                        grade.max_score,
                        grade.needs_manual_grade,
                        bool(grade.failed_tests),
                        submission.total_seconds_late,
                    )
                    for notebook in submission.notebooks
                    for grade in notebook.grades
                ),
                key=lambda row: (row.notebook, row.name),
            )
    return found
