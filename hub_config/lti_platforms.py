"""Learning platforms (Moodle, Canvas …) whose people come with LTI 1.3, and their courses here.

What a deployment file has below `authentication` with `method: lti13` (docs/operators/lti.md).
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator

from spawners.choices import Name

from .databases import DatabaseUrl
from .institutions import Institution, Institutional, InstitutionName, is_private, login_name

LOGIN, LAUNCH, KEYS = "/hub/lti13/oauth_login", "/hub/lti13/oauth_callback", "/hub/lti13/jwks"
GRADES = "/hub/api/minga-grades/"

Text = Annotated[str, Field(min_length=1)]


class Platform(Institution):
    """One learning platform, as it registered this hub; its people count to an institution."""

    # Moodle's numbers, which YAML reads as such.
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    issuer: str = Field(description="what the platform calls itself, e.g. https://moodle.example")
    client_ids: list[Text] = Field(
        min_length=1, description="as the platform registered this hub; as a rule one"
    )
    deployment_ids: list[Text] = Field(
        min_length=1, description="where on the platform the hub may be used, e.g. ['1']"
    )
    authorize_url: str = Field(description="where logins are asked for")
    jwks_url: str = Field(description="where the platform's public keys are")
    token_url: str = Field(description="where the hub gets leave to send grades and read rosters")
    courses: dict[Text, Name] = Field(
        description="the platform's number of a course (LTI: context id) -> the course here"
    )

    @field_validator("issuer", "authorize_url", "jwks_url", "token_url")
    @classmethod
    def _cannot_be_overheard(cls, url: str) -> str:
        if not is_private(url):
            raise ValueError("allowed: an address https://…, or http://… on loopback")
        return url

    @field_validator("courses")
    @classmethod
    def _one_roster_a_course(cls, courses: dict) -> dict:
        for course in courses.values():
            if list(courses.values()).count(course) > 1:
                raise ValueError(f"«{course}» is there twice; allowed: each course once")
        return courses


class Lti13(Institutional):
    """People of learning platforms, who come by a link in a course there and no other way."""

    method: Literal["lti13"]
    platforms: dict[InstitutionName, Platform] = Field(min_length=1)
    database: DatabaseUrl = Field(
        "",
        description="SQLAlchemy URL of what was sent to platforms, e.g. "
        "postgresql+psycopg://minga@/minga; empty: SQLite in the state folder",
    )

    @field_validator("platforms")
    @classmethod
    def _are_told_apart(cls, platforms: dict) -> dict:
        seen = {}
        for name, platform in platforms.items():
            for client_id in platform.client_ids:
                other = seen.setdefault((platform.issuer, client_id), name)
                if other != name:
                    raise ValueError(f"{other} and {name} have the same issuer and client id")
        return platforms

    @property
    def institutions(self) -> dict[str, Platform]:
        """The institutions that people count to: one for each platform."""
        return self.platforms

    def login_name_of(self, institution: str, identity: str) -> str:
        """Return the login name of the person whom a platform calls `identity` (LTI: `sub`)."""
        return login_name(institution, identity, self.platforms[institution].issuer)

    def clients(self, issuer: str, client_ids: list | None = None) -> list[tuple[str, str]]:
        """Return (platform, client id) of whoever has this issuer and one of the client ids.

        Without client ids: all that the issuer has here.
        """
        return [
            (name, client_id)
            for name, platform in self.platforms.items()
            for client_id in platform.client_ids
            if platform.issuer == issuer and (client_ids is None or client_id in client_ids)
        ]
