"""Institutions whose people come from elsewhere, and what those people are called.

What a deployment file has below `authentication` with `method: oidc` (docs/operators/ingreso.md),
what it has in common with `method: lti13` (lti_platforms.py), and the one function that makes a
login name from what the provider or platform says.

    python -m hub_config.institutions uchile:ana@uchile.cl …    print login names
"""

import base64
import hashlib
import ipaddress
import json
import re
import stat
import sys
import unicodedata
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from spawners.choices import Titles

ROOT = Path(__file__).resolve().parent.parent

InstitutionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,9}$")]
"""A short name, without a hyphen: the login names of its people begin with it."""

Member = Annotated[
    str, Field(pattern=r"^([a-z][a-z0-9._-]{0,31}|[a-z][a-z0-9]{1,9}:[^\s:]\S{0,254})$")
]
"""Somebody in a list: a login name or, with `method: oidc` or `lti13`, <institution>:<identity>."""

# What a person may choose, or what may become somebody else's later.
NOT_AN_IDENTITY = {"email", "name", "nickname", "preferred_username", "given_name", "family_name"}

CALLBACK = "/hub/oauth_callback"
LONGEST = 32  # characters, of a Unix account
DIGEST = 12  # characters of base32: 60 bits


class Part(BaseModel):
    """All parts of a deployment refuse keys that they do not know."""

    model_config = ConfigDict(extra="forbid")


class Claims(Part):
    """Which of the provider's claims say what."""

    identity: str = Field(
        "sub",
        min_length=1,
        description="who it is; must never change nor pass to another person, e.g. sub, or "
        "eduperson_principal_name where institutions do not give it away again",
    )
    institution: str = Field(
        "schac_home_organization",
        min_length=1,
        description="the institution, as the gateway vouches for it; nothing that people edit",
    )
    country: str = Field(
        "", description="two letters (ISO 3166); empty or not sent: the institution's country"
    )
    role: str = Field(
        "eduperson_scoped_affiliation",
        description="an eduPerson affiliation (student, faculty …), for reports; gives no rights",
    )

    @field_validator("identity")
    @classmethod
    def _stays(cls, claim: str) -> str:
        if claim in NOT_AN_IDENTITY:
            raise ValueError(
                "may be chosen by the person or pass to somebody else; allowed: sub, or another "
                "claim that stays one person's for good"
            )
        return claim


class Institution(Part):
    """Where people come from; the hub's group `institution-<name>` has its people."""

    title: Titles
    country: str = Field(pattern=r"^[A-Z]{2}$", description="two letters (ISO 3166), e.g. CL")
    share: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="weight of its people's sessions where several wait (Slurm's fairshare), at "
        "each site where courses have an account; without one 1, as soon as another institution "
        "has one (docs/operators/cuotas.md)",
    )


class ClaimedInstitution(Institution):
    """One whose people the provider tells."""

    values: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="values of the institution's claim that mean it"
    )


class Institutional(Part):
    """What all methods have in common by which people of `institutions` come."""

    contact: str = Field(
        min_length=1, description="whom a person who is not let in may ask: a name, an e-mail"
    )
    admins: list[Member] = Field(default_factory=list, description="who may administer the hub")

    def institution_of(self, name: str) -> str:
        """Return the institution of a Member or login name, "" if it is of none here."""
        institution = re.split("[:-]", name)[0]
        return institution if institution in self.institutions else ""

    def login_name(self, member: str) -> str:
        """Return the login name of a Member: itself, or that of <institution>:<identity>."""
        institution, colon, identity = member.partition(":")
        return self.login_name_of(institution, identity) if colon else member

    def login_name_of(self, institution: str, identity: str) -> str:
        """Return the login name of the person whom the institution's side calls `identity`."""
        raise NotImplementedError


