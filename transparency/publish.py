"""A month that is over becomes figures, once: what is published is never computed again.

Months are those of UTC. A session counts in the month in which it ended, or in the next one that
is published if its end became known only after that.
"""

import logging
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, delete, func, make_url, select
from sqlalchemy.orm import Session

from exchange.service.tables import Assignment, Feedback, Submission

from .database import Database
from .figures import Done, month_figures
from .record import pseudonym, read_key
from .settings import Settings
from .tables import PublishedMonth, SessionUse

log = logging.getLogger(__name__)
NOWHERE = ("", "")
# Seconds after a month's end until it is published: sites that were silent have answered by then.
PATIENCE = 3 * 86400


def begin(month: str) -> int:
    """Return when a month (2027-03) begins, in seconds since 1970."""
    return int(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).timestamp())


def month_of(moment: float) -> str:
    """Return the month of a moment in seconds since 1970."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m}"


def later(month: str, by: int = 1) -> str:
    """Return the month `by` months after one; before it, if negative."""
    year, number = map(int, month.split("-"))
    count = year * 12 + number - 1 + by
    return f"{count // 12:04}-{count % 12 + 1:02}"


def publish_due(settings: Settings, database: Database, now: float | None = None) -> list[str]:
    """Publish each month that is over and was not published; return which.

    Also deletes what is recorded of single sessions after `keep_months`. Raises what the
    databases raise; then nothing of it was done.
    """
    now = time.time() if now is None else now
    key = read_key(settings.key_file)
    done = []
    with database.transaction() as session:
        month = _first(session)
        while month and begin(later(month)) + PATIENCE <= now:
            figures = month_figures(_done(session, settings, key, month))
            session.add(PublishedMonth(month=month, published=int(now), figures=figures))
            done.append(month)
            month = later(month)
        oldest = begin(later(month_of(now), -settings.keep_months))
        counted = SessionUse.month.is_not(None)
        session.execute(delete(SessionUse).where(counted, _end() < oldest))
    return done


def published(database: Database) -> list[tuple[str, list[dict]]]:
    """Return (month, figures) of all published months, the first one first."""
    with database.transaction() as session:
        months = session.scalars(select(PublishedMonth).order_by(PublishedMonth.month))
        return [(each.month, each.figures) for each in months]


def _end():
    return func.coalesce(SessionUse.ended, SessionUse.ends)


def _first(session: Session) -> str | None:
    """Return the first month that was not published; None while nothing is known."""
    last = session.scalar(select(func.max(PublishedMonth.month)))
    if last:
        return later(last)
    first = session.scalar(select(func.min(_end())))
    return None if first is None else month_of(first)


def _done(session: Session, settings: Settings, key: bytes, month: str) -> list[Done]:
    """Return what counts in a month, and note of its sessions that they are counted."""
    new = (SessionUse.month.is_(None)) & (_end() < begin(later(month)))
    counted = list(session.scalars(select(SessionUse).where(new).order_by(_end())))
    for row in counted:
        row.month = month
    graded = _graded(settings.exchange, month) if settings.exchange else []
    graded = [(pseudonym(key, student), course) for student, course in graded]
    place_of = _places(session, {p for p, _ in graded} - {row.person for row in counted})
    place_of |= {row.person: (row.country, row.institution) for row in counted}  # the last counts
    return [_session(row, place_of[row.person]) for row in counted] + [
        Done(person, place_of.get(person, NOWHERE), course, graded=1) for person, course in graded
    ]


def _session(row: SessionUse, place: tuple[str, str]) -> Done:
    end = row.ends if row.ended is None else row.ended
    return Done(
        row.person,
        place,
        row.course,
        row.site,
        sessions=1,
        gpu_hours=row.gpus * max(0, end - row.started) / 3600,
        wait=max(0, row.started - row.submitted),
    )


def _places(session: Session, people: set[str]) -> dict[str, tuple[str, str]]:
    """Return where people count to who had no session this month: as at their last one."""
    found = {}
    if people:
        for row in session.scalars(select(SessionUse).order_by(_end())):
            if row.person in people:
                found[row.person] = (row.country, row.institution)
    return found


def _graded(url: str, month: str) -> list[tuple[str, str]]:
    """Return (student, course) of each submission that got its first feedback in a month."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database).exists():
        return []
    first = func.min(Feedback.timestamp)
    span = [datetime.fromtimestamp(begin(each), UTC) for each in (month, later(month))]
    engine = create_engine(parsed)
    try:
        with Session(engine) as session:
            rows = session.execute(
                select(Submission.student, Assignment.course)
                .join(Feedback, Feedback.submission == Submission.id)
                .join(Assignment, Assignment.id == Submission.assignment)
                .group_by(Submission.id, Submission.student, Assignment.course)
                .having(first >= span[0], first < span[1])
            )
            return [tuple(row) for row in rows]
    finally:
        engine.dispose()
