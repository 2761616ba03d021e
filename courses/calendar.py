"""When a course begins and its seminars are: two optional keys of course.yaml.

starts: 2027-03-08
seminars:
  - title: {es: Cómo se entrena un modelo en muchas GPU, en: Training a model on many GPUs}
    starts: 2027-03-19T15:00-03:00     # with the offset from UTC
    minutes: 60
    place: {es: Sala 2 y en línea, en: Room 2 and online}
    link: https://…
"""

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, field_validator

Words = dict[str, Annotated[str, Field(min_length=1)]]
"""A text by language; Spanish must be there."""


class Seminar(BaseModel):
    """One meeting, open to whoever the course says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Words
    starts: AwareDatetime = Field(description="day, time and offset from UTC")
    minutes: int = Field(60, ge=5, le=24 * 60)
    place: Words | None = None
    link: HttpUrl | None = None

    @field_validator("title", "place")
    @classmethod
    def _in_spanish(cls, words: dict[str, str] | None) -> dict[str, str] | None:
        if words is not None and "es" not in words:
            raise ValueError("'es' is missing: Spanish is what other languages fall back to")
        return words


class Dated(BaseModel):
    """A course's dates, for the calendar and the feed (book/feeds.py)."""

    starts: date | None = Field(None, description="first day of the course")
    seminars: list[Seminar] = []
