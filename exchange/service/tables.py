"""The metadata: what was released and handed in, by whom, when; files are named by their SHA-256.

Releases, submissions and feedback are only ever added. `migrations/` makes these tables.
"""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from .names import Entry, digest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator):
    """A time in UTC, kept as microseconds since 1970: exact, and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect) -> int | None:
        """Return what is stored."""
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect) -> datetime | None:
        """Return the time that was stored."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Table(DeclarativeBase):
    """The base of all tables."""

    type_annotation_map: ClassVar = {datetime: Moment, int: Integer}


class Assignment(Table):
    """An assignment of a course: its current release and its policy."""

    __tablename__ = "assignments"
    __table_args__ = (UniqueConstraint("course", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80))
    release: Mapped[int | None] = mapped_column(Integer)  # a Release's id; null: not released
    due: Mapped[datetime | None]
    grace_seconds: Mapped[int] = mapped_column(default=0)
    late_policy: Mapped[str] = mapped_column(String(10), default="accept")
    attempts: Mapped[int | None]
    policy_updated: Mapped[datetime | None]
    policy_updated_by: Mapped[str | None] = mapped_column(String(255))


class Extension(Table):
    """What one student has instead of the assignment's due date and attempts."""

    __tablename__ = "extensions"

    assignment: Mapped[int] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    student: Mapped[str] = mapped_column(String(255), primary_key=True)
    due: Mapped[datetime | None]
    attempts: Mapped[int | None]


class FileSet:
    """Files by path, size and SHA-256; the files themselves are in the store."""

    sha256: Mapped[str] = mapped_column(String(64))
    files: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    timestamp: Mapped[datetime]

    @property
    def entries(self) -> list[Entry]:
        """The files in the order of their paths."""
        return [Entry(*item) for item in self.manifest]

    def fill(self, entries: list[Entry]) -> None:
        """Take these files, already in order."""
        self.manifest = [list(entry) for entry in entries]
        self.sha256, self.files = digest(entries), len(entries)
        self.bytes = sum(entry.size for entry in entries)


class Release(FileSet, Table):
    """What an assignment hands out, with its language variants."""

    __tablename__ = "releases"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment: Mapped[int] = mapped_column(ForeignKey("assignments.id"), index=True)
    author: Mapped[str] = mapped_column(String(255))
    manifest: Mapped[list] = mapped_column(JSON, nullable=False)


class Submission(FileSet, Table):
    """What a student handed in; the receipt, and its files."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("assignment", "student", "attempt"),
        UniqueConstraint("assignment", "student", "key"),
        Index("submissions_by_time", "assignment", "timestamp"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    assignment: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    student: Mapped[str] = mapped_column(String(255))
    attempt: Mapped[int]
    key: Mapped[str | None] = mapped_column(String(200))  # Idempotency-Key
    clock: Mapped[datetime]  # what the clock said, even when it was set back
    late_seconds: Mapped[int] = mapped_column(BigInteger)
    due: Mapped[datetime | None]
    # Lists of a thousand receipts need no files.
    manifest: Mapped[list] = mapped_column(JSON, nullable=False, deferred=True)


class Feedback(FileSet, Table):
    """What an instructor gave back for a submission; the one with the greatest id counts."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    author: Mapped[str] = mapped_column(String(255))
    manifest: Mapped[list] = mapped_column(JSON, nullable=False, deferred=True)
