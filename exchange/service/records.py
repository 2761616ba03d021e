"""What the service knows and notes down; each function is one transaction's work."""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, undefer

from . import models
from .names import Entry
from .policies import Terms
from .problems import Problem
from .tables import Assignment, Extension, Feedback, Release, Submission

TICK = timedelta(microseconds=1)


def assignment(session: Session, course: str, name: str, released=True) -> Assignment:
    """Return an assignment; raises Problem no_such_assignment."""
    query = select(Assignment).where(Assignment.course == course, Assignment.name == name)
    found = session.scalar(query)
    if found is None or (released and found.release is None):
        raise Problem("no_such_assignment", course=course, assignment=name)
    return found


def _assignment_to_change(session: Session, course: str, name: str) -> Assignment:
    query = select(Assignment).where(Assignment.course == course, Assignment.name == name)
    found = session.scalar(query.with_for_update())
    if found is None:
        found = Assignment(course=course, name=name, grace_seconds=0, late_policy="accept")
        session.add(found)
        session.flush()
    return found


# Releases


def release(
    session: Session, course: str, name: str, entries: list[Entry], author: str
) -> tuple[Assignment, Release]:
    """Release an assignment, or replace its release."""
    of = _assignment_to_change(session, course, name)
    made = Release(assignment=of.id, author=author, timestamp=datetime.now(UTC))
    made.fill(entries)
    session.add(made)
    session.flush()
    of.release = made.id
    return of, made


def withdraw(session: Session, course: str, name: str) -> None:
    """Take an assignment back; what was handed in stays."""
    assignment(session, course, name)
    _assignment_to_change(session, course, name).release = None


def released(session: Session, course: str, name: str, number: int | None = None) -> Release:
    """Return the release of an assignment, or the one with this number."""
    of = assignment(session, course, name)
    found = session.get(Release, number or of.release)
    if found is None or found.assignment != of.id:
        raise Problem("no_such_assignment", course=course, assignment=name)
    return found


def released_in(
    session: Session, course: str, student: str | None
) -> list[tuple[Assignment, Release, Extension | None, int]]:
    """Return a course's released assignments with a student's extension and attempts so far."""
    query = (
        select(Assignment, Release)
        .join(Release, Assignment.release == Release.id)
        .where(Assignment.course == course)
        .order_by(Assignment.name)
    )
    extensions, used = {}, {}
    if student is not None:
        rows = select(Extension).where(Extension.student == student)
        extensions = {row.assignment: row for row in session.scalars(rows)}
        counts = select(Submission.assignment, func.count()).where(Submission.student == student)
        used = dict(session.execute(counts.group_by(Submission.assignment)).all())
    return [
        (of, made, extensions.get(of.id), used.get(of.id, 0)) for of, made in session.execute(query)
    ]


# Submissions


@dataclass(frozen=True)
class Arrival:
    """A submission that is about to be received."""

    course: str
    assignment: str
    student: str
    key: str | None
    clock: datetime  # when the request arrived, as the clock said
    started: float  # the same by time.monotonic()


def announce(session: Session, arrival: Arrival) -> datetime:
    """Return the time that a submission gets; raises Problem where it would be refused.

    A time that was given out and is still to come is from before the clock was set back: this
    submission comes after it.
    """
    elapsed = timedelta(seconds=time.monotonic() - arrival.started)
    of = assignment(session, arrival.course, arrival.assignment)
    last = session.scalar(
        select(func.max(Submission.timestamp)).where(Submission.assignment == of.id)
    )
    timestamp = arrival.clock
    if last is not None and last >= timestamp + elapsed:
        timestamp = last + TICK
    if _by_key(session, of, arrival) is None:
        _admit(session, of, arrival.student, timestamp)
    return timestamp


def submit(
    session: Session, arrival: Arrival, timestamp: datetime, entries: list[Entry]
) -> tuple[models.Receipt, bool]:
    """Note a submission down; return the receipt, and whether it was given before."""
    of = assignment(session, arrival.course, arrival.assignment, released=False)
    session.refresh(of, with_for_update=True)
    made = Submission(id=secrets.token_hex(16), assignment=of.id, student=arrival.student)
    made.fill(entries)
    before = _by_key(session, of, arrival)
    if before is not None:
        if before.sha256 != made.sha256:
            raise Problem("key_reused")
        return receipt(of, before), True
    if of.release is None:
        raise Problem("no_such_assignment", course=of.course, assignment=of.name)
    made.late_seconds, made.due, last = _admit(session, of, arrival.student, timestamp)
    taken = select(Submission.timestamp).where(
        Submission.assignment == of.id, Submission.student == arrival.student
    )
    while session.scalar(taken.where(Submission.timestamp == timestamp)) is not None:
        timestamp += TICK  # nbgrader tells a student's submissions apart by their time
    made.attempt, made.key = last + 1, arrival.key
    made.timestamp, made.clock = timestamp, arrival.clock
    session.add(made)
    session.flush()
    return receipt(of, made), False


def _by_key(session: Session, of: Assignment, arrival: Arrival) -> Submission | None:
    if arrival.key is None:
        return None
    query = select(Submission).where(
        Submission.assignment == of.id,
        Submission.student == arrival.student,
        Submission.key == arrival.key,
    )
    return session.scalar(query)