class Oidc(Institutional):
    """People of institutions, through an OpenID provider: a federation's gateway."""

    method: Literal["oidc"]
    issuer: str = Field(description="the provider's address; its endpoints are found from it")
    client_id: str = Field(min_length=1, description="as the provider registered this hub")
    client_secret_file: Path = Field(
        description="a file with the client's secret alone, relative to the checkout; other "
        "accounts must not be able to read it"
    )
    callback_url: str = Field(
        "",
        description="this hub's address that the provider sends people back to, e.g. "
        "https://minga.example/hub/oauth_callback; empty: at hub.address, on loopback only",
    )
    scopes: list[Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")]] = Field(
        default=["openid"], description="what is asked for; as a rule one more brings the claims"
    )
    claims: Claims = Field(default_factory=Claims)
    institutions: dict[InstitutionName, ClaimedInstitution] = Field(min_length=1)

    @field_validator("issuer", "callback_url")
    @classmethod
    def _cannot_be_overheard(cls, url: str, info) -> str:
        if info.field_name == "callback_url" and not url.endswith(CALLBACK):
            if url:
                raise ValueError(f"allowed: https://<the hub's name>{CALLBACK}")
            return url
        if not is_private(url) or "?" in url or "#" in url:
            raise ValueError("allowed: an address https://…, or http://… on loopback")
        return url

    @field_validator("client_secret_file")
    @classmethod
    def _is_secret(cls, file: Path) -> Path:
        path = ROOT / file
        if not path.is_file():
            raise ValueError("there is no such file; allowed: a file with the client's secret")
        if stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
            raise ValueError(f"every account can read it; chmod 600 {path}")
        if not path.read_text(encoding="utf-8", errors="replace").strip():
            raise ValueError("is empty; allowed: a file with the client's secret")
        return path

    @field_validator("scopes")
    @classmethod
    def _is_openid(cls, scopes: list[str]) -> list[str]:
        if "openid" not in scopes:
            raise ValueError("allowed: a list with openid in it")
        return scopes

    @field_validator("institutions")
    @classmethod
    def _one_value_means_one(cls, institutions: dict) -> dict:
        seen = {}
        for name, institution in institutions.items():
            for value in institution.values:
                if seen.setdefault(value, name) != name:
                    raise ValueError(f"the value «{value}» means both {seen[value]} and {name}")
        return institutions

    def secret(self) -> str:
        """Return the client's secret."""
        return self.client_secret_file.read_text(encoding="utf-8").strip()

    def login_name_of(self, institution: str, identity: str) -> str:
        """Return the login name of the person whom the provider calls `identity`."""
        # `sub` names a person at one provider only.
        return login_name(
            institution, identity, self.issuer if self.claims.identity == "sub" else ""
        )


def login_name(institution: str, identity: str, issuer: str = "") -> str:
    """Return a name for a person, safe as a Unix account, in a path, a URL and a shell.

    At most 32 characters, `[a-z][a-z0-9-]*`, always the same for the same person:
    <institution>-<what can be read of the identity>-<digest>. The digest is of the whole identity
    and its institution, so two people never share a name, however alike they are called, and no
    name is that of a system's account.
    """
    whole = json.dumps([institution, issuer, identity])  # ASCII, and unambiguous
    digest = base64.b32encode(hashlib.sha256(whole.encode()).digest())[:DIGEST].decode().lower()
    local = identity.split("@")[0].rstrip("/").rsplit("/")[-1]
    plain = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode().lower()
    room = LONGEST - len(institution) - DIGEST - 2
    readable = re.sub("[^a-z0-9]+", "-", plain).strip("-")[:room].rstrip("-")
    return "-".join(filter(None, [institution, readable, digest]))


def is_private(url: str) -> bool:
    """Whether what is sent to `url` can be overheard by nobody: TLS, or this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username or not host or re.search(r"[\s\x00-\x1f]", url):
        return False
    if parts.scheme == "https":
        return True
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
    return parts.scheme == "http" and loopback


def main() -> None:
    """Print the login name of each <institution>:<identity>, e.g. to make Unix accounts."""
    from .deployment import DeploymentError, load

    try:
        settings = load().authentication
    except DeploymentError as error:
        sys.exit(str(error))
    if settings.method not in ("oidc", "lti13") or not sys.argv[1:]:
        sys.exit("usage, with authentication.method: oidc or lti13: … <institution>:<identity> …")
    for member in sys.argv[1:]:
        if not settings.institution_of(member):
            sys.exit(f"«{member}»: the institutions are {', '.join(settings.institutions)}")
        print(member, settings.login_name(member))


if __name__ == "__main__":
    main()
