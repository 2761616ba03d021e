"""What is recorded of each session, and what was published of each month.

`migrations/` makes these tables. Their names have the room's own word in front, so that they may
share a PostgreSQL database with other parts. Times are whole seconds since 1970.
"""

from typing import ClassVar

from sqlalchemy import JSON, BigInteger, Index, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """The base of all tables."""

    type_annotation_map: ClassVar = {int: Integer}


class SessionUse(Table):
    """One session: written when its person reaches it, completed when it is over."""

    __tablename__ = "transparency_sessions"
    __table_args__ = (Index("transparency_sessions_by_month", "month"),)

    tag: Mapped[str] = mapped_column(String(64), primary_key=True)  # the job's (ownership.py)
    person: Mapped[str] = mapped_column(String(32))  # a pseudonym (record.py)
    institution: Mapped[str] = mapped_column(String(40))  # "": none is known
    country: Mapped[str] = mapped_column(String(2))  # of the institution, ISO 3166-1
    course: Mapped[str] = mapped_column(String(40))
    site: Mapped[str] = mapped_column(String(40))
    job: Mapped[str] = mapped_column(String(20))  # Slurm's number; numbers repeat between sites
    gpus: Mapped[int]
    cores: Mapped[int]
    submitted: Mapped[int] = mapped_column(BigInteger)
    started: Mapped[int] = mapped_column(BigInteger)  # a job that Slurm moved: the first time
    ends: Mapped[int] = mapped_column(BigInteger)  # its time limit: it cannot be longer
    ended: Mapped[int | None] = mapped_column(BigInteger)  # null: it runs, or nobody saw the end
    source: Mapped[str] = mapped_column(String(5))  # whose times: hub or sacct
    month: Mapped[str | None] = mapped_column(String(7))  # 2027-03: counted in these figures


class PublishedMonth(Table):
    """The figures of one month: written once, never changed."""

    __tablename__ = "transparency_months"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    published: Mapped[int] = mapped_column(BigInteger)
    figures: Mapped[list] = mapped_column(JSON)
