"""Where each part keeps its data: an address in the deployment file, and never a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

if TYPE_CHECKING:
    from .deployment import Deployment
    from .state import State

DRIVER = "postgresql+psycopg"
EXAMPLE = f"{DRIVER}://minga@/minga, or empty for SQLite"
# What of PostgreSQL's own variables says who one is; the others only say where it is.
# https://www.postgresql.org/docs/current/libpq-envars.html
IDENTITY = frozenset(
    "PGUSER PGPASSWORD PGPASSFILE PGDATABASE PGSERVICE PGSERVICEFILE PGSSLCERT PGSSLKEY".split()
)


class PasswordInFile(ValueError):
    """A password where everybody who may read the deployment reads it; it is not repeated."""


def _database_url(url: str) -> str:
    if not url:
        return url
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ValueError(f"is no address of a database; allowed: {EXAMPLE}") from error
    if parsed.password is not None or "password" in parsed.query:
        raise PasswordInFile(
            "holds a password, which is not for this file; allowed: the address without it, and "
            "the password in ~/.pgpass of the hub's account (docs/operators/produccion.md)"
        )
    if parsed.drivername == "postgresql":
        return DRIVER + url.removeprefix("postgresql")
    if parsed.drivername not in (DRIVER, "sqlite"):
        raise ValueError(f"Minga knows PostgreSQL and SQLite; allowed: {EXAMPLE}")
    return url


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
"""A SQLAlchemy address; `postgresql://` means the driver that is installed, psycopg."""


def environment(variables: Mapping[str, str], another_account: bool = False) -> dict[str, str]:
    """Return PostgreSQL's own variables for a process of ours.

    A process of `another_account` (a course's formgrader) learns where the server is, and not
    the hub's own name and password there.
    """
    return {
        name: value
        for name, value in variables.items()
        if name.startswith("PG") and not (another_account and name in IDENTITY)
    }


def addresses(deployment: Deployment, state: State) -> dict[str, str]:
    """Return the address of each database of an installation by its key in the file.

    Empty in the file means SQLite in the state folder; that address is returned then.
    """
    found = {
        "hub.database": deployment.hub.database or f"sqlite:///{state.hub / 'jupyterhub.sqlite'}",
        "exchange.database": deployment.exchange.database
        or f"sqlite:///{state.exchange / 'exchange.sqlite'}",
    }
    if deployment.transparency.enabled:
        found["transparency.database"] = (
            deployment.transparency.database or f"sqlite:///{state.transparency / 'use.sqlite'}"
        )
    if deployment.authentication.method == "lti13":
        found["authentication.database"] = (
            deployment.authentication.database or f"sqlite:///{state.hub / 'lti.sqlite'}"
        )
    for course in deployment.courses:
        found[f"gradebooks.database ({course})"] = (
            deployment.gradebooks.of(course)
            or f"sqlite:///{state.courses / course / 'gradebook.db'}"
        )
    return found
