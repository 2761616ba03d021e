"""What is sent and answered as JSON; FastAPI describes the API with these."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

Time = Annotated[
    datetime,
    PlainSerializer(
        lambda when: when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), when_used="json"
    ),
]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 in hexadecimal")]
STUDENT = r"^[^\x00-\x1f\x7f]{1,255}$"


def _reasonable(when: datetime) -> datetime:
    if not 2000 <= when.year <= 9000:
        raise ValueError("a year from 2000 to 9000")
    return when.astimezone(UTC)


def _text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("a time as text, ISO 8601 with a time zone")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("a whole number")
    return value


# pydantic would take seconds since 1970 for a time, and true for 1.
Due = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_reasonable)]
Attempts = Annotated[int, BeforeValidator(_number), Field(ge=0, le=1_000_000)]
Seconds = Annotated[int, BeforeValidator(_number), Field(ge=0, le=31_536_000)]


class File(BaseModel):
    """One file of a set."""

    path: str
    size: int = Field(description="bytes")
    sha256: Digest


class Release(BaseModel):
    """What an assignment hands out, as somebody who reads `language` gets it."""

    release: int = Field(description="the number of this release")
    course: str
    assignment: str
    language: str
    languages: list[str] = Field(description="the source language first")
    released: Time
    sha256: Digest
    files: list[File]


class Receipt(BaseModel):
    """What a student gets for a submission that is safe on the disk."""

    id: str
    course: str
    assignment: str
    student: str
    timestamp: Time = Field(description="when it arrived; later than all acknowledged before")
    clock: Time = Field(description="what the server's clock said, even when it was set back")
    sha256: Digest
    files: int
    bytes: int
    attempt: int = Field(ge=1)
    late_seconds: int = Field(ge=0)
    due: Time | None = Field(description="the student's own due date at that moment")


class Listed(Receipt):
    """A receipt in a list."""

    has_feedback: bool
    feedback_sha256: Digest | None
    feedback_released: Time | None


class Submission(Listed):
    """A receipt with the files."""

    manifest: list[File]


class Feedback(BaseModel):
    """What an instructor gave back."""

    submission: str
    released: Time
    sha256: Digest
    files: list[File]


class ExtensionOut(BaseModel):
    """What a student has instead of the general due date and attempts; null: the general one."""

    due: Time | None
    attempts: int | None


class Listing(BaseModel):
    """A released assignment, as the one who asks has it."""

    course: str
    assignment: str
    release: int
    released: Time
    languages: list[str]
    notebooks: list[str] = Field(description="names without .ipynb")
    due: Time | None
    grace_seconds: int
    late_policy: Literal["accept", "reject"]
    closed: bool = Field(description="nothing is taken any more")
    attempts: int | None
    attempts_used: int
    attempts_left: int | None
    extension: ExtensionOut | None = Field(description="the asking student's own")


class Policy(BaseModel):
    """When an assignment is due, and what follows from it."""

    course: str
    assignment: str
    due: Time | None
    grace_seconds: int
    late_policy: Literal["accept", "reject"]
    attempts: int | None
    extensions: dict[str, ExtensionOut] = Field(description="a student sees only their own")
    updated: Time | None
    updated_by: str | None


class ExtensionIn(BaseModel):
    """What a student gets instead of the general due date and attempts."""

    model_config = ConfigDict(extra="forbid")

    due: Due | None = None
    attempts: Attempts | None = None


class PolicyIn(BaseModel):
    """The whole policy of an assignment; what is left out has its default."""

    model_config = ConfigDict(extra="forbid")

    due: Due | None = None
    grace_seconds: Seconds = 0
    late_policy: Literal["accept", "reject"] = "accept"
    attempts: Attempts | None = None
    extensions: dict[Annotated[str, Field(pattern=STUDENT)], ExtensionIn] = Field(
        default_factory=dict,
        max_length=10_000,
        json_schema_extra={"additionalProperties": False},
    )


class Health(BaseModel):
    """That the service and its database work."""

    status: Literal["ok"]


class Problem(BaseModel):
    """An error (RFC 9457)."""

    title: str
    detail: str
    status: int
    code: str
