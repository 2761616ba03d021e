"""A real PostgreSQL for tests, on a socket in its own folder, if its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg import sql


def found() -> str:
    """Return where PostgreSQL's `initdb` is, "" if it is not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return str(programs[-1]) if programs else shutil.which("initdb") or ""


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL of its own on a socket in its folder: (start, stop, url)."""
    initdb = found()
    if not initdb:
        pytest.skip("PostgreSQL is not installed")
    # Not below pytest's own folder: the next pytest that starts closes that to other accounts.
    folder = Path(tempfile.mkdtemp(prefix="minga-pg-"))
    prefix = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        account = next((a for a in ("postgres", "nobody") if _known(a)), None)
        prefix = [shutil.which("runuser"), "-u", account, "--"]
        shutil.chown(folder, account)
        folder.chmod(0o755)
    data = folder / "d"
    subprocess.run(
        [*prefix, initdb, "-D", data, "-U", "minga", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    control = str(Path(initdb).with_name("pg_ctl"))
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"

    def run(*words):
        command = [*prefix, control, "-D", str(data), "-w", "-l", str(folder / "log"), *words]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    run("-o", options, "start")
    yield run, options, f"postgresql://minga@/postgres?host={folder}"
    subprocess.run([*prefix, control, "-D", str(data), "-m", "immediate", "stop"], cwd="/")
    shutil.rmtree(folder)


def _known(account: str) -> bool:
    try:
        return bool(pwd.getpwnam(account))
    except KeyError:
        return False


def new_database(url: str, name: str) -> str:
    """Make an empty database on the server of the fixture's `url`; return its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return url.replace("/postgres?", f"/{name}?")


def rows(url: str, question: str) -> list[tuple]:
    """Return what a database answers."""
    with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1)) as connection:
        return connection.execute(question).fetchall()
