"""The doctor finds installations that are broken on purpose, and names where and what to run."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from deploy.doctor import machine
from deploy.doctor.__main__ import examine
from grading import sandbox
from hub_config import course_account
from hub_config.deployment import DEFAULT
from tests.conftest import ROOT, free_port
from tests.postgresql import postgres  # noqa: F401 (a fixture)


class Broken:
    """An installation in a folder of its own, whole until a test breaks it."""

    def __init__(self, folder: Path, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.file, self.state = folder / "installation.yaml", folder / "state"
        self.data = yaml.safe_load(DEFAULT.read_text())
        self.data["hub"]["port"] = free_port()
        (self.state / "hub").mkdir(parents=True)
        (folder / "build" / "book" / "es").mkdir(parents=True)
        (folder / "build" / "book" / "es" / "index.html").touch()
        (folder / "bin").mkdir()
        monkeypatch.setattr(machine, "BUILD", folder / "build")
        for name, value in {
            "MINGA_DEPLOYMENT": str(self.file),
            "MINGA_STATE": str(self.state),
            "PGPASSFILE": str(folder / "pgpass"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "LANG": "es_CL.UTF-8",
            "LC_ALL": "",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("PORT", raising=False)

    def write(self) -> None:
        self.file.write_text(yaml.safe_dump(self.data, allow_unicode=True, sort_keys=False))

    def program(self, name: str, says: str, status: int = 1) -> None:
        """Put a program before all others that says something on standard error and ends."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\necho {says!r} >&2\nexit {status}\n")
        path.chmod(0o755)

    def personal(self) -> None:
        self.data["accounts"] = "personal"
        for site in self.data["sites"].values():
            site["user_prefix"] = ["sudo", "-n", "-u", "{username}", "--"]
        for course in self.data["courses"].values():
            course["account"] = "nobody"

    def oidc(self, issuer: str, mode: int = 0o600) -> None:
        secret = self.folder / "client-secret"
        secret.write_text("x")
        secret.chmod(mode)
        title = {"es": "Universidad de Chile"}
        self.data["authentication"] = {
            "method": "oidc",
            "issuer": issuer,
            "client_id": "minga",
            "client_secret_file": str(secret),
            "institutions": {"uchile": {"title": title, "country": "CL", "values": ["uchile.cl"]}},
            "contact": "soporte@minga.example",
        }
        for course in self.data["courses"].values():
            course["instructors"] = course["students"] = []

    def sees(self, where: str, words: str, mend: str) -> None:
        """Look at everything, and find that among what is found."""
        self.write()
        found = examine()
        for finding in found:
            if where in finding.where and words in finding.es and mend in finding.mend:
                assert finding.en != finding.es and finding.mend
                return
        raise AssertionError(f"not found: {where}, {words}, {mend}; but {found}")


@pytest.fixture
def broken(tmp_path, monkeypatch) -> Broken:
    return Broken(tmp_path, monkeypatch)


def test_a_whole_installation_has_nothing_to_mend(broken):
    broken.write()
    assert examine() == []


def wrong_key(b):
    b.data["hub"]["prot"] = 8000


def secret_that_everybody_reads(b):
    b.oidc("https://gateway.example", mode=0o644)


def state_secret_that_everybody_reads(b):
    (b.state / "hub" / "passwords.json").touch()
    (b.state / "hub" / "passwords.json").chmod(0o644)


def password_file_that_postgresql_ignores(b):
    (b.folder / "pgpass").touch()
    (b.folder / "pgpass").chmod(0o644)


def database_that_is_not_there(b):
    b.data["hub"]["database"] = f"postgresql://minga@/minga?host={b.folder}"


def damaged_database(b):
    (b.state / "hub" / "jupyterhub.sqlite").write_text("this is no database" * 100)


def state_where_nobody_can_write(b):
    b.monkeypatch.setenv("MINGA_STATE", "/dev/null/minga")


def no_node(b):
    b.monkeypatch.setenv("PATH", str(b.folder / "bin"))


def old_node(b):
    (b.folder / "bin" / "node").write_text("#!/bin/sh\necho v18.19.0\n")
    (b.folder / "bin" / "node").chmod(0o755)


def no_proxy(b):
    b.monkeypatch.setattr(machine, "PROXY", b.folder / "configurable-http-proxy")


def sandbox_that_is_not_allowed(b):
    b.program("bwrap", "bwrap: No permissions to create new namespace")


def no_bubblewrap(b):
    def none():
        raise sandbox.SandboxUnavailable(sandbox.NEEDED)

    b.monkeypatch.setattr(sandbox, "bubblewrap", none)


