"""Every student's score in every assignment, as typed rows: what leaves the gradebook.

`scores` is the one place that reads results out of nbgrader's gradebook for others: the exports
of `grading.export` use it, and whatever sends grades to a learning platform should.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import func, select

DAY = 24 * 60 * 60


class Status(StrEnum):
    """How far a student's work in an assignment has come."""

    MISSING = "missing"  # nothing was handed in
    UNGRADED = "ungraded"  # handed in, and what was handed in last is not graded yet
    NEEDS_MANUAL_GRADE = "needs_manual_grade"  # a person has to look at it; the score is not final
    GRADED = "graded"


@dataclass(frozen=True)
class Person:
    """A student. `lms_user_id` is the number by which the learning platform knows them."""

    id: str
    first_name: str
    last_name: str
    email: str
    lms_user_id: str


@dataclass(frozen=True)
class Score:
    """One student's result in one assignment; times are UTC without a zone, as nbgrader's.

    `raw_score` is before, `score` after the penalty for being late; both are None while nothing
    is graded. `due` includes the student's extension.
    """

    course: str
    assignment: str
    student: Person
    status: Status
    raw_score: float | None
    penalty: float
    maximum: float
    due: datetime | None
    submitted: datetime | None

    @property
    def score(self) -> float | None:
        """The points that count, never below 0."""
        return None if self.raw_score is None else max(0.0, self.raw_score - self.penalty)

    @property
    def late_seconds(self) -> int:
        """Whole seconds after `due`; 0 when in time or without a due date."""
        if self.due is None or self.submitted is None:
            return 0
        return max(0, math.ceil((self.submitted - self.due).total_seconds()))

    @property
    def late_days(self) -> int:
        """Days of 24 hours after `due`, a started one counted as whole."""
        return math.ceil(self.late_seconds / DAY)


def scores(
    gradebook: Gradebook,
    coursedir: CourseDirectory | None = None,
    assignments: Collection[str] = (),
    students: Collection[str] = (),
) -> Iterator[Score]:
    """Yield a row for each assignment and student, ordered by due date, then by name.

    Empty `assignments` or `students` means all. With `coursedir`, work that was collected and
    is not graded yet is told apart from missing work. Three queries, however large the class.
    """
    db = gradebook.db
    people = db.execute(select(Student)).scalars()
    people = sorted(
        (_person(student) for student in people if not students or student.id in students),
        key=lambda person: (person.last_name, person.first_name, person.id),
    )
    results = _results(db)
    for assignment in _in_order(db.execute(select(Assignment)).scalars()):
        if assignments and assignment.name not in assignments:
            continue
        maximum = float(assignment.max_score or 0)
        for person in people:
            row = results.get((assignment.id, person.id), _Result())
            collected, when = _collected(coursedir, person.id, assignment.name)
            graded = row.is_graded or (collected and row.has_grades)
            graded = graded and not (collected and when != row.submitted)
            due = assignment.duedate
            if due is not None and row.extension is not None:
                due += row.extension
            status = Status.UNGRADED if collected or row.submitted else Status.MISSING
            if graded:
                status = Status.NEEDS_MANUAL_GRADE if row.waits_for_a_person else Status.GRADED
            yield Score(
                course=gradebook.course_id,
                assignment=assignment.name,
                student=person,
                status=status,
                raw_score=row.points if graded else None,
                penalty=row.penalty if graded else 0.0,
                maximum=maximum,
                due=due,
                submitted=when if collected else row.submitted,
            )


@dataclass
class _Result:
    """What the gradebook holds about one submission."""

    submitted: datetime | None = None
    extension: timedelta | None = None
    penalty: float = 0.0
    points: float = 0.0
    has_grades: bool = False
    waits_for_a_person: bool = False
    scored: int = 0

    @property
    def is_graded(self) -> bool:
        # An extension makes an entry, with empty grades, before anything is handed in.
        return self.has_grades and (self.submitted is not None or self.scored > 0)


def _results(db) -> dict[tuple[str, str], _Result]:
    """Read what the gradebook holds, by assignment and student."""
    handed_in, notebook = SubmittedAssignment, SubmittedNotebook
    results, by_id = {}, {}
    for row in db.execute(
        select(
            handed_in.id,
            handed_in.assignment_id,
            handed_in.student_id,
            handed_in.timestamp,
            handed_in.extension,
            func.coalesce(func.sum(notebook.late_submission_penalty), 0.0),
        )
        .outerjoin(notebook, notebook.assignment_id == handed_in.id)
        .group_by(handed_in.id)
    ):
        result = _Result(row[3], row[4], float(row[5]))
        results[row[1], row[2]] = by_id[row[0]] = result
    for submission, points, waiting, scored in db.execute(
        select(
            notebook.assignment_id,
            func.coalesce(func.sum(Grade.score), 0.0),
            func.count().filter(Grade.needs_manual_grade.is_(True)),
            func.count(func.coalesce(Grade.manual_score, Grade.auto_score)),
        )
        .join(Grade, Grade.notebook_id == notebook.id)
        .group_by(notebook.assignment_id)
    ):
        result = by_id[submission]
        result.points, result.has_grades = float(points), True
        result.waits_for_a_person, result.scored = waiting > 0, scored
    return results


def _collected(
    coursedir: CourseDirectory | None, student: str, assignment: str
) -> tuple[bool, datetime | None]:
    """Say whether a submission lies among the collected ones, and when it was handed in."""
    if coursedir is None:
        return False, None
    folder = coursedir.format_path(coursedir.submitted_directory, student, assignment)
    return Path(folder).is_dir(), coursedir.get_existing_timestamp(folder)


def _in_order(assignments) -> list[Assignment]:
    return sorted(assignments, key=lambda a: (a.duedate or datetime.max, a.name))


def _person(student: Student) -> Person:
    return Person(
        student.id,
        student.first_name or "",
        student.last_name or "",
        student.email or "",
        student.lms_user_id or "",
    )
