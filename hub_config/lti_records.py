"""What is remembered of learning platforms: who is who, where grades go, and what was sent."""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import BigInteger, Float, Index, Integer, String, create_engine, make_url, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from .lti_launch import Launch

BUSY_SECONDS = 10  # how long to wait for a lock of another process (a backup, sqlite3)


class Table(DeclarativeBase):
    """The base of all tables; their names begin with lti_, so that they may share a database."""


class Person(Table):
    """Whom a platform calls what."""

    __tablename__ = "lti_people"

    username: Mapped[str] = mapped_column(String(32), primary_key=True)
    platform: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(255))


class Link(Table):
    """Where a platform takes grades of an assignment; with assignment "": of the course."""

    __tablename__ = "lti_links"

    platform: Mapped[str] = mapped_column(String(10), primary_key=True)
    course: Mapped[str] = mapped_column(String(40), primary_key=True)
    assignment: Mapped[str] = mapped_column(String(255), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(255))
    line_item: Mapped[str] = mapped_column(String(2000))
    line_items: Mapped[str] = mapped_column(String(2000))


class Sent(Table):
    """One grade that was sent, or could not be: the log, which is only added to."""

    __tablename__ = "lti_sent"
    __table_args__ = (Index("lti_sent_by_place", "line_item", "username"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)  # seconds since 1970
    platform: Mapped[str] = mapped_column(String(10))
    course: Mapped[str] = mapped_column(String(40))
    assignment: Mapped[str] = mapped_column(String(255))
    username: Mapped[str] = mapped_column(String(32))
    line_item: Mapped[str] = mapped_column(String(2000))
    points: Mapped[float] = mapped_column(Float)
    maximum: Mapped[float] = mapped_column(Float)
    problem: Mapped[str] = mapped_column(String(500))  # "": the platform took it


class Records:
    """The tables at a SQLAlchemy URL, made if they are not there."""

    def __init__(self, url: str):
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        options = {"pool_pre_ping": True}
        if parsed.get_backend_name() == "sqlite":
            options = {"connect_args": {"timeout": BUSY_SECONDS}}
        self.engine = create_engine(parsed, **options)
        self._lock = threading.Lock()  # a class begins: many tell of the same link at once
        Table.metadata.create_all(self.engine)

    def note(self, launch: Launch) -> None:
        """Remember what a launch tells: the person, and where grades go."""
        with self._transaction() as session:
            session.merge(_person(launch.username, launch.platform, launch.subject))
            if launch.line_item or launch.line_items:
                # The same assignment behind a link that takes no grades: the other link stays.
                key = (launch.platform, launch.course, launch.assignment)
                known = session.get(Link, key)
                own = launch.line_item if launch.assignment else ""
                session.merge(
                    Link(
                        platform=launch.platform,
                        course=launch.course,
                        assignment=launch.assignment,
                        client_id=launch.client_id,
                        line_item=own or (known.line_item if known else ""),
                        line_items=launch.line_items or (known.line_items if known else ""),
                    )
                )

    def note_people(self, platform: str, subjects: dict[str, str]) -> None:
        """Remember people of a roster: login name -> the platform's name of them."""
        with self._transaction() as session:
            for username, subject in subjects.items():
                session.merge(_person(username, platform, subject))

    def people(self, usernames: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return (platform, subject) by login name, of those who are known."""
        with self._transaction() as session:
            rows = session.scalars(select(Person).where(Person.username.in_(usernames)))
            return {row.username: (row.platform, row.subject) for row in rows}

    def place(self, platform: str, course: str, assignment: str) -> tuple[str, str, str] | None:
        """Return (client id, line item, line items) for grades; None: no link told of one.

        An assignment without a line item of its own gets one where the course's are.
        """
        with self._transaction() as session:
            own = session.get(Link, (platform, course, assignment))
            if own and (own.line_item or own.line_items):
                return own.client_id, own.line_item, own.line_items
            others = select(Link).where(
                Link.platform == platform, Link.course == course, Link.line_items != ""
            )
            other = session.scalars(others.order_by(Link.assignment)).first()
            return (other.client_id, "", other.line_items) if other else None

    def set_line_item(self, platform: str, course: str, assignment: str, found: str) -> None:
        """Remember the line item that was found or made for an assignment."""
        client_id, _, line_items = self.place(platform, course, assignment)
        with self._transaction() as session:
            session.merge(
                Link(
                    platform=platform,
                    course=course,
                    assignment=assignment,
                    client_id=client_id,
                    line_item=found,
                    line_items=line_items,
                )
            )

    def last(self, line_item: str) -> dict[str, tuple[float, float]]:
        """Return the (points, maximum) that a line item took last, by login name."""
        with self._transaction() as session:
            rows = session.execute(
                select(Sent.username, Sent.points, Sent.maximum)
                .where(Sent.line_item == line_item, Sent.problem == "")
                .order_by(Sent.id)
            )
            return {username: (points, maximum) for username, points, maximum in rows}

    def log(self, **columns) -> None:
        """Add a line to the log of what was sent."""
        with self._transaction() as session:
            session.add(Sent(at=int(time.time()), **columns))

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with self._lock, Session(self.engine) as session, session.begin():
            yield session


def _person(username: str, platform: str, subject: str) -> Person:
    return Person(username=username, platform=platform, subject=subject)