def silent_provider(b):
    b.oidc(f"http://127.0.0.1:{free_port()}")


def no_book(b):
    (b.folder / "build" / "book" / "es" / "index.html").unlink()


def no_account_that_grades(b):
    b.personal()
    b.data["courses"]["supercomputing"]["account"] = "minga-nobody-made"


def people_without_accounts(b):
    b.personal()


def sudo_that_does_not_know_the_launcher(b):
    b.personal()
    b.program("sudo", "sudo: a password is required")
    b.monkeypatch.setattr(course_account, "is_another", bool)  # as an ordinary account sees it


@pytest.mark.parametrize(
    ("damage", "where", "words", "mend"),
    [
        (wrong_key, "hub.prot", "no such key", "installation.yaml"),
        (secret_that_everybody_reads, "client_secret_file", "every account", "chmod 600"),
        (state_secret_that_everybody_reads, "passwords.json", "pueden leer", "chmod 600"),
        (password_file_that_postgresql_ignores, "pgpass", "pueden leer", "chmod 600"),
        (database_that_is_not_there, "hub.database", "no se puede usar", "pg_isready -h"),
        (damaged_database, "hub.database", "not a database", "deploy.backup restore"),
        (state_where_nobody_can_write, "state", "no puede escribir", "sudo install -d -m 711"),
        (no_node, "PATH", "necesita Node 20", "apt-get install nodejs"),
        (old_node, "PATH", "v18.19.0", "apt-get install nodejs"),
        (no_proxy, "configurable-http-proxy", "no está instalado", "deploy/install.py hub"),
        (sandbox_that_is_not_allowed, "bwrap", "No permissions", "sysctl -w"),
        (no_bubblewrap, "PATH", "Falta bubblewrap", "apt-get install bubblewrap"),
        (silent_provider, "authentication.issuer", "no responde", "curl -sS -m 10 http://127"),
        (no_book, "build/book", "no está construido", "make book"),
        (no_account_that_grades, "supercomputing.account", "No existe", "useradd --system"),
        (people_without_accounts, "courses", "no tienen cuenta", "useradd --create-home"),
        (sudo_that_does_not_know_the_launcher, "account", "password is required", "visudo"),
    ],
)
def test_what_is_broken_is_found(broken, damage, where, words, mend):
    damage(broken)
    broken.sees(where, words, mend)


def test_a_port_that_is_taken(broken):
    with socket.create_server(("127.0.0.1", broken.data["hub"]["port"])):
        broken.sees("hub.port", "tiene el puerto", "ss -ltnp")


def test_a_full_disk(broken):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", broken.state]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        broken.sees(str(broken.state), "casi lleno", "df -h")
    finally:
        subprocess.run(["umount", broken.state], check=True)


class Late(BaseHTTPRequestHandler):
    """An OpenID provider whose clock is an hour slow."""

    def do_GET(self):
        issuer = f"http://127.0.0.1:{self.server.server_port}"
        ends = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"issuer": issuer, **dict.fromkeys(ends, issuer)}).encode())

    def date_time_string(self, timestamp=None):
        return formatdate(time.time() - 3600, usegmt=True)

    def log_message(self, *_):
        pass


def test_a_clock_that_differs(broken):
    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        broken.oidc(f"http://127.0.0.1:{server.server_port}")
        broken.sees("authentication.issuer", "difieren en 36", "timedatectl")
        server.shutdown()


@pytest.mark.slow
def test_a_database_that_nobody_made(broken, postgres):  # noqa: F811
    *_, url = postgres
    broken.data["gradebooks"] = {"database": url.replace("/postgres?", "/nobody-made-{course}?")}
    broken.sees(
        "gradebooks.database (supercomputing)", "does not exist", "createdb -O minga nobody"
    )
    broken.data["gradebooks"] = {}
    broken.data["hub"]["database"] = url
    broken.write()
    assert examine() == []


def test_the_command_says_it_in_the_operators_language(broken):
    wrong_key(broken)
    broken.write()
    said = {}
    for language in ("es_CL.UTF-8", "en_US.UTF-8"):
        done = subprocess.run(
            [sys.executable, "-m", "deploy.doctor"],
            cwd=ROOT,
            env={**os.environ, "LANG": language, "LC_ALL": "", "LC_MESSAGES": ""},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1, done.stderr
        said[language[:2]] = done.stdout
    assert "Problema 1: El archivo de la instalación no vale" in said["es"]
    assert "1 problems, 0 notes." in said["en"] and "run:" in said["en"]
