"""The drill: back up while people work, lose the machine, restore onto an empty one."""

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
import requests
import yaml
from sqlalchemy import create_engine, text

from deploy.backup import BackupError, create, restore, restore_secrets, verify
from exchange.service.database import Database
from hub_config.deployment import DEFAULT, load
from hub_config.state import State
from tests.conftest import ROOT, Minga, Person, free_port, two_courses
from tests.postgresql import new_database, postgres, rows  # noqa: F401 (postgres is a fixture)

COURSE, ASSIGNMENT = "ai-foundations", "descenso-de-gradiente"
SUBMISSIONS = f"/services/exchange/v1/courses/{COURSE}/assignments/{ASSIGNMENT}/submissions"


def hand_in(person: Person, text: str) -> dict:
    """Hand in as a session does; return the receipt."""
    answer = requests.post(
        person.minga.url + SUBMISSIONS,
        headers={"Authorization": f"token {person.token}", "Idempotency-Key": secrets.token_hex(8)},
        files=[("files", (f"{ASSIGNMENT}.ipynb", text.encode()))],
        timeout=60,
    )
    assert answer.ok, answer.text
    return answer.json()


def run(state: Path, deployment: Path, *words: str) -> subprocess.CompletedProcess:
    """Run the command as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.backup", *words],
        cwd=ROOT,
        env={**os.environ, "MINGA_STATE": str(state), "MINGA_DEPLOYMENT": str(deployment)},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_drill(tmp_path, monkeypatch):
    deployment = two_courses()
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(deployment))
    first = Minga(tmp_path / "first", free_port()).start()
    try:
        student, teacher = first.login("estudiante1"), first.login("profesora")
        receipts = [hand_in(student, "{}")]
        over = threading.Event()

        def work():
            while not over.is_set():
                receipts.append(hand_in(student, json.dumps({"n": len(receipts)})))

        working = threading.Thread(target=work)
        working.start()
        made = run(first.state, deployment, "create", str(tmp_path / "backups"))
        known = len(receipts)
        over.set()
        working.join()
        assert made.returncode == 0, made.stderr
    finally:
        first.interrupt()
    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.stat().st_mode & 0o077 == 0
    shutil.rmtree(first.state)  # the machine is gone

    done = run(tmp_path / "second", deployment, "restore", str(backup))
    assert done.returncode == 0, done.stderr
    second = Minga(tmp_path / "second", free_port()).start()
    try:
        assert second.passwords() == first.passwords()
        student.minga = teacher.minga = second
        student.hub = teacher.hub = f"{second.url}/hub"
        # The keys that people and sessions hold are still theirs.
        assert student.api("GET", "/user").json()["name"] == "estudiante1"
        listed = requests.get(
            second.url + SUBMISSIONS,
            headers={"Authorization": f"token {teacher.token}"},
            timeout=60,
        ).json()
        there = {each["sha256"] for each in listed}
        # Whoever had a receipt before the backup began has the work; the last ones may have too.
        assert receipts[0]["sha256"] in there and 1 <= len(listed) <= known + 1
        checked = subprocess.run(
            [sys.executable, "-m", "exchange.service.check", "--json"],
            cwd=ROOT,
            env={
                **os.environ,
                "MINGA_EXCHANGE_FOLDER": str(second.state / "exchange"),
                "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1",
                "JUPYTERHUB_API_URL": "http://127.0.0.1:1",
                "JUPYTERHUB_API_TOKEN": "none",
            },
            capture_output=True,
            text=True,
        )
        assert json.loads(checked.stdout)["wrong"] == [], checked.stdout
        names = sqlite3.connect(second.state / "courses" / COURSE / "gradebook.db").execute(
            "SELECT id FROM student ORDER BY id"
        )
        assert [name for (name,) in names] == ["estudiante1", "estudiante2"]
        assert hand_in(student, '{"after": 1}')["attempt"] == len(listed) + 1
    finally:
        second.interrupt()


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """A state with something in each of its parts, on databases that a test chooses."""

    def make(**changes):
        data = yaml.safe_load(DEFAULT.read_text()) | changes
        data["courses"] = {"supercomputing": data["courses"]["supercomputing"]}
        file = tmp_path / "installation.yaml"
        file.write_text(yaml.safe_dump(data, allow_unicode=True))
        monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
        monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
        monkeypatch.delenv("PGPASSFILE", raising=False)
        deployment = load(file)
        state = State(deployment)
        state.make()
        state.write("passwords", {"ana": "secreto"})
        state.write("launcher", {"pid": 1, "created": 0})
        (state.root / ".pgpass").write_text("db:5432:minga:minga:secreto\n")
        (state.exchange / "blobs" / "aa").mkdir(parents=True)
        (state.exchange / "blobs" / "aa" / "aa11").write_text("handed in")
        (state.courses / "supercomputing").mkdir()
        return deployment, state

    return make


def test_what_is_restored_is_what_was_there(installation, tmp_path):
    deployment, state = installation()
    with sqlite3.connect(state.hub / "jupyterhub.sqlite") as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE users (name TEXT)")
        database.execute("INSERT INTO users VALUES ('ana')")
        database.commit()
        # Open, with what it wrote still in the WAL: as the hub's is.
        backup = create(deployment, state, tmp_path / "backups")
    shutil.rmtree(state.root)
    state.root.mkdir()
    (state.root / ".bashrc").touch()  # the state may be the home of the hub's account
    about = verify(backup)
    restore_secrets(backup, about)
    restore(deployment, state, backup, about)
    assert "secreto" in (state.root / ".pgpass").read_text()
    assert state.read("passwords") == {"ana": "secreto"} and state.read("launcher") == {}
    assert (state.hub / "passwords.json").stat().st_mode & 0o077 == 0
    assert (state.exchange / "blobs" / "aa" / "aa11").read_text() == "handed in"
    with sqlite3.connect(state.hub / "jupyterhub.sqlite") as database:
        assert database.execute("SELECT name FROM users").fetchall() == [("ana",)]
    check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=backup).returncode == 0


def test_nothing_is_overwritten_and_a_damaged_backup_is_refused(installation, tmp_path):
    deployment, state = installation()
    backup = create(deployment, state, tmp_path / "backups")
    with pytest.raises(BackupError, match="is not empty"):
        restore(deployment, state, backup, verify(backup))
    (backup / "state" / "exchange" / "blobs" / "aa" / "aa11").write_text("something else")
    with pytest.raises(BackupError, match="1 files are missing or changed: state/exchange"):
        verify(backup)
    shutil.rmtree(state.root)
    assert run(state.root, tmp_path / "installation.yaml", "restore", str(backup)).returncode == 1
    assert not state.root.exists()


def test_old_backups_go_and_a_broken_one_gets_no_name(installation, tmp_path):
    deployment, state = installation()
    below = tmp_path / "backups"
    for day in ("20260101T000000Z", "20260102T000000Z"):
        (below / f"minga-{day}").mkdir(parents=True)
    made = create(deployment, state, below, keep=2)
    assert sorted(path.name for path in below.iterdir()) == ["minga-20260102T000000Z", made.name]
    (state.hub / "jupyterhub.sqlite").write_text("this is no database" * 100)
    with pytest.raises(sqlite3.Error):
        create(deployment, state, below / "other")
    assert not list((below / "other").glob("minga-*"))


@pytest.mark.slow
def test_postgresql_is_dumped_and_restored(installation, postgres, tmp_path):  # noqa: F811
    *_, server = postgres
    shared = new_database(server, "backed-up")
    deployment, state = installation(
        exchange={"database": shared}, transparency={"database": shared}
    )
    database = Database(shared)
    database.migrate()
    database.close()
    engine = create_engine(shared.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE users (name TEXT)"))
        connection.execute(text("INSERT INTO users VALUES ('Ñandú')"))
    engine.dispose()
    backup = create(deployment, state, tmp_path / "backups")
    assert [path.name for path in (backup / "databases").iterdir()] == ["00-exchange.pgdump"]
    shutil.rmtree(state.root)
    with pytest.raises(BackupError, match=r"backed-up.* is not empty"):
        restore(deployment, state, backup, verify(backup))
    rows_before = rows(shared, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute('DROP DATABASE "backed-up"')
        connection.execute('CREATE DATABASE "backed-up"')
    restore(deployment, state, backup, verify(backup))
    assert rows(shared, "SELECT name FROM users") == [("Ñandú",)]
    after = rows(shared, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert sorted(after) == sorted(rows_before) and len(after) > 3
