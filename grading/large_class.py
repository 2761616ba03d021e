"""nbgrader's gradebook and API for large classes: the same answers, asked for in fewer queries.

nbgrader's own sum up the scores of all assignments to show one, look at everybody's files to
show one student, and ask for each notebook's student by itself; its tables have no indexes on
what they are joined by (its issues 929 and 1001 tell of classes of hundreds). Shaped like the
methods that they stand for, whose results a test compares them with.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SourceCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from nbgrader.apps.api import NbGraderAPI
from nbgrader.utils import as_timezone
from sqlalchemy import Index, and_, case, func, select
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import joinedload

INDEXES = [
    Index(f"ix_{column.table.name}_{column.name}", column)
    for column in (
        BaseCell.__table__.c.notebook_id,
        Comment.__table__.c.cell_id,
        Comment.__table__.c.notebook_id,
        Grade.__table__.c.cell_id,
        Grade.__table__.c.notebook_id,
        Notebook.__table__.c.assignment_id,
        SourceCell.__table__.c.notebook_id,
        SubmittedAssignment.__table__.c.assignment_id,
        SubmittedAssignment.__table__.c.student_id,
        SubmittedNotebook.__table__.c.assignment_id,
        SubmittedNotebook.__table__.c.notebook_id,
    )
]
_indexed: set[str] = set()  # addresses of gradebooks that were looked at in this process
KINDS = ("code", "written", "task")


class LargeClassGradebook(Gradebook):
    """nbgrader's gradebook with indexes, and with scores summed for what is shown."""

    def __init__(self, db_url: str, *arguments, **named):
        super().__init__(db_url, *arguments, **named)
        if db_url not in _indexed:
            for index in INDEXES:
                # Another process may make them now; a gradebook that may only be read is slow.
                with suppress(OperationalError, ProgrammingError):
                    index.create(self.engine, checkfirst=True)
            _indexed.add(db_url)

    def submission_dicts(self, assignment_id: str) -> list[dict]:
        """Return each graded submission of an assignment with its scores."""
        columns = {
            "id": SubmittedAssignment.id,
            "name": Assignment.name,
            "timestamp": SubmittedAssignment.timestamp,
            "first_name": Student.first_name,
            "last_name": Student.last_name,
            "student": Student.id,
        }
        return [row.shown() for row in self._scores(columns, Assignment.name == assignment_id)]

    def notebook_submission_dicts(self, notebook_id: str, assignment_id: str) -> list[dict]:
        """Return each graded copy of a notebook with its scores."""
        wanted = and_(Assignment.name == assignment_id, Notebook.name == notebook_id)
        columns = {
            "id": SubmittedNotebook.id,
            "name": Notebook.name,
            "student": Student.id,
            "first_name": Student.first_name,
            "last_name": Student.last_name,
            "flagged": SubmittedNotebook.flagged,
        }
        return [row.shown() | {"failed_tests": row.failed} for row in self._scores(columns, wanted)]

    def notebook_submissions(self, notebook: str, assignment: str) -> list[SubmittedNotebook]:
        """Return all copies of a notebook, with their students in the same query."""
        return (
            self.db.query(SubmittedNotebook)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .filter(Notebook.name == notebook, Assignment.name == assignment)
            .options(
                joinedload(SubmittedNotebook.notebook),
                joinedload(SubmittedNotebook.assignment).joinedload(SubmittedAssignment.student),
            )
            .all()
        )

    def _scores(self, columns: dict, wanted) -> Iterable["_Row"]:
        """Sum up the grades of what is `wanted` by `columns`, the first of which tells them apart.

        As in nbgrader, what has no grades at all is left out.
        """
        test, task = GradeCell.__table__, TaskCell.__table__
        kind = case(
            (task.c.id.is_not(None), "task"), (test.c.cell_type == "code", "code"), else_="written"
        )
        failed = and_(Grade.auto_score < test.c.max_score, test.c.cell_type == "code")
        query = (
            select(
                *columns.values(),
                kind,
                func.sum(Grade.score),
                func.sum(func.coalesce(test.c.max_score, task.c.max_score, 0.0)),
                func.max(case((Grade.needs_manual_grade, 1), else_=0)),
                func.max(case((failed, 1), else_=0)),
            )
            .select_from(SubmittedAssignment)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(Student, Student.id == SubmittedAssignment.student_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .outerjoin(test, test.c.id == Grade.cell_id)
            .outerjoin(task, task.c.id == Grade.cell_id)
            .where(wanted)
            .group_by(*columns.values(), kind)
        )
        found: dict[str, _Row] = {}
        for *values, kind_, score, maximum, manual, failed_ in self.db.execute(query):
            row = found.setdefault(values[0], _Row(dict(zip(columns, values, strict=True))))
            row.scores[kind_] = (score, maximum)
            row.manual |= bool(manual)
            row.failed |= bool(failed_)
        return found.values()


class _Row:
    """One submission's sums."""

    def __init__(self, about: dict):
        self.about, self.manual, self.failed = about, False, False
        self.scores = dict.fromkeys(KINDS, (0.0, 0.0))

    def shown(self) -> dict:
        """Return it under nbgrader's names."""
        sums = {}
        for kind, (score, maximum) in self.scores.items():
            sums |= {f"{kind}_score": score, f"max_{kind}_score": maximum}
        return (
            self.about
            | {
                "score": sum(score for score, _ in self.scores.values()),
                "max_score": sum(maximum for _, maximum in self.scores.values()),
                "needs_manual_grade": self.manual,
            }
            | sums
        )


class LargeClassAPI(NbGraderAPI):
    """What formgrader's pages ask, with that gradebook and without needless looks at the disk."""

    @property
    def gradebook(self) -> LargeClassGradebook:
        """Return the gradebook, to be used in a with statement."""
        return LargeClassGradebook(self.coursedir.db_url, self.course_id)

    def get_submitted_timestamp(self, assignment_id: str, student_id: str) -> datetime | None:
        """Return when a submission was handed in; the times that nbgrader writes are read fast."""
        path = self._folder("submitted", student_id, assignment_id) + "/timestamp.txt"
        try:
            with open(path) as file:
                text = file.read().strip()
            when = datetime.fromisoformat(text.removesuffix(" UTC"))
        except FileNotFoundError:
            return None
        except ValueError:
            when = None
        if when is None or when.tzinfo:  # written in another way, which nbgrader's parser knows
            return super().get_submitted_timestamp(assignment_id, student_id)
        return when

    def get_submission(self, assignment_id, student_id, ungraded=None, students=None):
        """Return one student's submission, looking at this student's files and entries alone."""
        if ungraded is not None:
            return super().get_submission(assignment_id, student_id, ungraded, students)
        submitted = os.path.isdir(self._folder("submitted", student_id, assignment_id))
        with self.gradebook as gb:
            found = self._graded(gb, assignment_id, student_id)
            if found is not None:
                when = found.timestamp
                shown = when and as_timezone(when, self.timezone).strftime(self.timestamp_format)
                about = {"display_timestamp": shown, "autograded": True, "submitted": True}
                return found.to_dict() | about
            if students is None:
                students = {}
                with suppress(MissingEntry):
                    student = gb.find_student(student_id)
                    names = {"first_name": student.first_name, "last_name": student.last_name}
                    students[student_id] = names
        asked = super().get_submission(assignment_id, student_id, {student_id}, students)
        return asked | {"submitted": submitted}

    def _graded(self, gb, assignment_id: str, student_id: str) -> SubmittedAssignment | None:
        """Return the entry of what was handed in last, if that is graded."""
        if not os.path.isdir(self._folder("autograded", student_id, assignment_id)):
            return None
        with suppress(MissingEntry):
            found = gb.find_submission(assignment_id, student_id)
            if found.timestamp == self.get_submitted_timestamp(assignment_id, student_id):
                return found
        return None

    def _folder(self, step: str, student_id: str, assignment_id: str) -> str:
        directory = getattr(self.coursedir, f"{step}_directory")
        return os.path.abspath(self.coursedir.format_path(directory, student_id, assignment_id))
