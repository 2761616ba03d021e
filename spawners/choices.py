"""What a student may choose before a session starts, and the check of what was chosen.

Whatever comes from a form or from the REST API's `user_options` is turned into a `Choice`
here, or refused with a sentence; nothing else of it is used anywhere.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from .messages import Message, SessionError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A short name that is safe in a path, a URL, a group name and a Slurm option."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
"""The code of a language (ISO 639)."""

Titles = dict[Language, str]
"""A title in each language; Spanish must be there, and stands for those that are not."""


class Course(BaseModel):
    """A course that this person belongs to."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    title: Titles


class Profile(BaseModel):
    """A size of machine: what one session gets, and for how long at most."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    title: Titles
    gpus: int = Field(0, ge=0, le=16, description="GPUs")
    cores: int = Field(1, ge=1, le=256, description="CPU cores")
    memory_gb: int = Field(2, ge=1, le=4096, description="memory in GiB")
    hours_max: int = Field(4, ge=1, le=168, description="longest session in hours")
    sites: list[Name] = Field(description="the sites that have such machines")
    too_large_for: list[Name] = Field([], description="sites whose cluster has no such machine")
    hours_at: dict[Name, int] = Field({}, description="sites that allow fewer hours: how many")


class SiteTitle(BaseModel):
    """A site as the start page shows it."""

    name: Name
    title: Titles


class Choice(BaseModel):
    """What a session is started with: values from the offer, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    course: str
    site: str
    profile: str
    hours: int
    language: str


class Offer(BaseModel):
    """All that one person may choose from."""

    courses: list[Course]
    sites: list[SiteTitle]
    profiles: list[Profile]
    languages: list[str]

    def profile(self, name: str) -> Profile:
        """Return the profile called `name` (KeyError if there is none)."""
        return {profile.name: profile for profile in self.profiles}[name]

    def default(self) -> Choice:
        """Return the first of everything: what a start without any wish gets.

        Raises SessionError if this person is in no course.
        """
        if not self.courses:
            raise _refused(
                Message(
                    "Todavía no estás en ningún curso. Pide a tu instructor o instructora que "
                    "te inscriba."
                )
            )
        profile = next((profile for profile in self.profiles if profile.sites), None)
        if profile is None:
            raise _refused(
                Message("Ninguna sede tiene equipos para lo que se ofrece. Avisa a tu instructor.")
            )
        return Choice(
            course=self.courses[0].name,
            site=profile.sites[0],
            profile=profile.name,
            hours=1,
            language=self.languages[0],
        )

    def choose(self, wishes: dict[str, Any]) -> Choice:
        """Return the Choice that `wishes` describe; what is not wished for is the default.

        Values are JSON values or, from a form, lists with one string. Raises SessionError,
        with a sentence that names the field and what is allowed, for anything not on offer.
        """
        default = self.default()
        if not isinstance(wishes, dict):
            raise _refused(Message("La elección debe ser un objeto con campos y valores."))
        unknown = sorted(set(wishes) - set(Choice.model_fields))
        if unknown:
            raise _refused(
                Message(
                    "No se puede elegir «{field}». Se puede elegir: {allowed}.",
                    {"field": _shown(unknown[0]), "allowed": ", ".join(Choice.model_fields)},
                )
            )
        wishes = {key: _single(key, value) for key, value in wishes.items()}
        profile = self.profile(
            _one_of("profile", wishes, default.profile, [p.name for p in self.profiles])
        )
        site = _site(profile, wishes)
        return Choice(
            course=_one_of("course", wishes, default.course, [c.name for c in self.courses]),
            profile=profile.name,
            site=site,
            hours=_hours(
                wishes.get("hours", default.hours), profile.hours_at.get(site, profile.hours_max)
            ),
            language=_one_of("language", wishes, default.language, self.languages),
        )


def _single(field: str, value: Any) -> Any:
    """Return the one value of a form field; JSON values are returned as they are."""
    if not isinstance(value, list):
        return value
    if len(value) != 1:
        raise _refused(
            Message("Elige exactamente un valor para «{field}».", {"field": _shown(field)})
        )
    return value[0]


def _one_of(field: str, wishes: dict, default: str, allowed: Iterable[str]) -> str:
    value = wishes.get(field, default)
    for name in allowed:
        if isinstance(value, str) and value == name:
            return name
    raise _refused(
        Message(
            "«{value}» no está disponible para «{field}». Puedes elegir: {allowed}.",
            {"value": _shown(value), "field": field, "allowed": ", ".join(allowed)},
        )
    )


def _site(profile: Profile, wishes: dict) -> str:
    """Return the wished site, or the profile's first; refuse one that has no such machine."""
    wished = wishes.get("site", next(iter(profile.sites), None))
    if not profile.sites or (isinstance(wished, str) and wished in profile.too_large_for):
        raise _refused(
            Message(
                "Ningún equipo de «{site}» alcanza para «{profile}». Puedes elegir: {allowed}.",
                {
                    "site": _shown(wished or ", ".join(profile.too_large_for)),
                    "profile": profile.name,
                    "allowed": ", ".join(profile.sites) or Message("otros recursos"),
                },
            )
        )
    return _one_of("site", wishes, profile.sites[0], profile.sites)


def _hours(value: Any, most: int) -> int:
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 5
    whole = isinstance(value, int) and not isinstance(value, bool)
    if (digits or whole) and 1 <= int(value) <= most:
        return int(value)
    raise _refused(
        Message(
            "Las horas deben ser un número entero entre 1 y {most}; recibimos «{value}».",
            {"most": most, "value": _shown(value)},
        )
    )


def _shown(value: Any) -> str:
    """Return at most 40 printable characters of a refused value."""
    text = "".join(char if char.isprintable() else "·" for char in str(value))
    return text if len(text) <= 40 else text[:39] + "…"


def _refused(message: Message) -> SessionError:
    return SessionError(message, reason="options", status_code=400)
