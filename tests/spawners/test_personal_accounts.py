"""The real thing: each session runs as its person's own Unix account."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

from hub_config.deployment import DEFAULT
from tests.conftest import Minga, free_port
from tests.spawners.test_sessions import CHOICE, run_in_kernel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run sessions as other accounts"),
]


@pytest.fixture
def accounts():
    """Three Unix accounts that exist for this test only: two students, one that grades."""
    names = [f"minga-{secrets.token_hex(3)}" for _ in range(3)]
    try:
        for name in names:
            subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
            Path("/home", name).chmod(0o700)
        yield names
    finally:
        for name in names:
            subprocess.run(["userdel", "--remove", name], capture_output=True)


@pytest.fixture
def folder():
    """A folder that other accounts can reach (pytest's own are private)."""
    path = Path(tempfile.mkdtemp(prefix="minga-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_a_session_runs_as_its_person_and_cannot_read_anothers_home(
    ordinary_checkout, accounts, folder, monkeypatch
):
    one, other, grader = accounts
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["accounts"] = "personal"
    deployment["authentication"]["people"] = {one: {}, other: {}}
    deployment["courses"] = {"ai-foundations": {"students": [one, other], "account": grader}}
    for site in deployment["sites"].values():
        site["user_prefix"] = ["runuser", "-u", "{username}", "--"]
    file = folder / "personal.yaml"
    file.write_text(yaml.safe_dump(deployment))
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
    secret = Path("/home", other, "secret.txt")
    secret.write_text("only mine")
    secret.chmod(0o600)
    # From a checkout, and with a Python, that other accounts can read.
    minga = Minga(folder / "state", free_port(), ordinary_checkout).start()
    try:
        person = minga.login(one)
        person.start(**CHOICE)
        code = f"""
import os
print(os.getuid(), os.path.expanduser('~'))
for path in ({str(secret)!r}, {str(minga.state / "hub" / "passwords.json")!r},
             {str(minga.state / "courses")!r}, {str(minga.state / "hub" / "jupyterhub.sqlite")!r}):
    try:
        print(os.listdir(path) if os.path.isdir(path) else open(path).read())
    except PermissionError:
        print('refused')
"""
        _, output = run_in_kernel(person, code)
        first, *rest = output.strip().splitlines()
        assert first == f"{pwd.getpwnam(one).pw_uid} /home/{one}"
        assert rest == ["refused"] * 4, output
        person.stop()
    finally:
        minga.interrupt()
