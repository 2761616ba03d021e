"""The doctor at a login node that is not as it should be: ssh's own words, and what mends them."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from deploy.doctor import remote, sites
from deploy.doctor.findings import Installation
from hub_config.deployment import DEFAULT, load
from hub_config.state import State
from tests.conftest import ROOT

GATE = ROOT / "spawners" / "gate.py"


class Far:
    """An installation whose only site is elsewhere, behind an `ssh` that a test writes."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.data = yaml.safe_load(DEFAULT.read_text())
        self.data["hub"]["url"] = "https://minga.example/"
        self.data["sites"] = {
            "lima": {
                "title": {"es": "Lima"},
                "ssh": {
                    "login": "minga@login.example",
                    "key_file": "/etc/minga/key",
                    "host_keys_file": "/etc/minga/host-keys",
                },
                "home": "/srv/{username}",
            }
        }
        self.data["profiles"] = {"cpu": self.data["profiles"]["cpu"]}

    def answers(self, script: str) -> None:
        ssh = self.folder / "ssh"
        ssh.write_text(f"#!/bin/sh\n{script}\n")
        ssh.chmod(0o755)

    def visit(self) -> sites._Visit:
        file = self.folder / "installation.yaml"
        file.write_text(yaml.safe_dump(self.data, allow_unicode=True))
        deployment = load(file)
        state = State(deployment)
        state.make()
        installation = Installation(file, deployment, state, "ana")
        site = sites.sessions.sites(deployment, state)["lima"]
        return sites._Visit(installation, "lima", deployment.sites["lima"], site)

    def found(self) -> list:
        with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs in the main one
            return thread.submit(lambda: asyncio.run(self.visit().all())).result()

    def sees(self, key: str, words: str, mend: str):
        found = self.found()
        assert any(
            each.where.endswith(key) and words in each.es and mend in each.mend for each in found
        ), found
        return found


@pytest.fixture
def far(tmp_path, monkeypatch) -> Far:
    monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Far(tmp_path)


@pytest.mark.parametrize(
    ("said", "key", "words", "mend"),
    [
        (
            "minga@login.example: Permission denied (publickey).",
            "sites.lima.ssh.key_file",
            "no acepta la clave de minga",
            "gate.py sudo -n -u",
        ),
        (
            "No ED25519 host key is known for login.example\nHost key verification failed.",
            "sites.lima.ssh.host_keys_file",
            "no es conocida",
            "ssh-keyscan -p 22 login.example > /etc/minga/host-keys",
        ),
        (
            "Warning: Identity file /etc/minga/key not accessible: No such file or directory.\n"
            "minga@login.example: Permission denied (publickey).",
            "sites.lima.ssh.key_file",
            "la clave no se puede leer",
            "ssh-keygen -t ed25519",
        ),
        (
            "ssh: connect to host login.example port 22: Connection timed out",
            "sites.lima.ssh.login",
            "no se llega al nodo de ingreso",
            "ssh -v -p 22 minga@login.example",
        ),
    ],
)
def test_what_ssh_says_becomes_what_to_mend(far, said, key, words, mend):
    far.answers(f"echo '{said}' >&2\nexit 255")
    (finding,) = far.sees(key, words, mend)
    assert "installation.yaml:" in finding.where


def test_a_key_that_opens_the_whole_account_is_seen(far):
    far.answers(f"case $* in *{remote.OPEN}*) echo {remote.OPEN}; exit 0 ;; esac; exit 1")
    far.sees("sites.lima.ssh.key_file", "abre toda la cuenta", "restrict,command=")


def test_a_gate_that_is_not_there(far):
    far.answers(f"echo \"{sys.executable}: can't open file 'gate.py': [Errno 2]\" >&2; exit 2")
    far.sees("sites.lima.ssh.login", "falta un programa", "gate.py")


def test_a_login_node_without_slurm(far):
    far.answers(f"exec {sys.executable} -I -S {GATE}")
    far.sees("sites.lima.ssh.login", "falta un programa", "gate.py")


def test_tunnels_that_nobody_takes(far, monkeypatch):
    far.data["sites"]["lima"]["tunnel"] = True
    far.data["tunnels"] = {"address": "minga.example", "port": 1999, "listen": "127.0.0.1"}
    tunnel = far.visit().tunnel
    assert not tunnel.is_waited_for()
    monkeypatch.setattr(remote.tunnels, "program", lambda: "/usr/sbin/sshd")
    assert tunnel.missing() == []  # the hub does not run either
    monkeypatch.setattr(remote, "running_launcher", lambda state: 1)
    (finding,) = tunnel.missing()
    assert finding.where.endswith("tunnels") and "127.0.0.1:1999" in finding.es
    assert "systemctl status minga-tunnels" in finding.mend
    for code, key in ((remote.NO_WAY, "tunnels.address"), (remote.REFUSED, "tunnels")):
        assert far.visit().failure("FAILED", code, "-", "/h", "").where.endswith(key)
