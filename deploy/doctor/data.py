"""The databases: whether each can be reached and written to, with the words for what is wrong.

python -m deploy.doctor.data URL    as the account that uses it; says what is wrong, or nothing
"""

import os
import pwd
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from hub_config import course_account, databases
from hub_config.deployment import ROOT

from .findings import PATIENCE, Finding, Installation
from .machine import clock, exists

# What PostgreSQL or its client says -> what is wrong, and what mends it.
ADVICE = (
    (
        "does not exist",
        "sudo -u postgres createuser {role}; sudo -u postgres createdb {owner} {name}",
    ),
    ("password", "${{EDITOR:-nano}} ~/.pgpass    # {host}:*:{name}:{role}:…, chmod 600"),
    ("authentication failed", "sudo -u postgres psql -c 'TABLE pg_hba_file_rules'"),
    ("pg_hba.conf", "sudo -u postgres psql -c 'TABLE pg_hba_file_rules'"),
    ("permission denied", 'sudo -u postgres psql -c \'ALTER DATABASE "{name}" OWNER TO "{role}"\''),
)
REACH = "pg_isready {place}; systemctl status postgresql"


def check(installation: Installation) -> Iterator[Finding]:
    """Yield what is wrong with each database; one that several parts share is tried once."""
    tried: dict[tuple[str, str], str] = {}
    for key, url in databases.addresses(installation.deployment, installation.state).items():
        name, _, course = key.removesuffix(")").partition(" (")
        owner = installation.deployment.courses[course].account if course else ""
        if owner and not exists(owner):
            continue  # that is another finding
        if (url, owner) not in tried:
            tried[url, owner] = _as(owner, url)
            said = tried[url, owner]
            if said:
                where = f"{installation.at(name)}{f' ({course})' if course else ''}"
                yield Finding(
                    where,
                    f"La base de datos no se puede usar: {said}",
                    f"The database cannot be used: {said}",
                    mend(make_url(url), said, owner),
                )
    hub = installation.deployment.hub.database
    if hub.startswith(databases.DRIVER) and not tried.get((hub, "")):
        yield from clock(installation.at("hub.database"), time.time() - _now(hub))


def _as(owner: str, url: str) -> str:
    """Return what is wrong with the database for the account `owner` ("": this one)."""
    if not owner:
        return problem(url)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    environment |= databases.environment(os.environ, another_account=True)
    try:
        if course_account.is_another(owner):
            asked = course_account.request("database", [url], environment, "/")
            done = course_account.run(owner, asked, timeout=2 * PATIENCE)
        else:
            entry = pwd.getpwnam(owner)
            done = subprocess.run(
                [sys.executable, "-m", "deploy.doctor.data", url],
                env=environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=2 * PATIENCE,
                user=entry.pw_uid,
                group=entry.pw_gid,
                extra_groups=[],
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stdout or done.stderr).strip()[-300:] if done.returncode else ""


def problem(url: str) -> str:
    """Return what keeps this account from using the database, "" if nothing does."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_problem(Path(parsed.database or ""))
    engine = create_engine(parsed, connect_args={"connect_timeout": PATIENCE})
    try:
        with engine.connect() as connection:
            may = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
            if not connection.execute(text(may)).scalar():
                return "permission denied to make tables"
    except SQLAlchemyError as error:
        return " ".join(str(getattr(error, "orig", None) or error).split())[:300]
    finally:
        engine.dispose()
    return ""


def _sqlite_problem(file: Path) -> str:
    nearest = file if file.exists() else next(p for p in file.parents if p.exists())
    if not os.access(nearest, os.W_OK):
        return f"{nearest}: {os.strerror(13)}"
    if not file.exists():
        return ""  # it is made at the first start
    try:
        with closing(
            sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=PATIENCE)
        ) as database:
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    return "" if said == "ok" else f"{file}: {said}"


def _now(url: str) -> float:
    engine = create_engine(url, connect_args={"connect_timeout": PATIENCE})
    try:
        with engine.connect() as connection:
            return float(connection.execute(text("SELECT extract(epoch FROM now())")).scalar())
    finally:
        engine.dispose()


def mend(url: URL, said: str, owner: str = "") -> str:
    """Return the command that mends what the database server, or its client, said."""
    if url.get_backend_name() == "sqlite":
        if "malformed" in said or "not a database" in said:
            return "python -m deploy.backup restore …    # docs/operators/produccion.md"
        folder = shlex.quote(str(Path(url.database).parent))
        return f'ls -ld {folder} && sudo chown -R "$USER" {folder}'
    role = url.username or owner or os.environ.get("PGUSER") or "minga"
    host = url.host or url.query.get("host") or os.environ.get("PGHOST") or "localhost"
    words = {"role": role, "name": url.database, "host": host, "owner": f"-O {role}"}
    for sign, command in ADVICE:
        if sign in said:
            return command.format(**words)
    place = f"-h {host}" + (f" -p {url.port}" if url.port else "")
    return REACH.format(place=place)


def main() -> int:
    """Say what is wrong with the database of the command line; 1 if anything is."""
    said = problem(sys.argv[1])
    print(said, end="")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