def _admit(session: Session, of: Assignment, student: str, when: datetime):
    """Return lateness, due date and attempts so far; raises Problem."""
    used = session.scalar(
        select(func.max(Submission.attempt)).where(
            Submission.assignment == of.id, Submission.student == student
        )
    )
    terms = Terms.of(of, session.get(Extension, (of.id, student)))
    return terms.admit(when, used or 0), terms.due, used or 0


def receipt(of: Assignment, made: Submission) -> models.Receipt:
    """Return the receipt of a submission."""
    return models.Receipt(**_receipt(of, made))


def _receipt(of: Assignment, made: Submission) -> dict:
    return {
        "id": made.id,
        "course": of.course,
        "assignment": of.name,
        "student": made.student,
        "timestamp": made.timestamp,
        "clock": made.clock,
        "sha256": made.sha256,
        "files": made.files,
        "bytes": made.bytes,
        "attempt": made.attempt,
        "late_seconds": made.late_seconds,
        "due": made.due,
    }


def _listed(of: Assignment, made: Submission, given) -> dict:
    return _receipt(of, made) | {
        "has_feedback": given is not None,
        "feedback_sha256": given.sha256 if given else None,
        "feedback_released": given.timestamp if given else None,
    }


def submissions(
    session: Session, course: str, name: str, student: str | None, latest: bool
) -> list[models.Listed]:
    """Return what was handed in for an assignment, by student and time; removed ones included."""
    query = select(Assignment).where(Assignment.course == course, Assignment.name == name)
    of = session.scalar(query)
    if of is None:
        raise Problem("no_such_assignment", course=course, assignment=name)
    found = select(Submission).where(Submission.assignment == of.id)
    if student is not None:
        found = found.where(Submission.student == student)
    found = found.order_by(Submission.student, Submission.timestamp, Submission.attempt)
    rows = list(session.scalars(found))
    if latest:
        rows = list({row.student: row for row in rows}.values())
    ids = select(Submission.id).where(Submission.assignment == of.id)
    notes = select(Feedback.submission, Feedback.sha256, Feedback.timestamp)
    notes = notes.where(Feedback.submission.in_(ids)).order_by(Feedback.id)
    given = {row.submission: row for row in session.execute(notes)}
    return [models.Listed(**_listed(of, row, given.get(row.id))) for row in rows]


def submission(session: Session, number: str) -> tuple[Assignment, Submission] | None:
    """Return a submission with its files, and its assignment."""
    query = (
        select(Assignment, Submission)
        .join(Submission, Submission.assignment == Assignment.id)
        .where(Submission.id == number)
        .options(undefer(Submission.manifest))
    )
    row = session.execute(query).first()
    return tuple(row) if row else None


def detailed(of: Assignment, made: Submission, given: Feedback | None) -> models.Submission:
    """Return a submission as it is answered."""
    files = [entry._asdict() for entry in made.entries]
    return models.Submission(**_listed(of, made, given), manifest=files)


# Feedback


def give_feedback(session: Session, number: str, entries: list[Entry], author: str) -> Feedback:
    """Note feedback down; what was given before is kept, and no longer shown."""
    made = Feedback(submission=number, author=author, timestamp=datetime.now(UTC))
    made.fill(entries)
    session.add(made)
    session.flush()
    return made


def feedback(session: Session, number: str) -> Feedback | None:
    """Return the latest feedback on a submission with its files."""
    query = select(Feedback).where(Feedback.submission == number).order_by(Feedback.id.desc())
    return session.scalar(query.limit(1).options(undefer(Feedback.manifest)))


# Policies


def policy(session: Session, course: str, name: str, student: str | None) -> models.Policy:
    """Return an assignment's policy; with a student, only that one's extension."""
    return _policy(session, assignment(session, course, name, student is not None), student)


def set_policy(
    session: Session, course: str, name: str, wanted: models.PolicyIn, author: str
) -> models.Policy:
    """Replace an assignment's policy with its extensions."""
    of = _assignment_to_change(session, course, name)
    of.due, of.attempts = wanted.due, wanted.attempts
    of.grace_seconds, of.late_policy = wanted.grace_seconds, wanted.late_policy
    of.policy_updated, of.policy_updated_by = datetime.now(UTC), author
    session.execute(delete(Extension).where(Extension.assignment == of.id))
    session.add_all(
        Extension(assignment=of.id, student=student, due=given.due, attempts=given.attempts)
        for student, given in wanted.extensions.items()
    )
    session.flush()
    return _policy(session, of, None)


def _policy(session: Session, of: Assignment, student: str | None) -> models.Policy:
    query = select(Extension).where(Extension.assignment == of.id).order_by(Extension.student)
    if student is not None:
        query = query.where(Extension.student == student)
    return models.Policy(
        course=of.course,
        assignment=of.name,
        due=of.due,
        grace_seconds=of.grace_seconds,
        late_policy=of.late_policy,
        attempts=of.attempts,
        extensions={
            row.student: {"due": row.due, "attempts": row.attempts}
            for row in session.scalars(query)
        },
        updated=of.policy_updated,
        updated_by=of.policy_updated_by if student is None else None,
    )
