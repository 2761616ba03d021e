"""What a course has on a site's Slurm: account, QOS, and windows of time with a reservation.

A window is a lesson that comes back every week, or single dates (an examination), in the wall
clock of the place where it is taught: over a change to summer time ten o'clock stays ten o'clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # date.weekday() is the place in it
YEAR = timedelta(days=366)
# A session shorter than this is not worth a reserved machine: it would end while it is set up.
SHORTEST_MINUTES = 15

SlurmName = Annotated[str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?$")]
"""A name in Slurm, or nothing: no spaces, commas, quotes or line ends, no leading hyphen."""


def _wall_clock(value):
    """Refuse a time without quotes: YAML reads 11:00 as the number 660."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        raise ValueError(f'write the time with quotes: "{value // 60:02}:{value % 60:02}"')
    return value


WallClock = Annotated[time, BeforeValidator(_wall_clock)]


@dataclass(frozen=True)
class Lesson:
    """One time that a window is open."""

    start: datetime  # UTC
    end: datetime  # UTC
    window: "Window"


class Window(BaseModel):
    """When a course has machines of its own on a site, and which."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reservation: SlurmName = Field(
        "", description="Slurm reservation that the course's sessions use while the window is open"
    )
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        (), description="days of the week of a lesson that comes back, e.g. [mon, wed]"
    )
    dates: tuple[date, ...] = Field(
        (), description="single days in place of `days`, e.g. [2026-12-01]"
    )
    first: date | None = Field(None, description="first day on which `days` count, e.g. 2026-03-09")
    last: date | None = Field(None, description="last day on which `days` count")
    opens: WallClock = Field(alias="from", description='wall clock in `time_zone`, e.g. "09:00"')
    closes: WallClock = Field(alias="to", description="wall clock of the same day, after `from`")
    time_zone: str = Field(description="where the lesson is, e.g. America/Santiago")
    gpus: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="GPUs that the course may use on this site at the same time meanwhile; Slurm "
        "keeps it, by the reservation's nodes and exactly by `qos` (docs/operators/cursos.md)",
    )
    nodes: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="whole nodes that the reservation gets; by default as many as have `gpus`",
    )
    feature: SlurmName = Field(
        "", description="feature of the nodes to reserve, where a partition has unequal nodes"
    )
    qos: SlurmName = Field("", description="QOS while the window is open, in place of the course's")

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as error:  # OSError: a folder's name, "America"
            raise ValueError(
                "there is no such time zone; write its tz database name, e.g. America/Bogota"
            ) from error
        return value

    @field_validator("dates")
    @classmethod
    def _are_different(cls, value):
        if len(set(value)) < len(value):
            raise ValueError("a date is there twice")
        return value

    @field_validator("opens", "closes")
    @classmethod
    def _has_no_offset(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("is a wall clock; the zone is in `time_zone`")
        return value

    @field_validator("closes")
    @classmethod
    def _is_later(cls, value: time, info) -> time:
        opens = info.data.get("opens")
        if opens and value <= opens:
            raise ValueError(f"must be later than `from` ({opens:%H:%M}), on the same day")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.days) == bool(self.dates):
            raise ValueError("needs either `days` (every week) or `dates`")
        if self.dates and (self.first or self.last):
            raise ValueError("`first` and `last` belong to `days`; leave them out with `dates`")
        if self.first and self.last and self.last < self.first:
            raise ValueError("`last` is before `first`")
        if not self.reservation and not self.qos:
            raise ValueError("needs `reservation` or `qos`: nothing would change otherwise")
        if (self.nodes or self.feature) and not self.reservation:
            raise ValueError("`nodes` and `feature` belong to a `reservation`")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the wall clock."""
        return ZoneInfo(self.time_zone)

    def on(self, day: date) -> Lesson | None:
        """Return the lesson of `day` (a date in the window's own zone), None if there is none."""
        if self.dates:
            if day not in self.dates:
                return None
        elif DAYS[day.weekday()] not in self.days:
            return None
        elif (self.first and day < self.first) or (self.last and day > self.last):
            return None
        # An hour that is there twice belongs to the lesson both times.
        start = datetime.combine(day, self.opens, self.zone).astimezone(UTC)
        end = datetime.combine(day, self.closes.replace(fold=1), self.zone).astimezone(UTC)
        return Lesson(start, end, self) if start < end else None  # one inside a skipped hour

    def lessons(self, since: datetime, until: datetime) -> Iterator[Lesson]:
        """Yield the lessons that end after `since` and begin before `until`, in order."""
        day, final = since.astimezone(self.zone).date(), until.astimezone(self.zone).date()
        if self.dates:
            days = sorted(each for each in self.dates if day <= each <= final)
        else:
            days = (day + timedelta(days=number) for number in range((final - day).days + 1))
        for each in days:
            lesson = self.on(each)
            if lesson and lesson.end > since and lesson.start < until:
                yield lesson


@dataclass(frozen=True)
class Terms:
    """What a session is handed to Slurm with, beside its choice; "" leaves an option out."""

    account: str = ""
    qos: str = ""
    reservation: str = ""
    minutes: int = 0  # the time limit, where the lesson's end makes it shorter; 0: as chosen
    lesson: Lesson | None = None  # the one that the reservation is for


class CourseOnSite(BaseModel):
    """What a course has on one site's Slurm; students get it without knowing the words."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    account: SlurmName = Field("", description="Slurm account of the course's sessions")
    qos: SlurmName = Field("", description="Slurm QOS of the course's sessions")
    gpu_hours: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="hours of one GPU that the course may use on this site altogether; Slurm "
        "keeps it (docs/operators/cuotas.md)",
    )
    gpu_hours_each: int | None = Field(
        None, ge=1, le=10_000_000, description="the same for each of its students"
    )
    windows: tuple[Window, ...] = Field((), description="times with a reservation, a QOS, a quota")

    @model_validator(mode="after")
    def _hours_have_an_account(self) -> Self:
        if (self.gpu_hours or self.gpu_hours_each) and not self.account:
            raise ValueError(
                "gpu_hours and gpu_hours_each need `account`: Slurm counts hours by account; write "
                "one that only this course has, e.g. account: ia"
            )
        return self

    def lesson(self, now: datetime) -> Lesson | None:
        """Return the lesson that takes place at `now`."""
        for window in self.windows:
            for lesson in window.lessons(now, now + timedelta(microseconds=1)):
                return lesson
        return None

    def terms(self, now: datetime, hours: int) -> Terms:
        """Return how a session of `hours` that is asked for at `now` is handed in.

        Slurm ends a job with its reservation, whatever time limit it has. So that the limit is
        the truth, it ends there too; and in a lesson's last minutes a session goes without.
        """
        lesson = self.lesson(now)
        if lesson is None:
            return Terms(self.account, self.qos)
        qos = lesson.window.qos or self.qos
        if not lesson.window.reservation:
            return Terms(self.account, qos)
        left = int((lesson.end - now).total_seconds() // 60)
        if left < SHORTEST_MINUTES:
            return Terms(self.account, self.qos)
        return Terms(
            self.account,
            qos,
            lesson.window.reservation,
            left if left < hours * 60 else 0,
            lesson,
        )


def overlap(windows: tuple[Window, ...], since: datetime) -> tuple[int, int, Lesson] | None:
    """Return two windows (their places) that are open at once within a year, and the later lesson.

    None if there are none: at any moment at most one window of a course counts.
    """
    latest = [max(window.dates, default=since.date()) for window in windows]
    first = [window.first or since.date() for window in windows]
    until = datetime.combine(max(latest + first, default=since.date()), time(), UTC) + YEAR
    earliest = min((day for window in windows for day in window.dates), default=since.date())
    begin = min(since, datetime.combine(earliest, time(), UTC) - timedelta(days=1))
    taken = sorted(
        (
            (lesson.start, place, lesson)
            for place, window in enumerate(windows)
            for lesson in window.lessons(begin, until)
        ),
        key=lambda entry: entry[:2],
    )
    for (_, one, before), (_, other, after) in pairwise(taken):
        if after.start < before.end:
            return one, other, after
    return None
