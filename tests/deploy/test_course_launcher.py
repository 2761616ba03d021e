"""The one program that runs as a course's account: what it starts, and when that ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub_config import course_account
from hub_config.course_account import LAUNCHER, request


@pytest.fixture
def programs(tmp_path) -> Path:
    """A folder with a Python, beside which the launcher looks for a server, that only waits."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    server = tmp_path / "bin" / "jupyterhub-singleuser"
    server.write_text(
        '#!/bin/sh\necho "$PWD $1 $JUPYTERHUB_API_TOKEN ${HOME:-none}" > started.new\n'
        "echo $$ > pid; mv started.new started\nexec sleep 60\n"
    )
    server.chmod(0o755)
    return tmp_path / "bin"


def launcher(programs: Path, **streams) -> subprocess.Popen:
    command = [programs / "python", "-I", "-S", LAUNCHER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, **streams)


def test_a_formgrader_has_what_it_was_given_and_ends_when_the_hub_is_gone(programs, tmp_path):
    child = launcher(programs)
    environment = {"JUPYTERHUB_API_TOKEN": "t", "PATH": os.environ["PATH"]}
    child.stdin.write(request("formgrader", ["--port=1"], environment, tmp_path))
    child.stdin.flush()
    while not (tmp_path / "started").exists():
        assert child.poll() is None
        time.sleep(0.02)
    assert (tmp_path / "started").read_text().split() == [str(tmp_path), "--port=1", "t", "none"]
    pid = int((tmp_path / "pid").read_text())
    assert child.poll() is None
    child.stdin.close()  # what is left of a hub that was killed
    assert child.wait(timeout=30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_other_program_is_started(programs):
    child = launcher(programs, stderr=subprocess.PIPE)
    _, said = child.communicate(request("/bin/sh", ["-c", "id"], {}, "/"), timeout=30)
    assert child.returncode == 2 and b"unknown program" in said


def test_publishing_ends_by_itself_and_says_how():
    command = [sys.executable, "-I", "-S", LAUNCHER]
    asked = request("publish", ["--course", "alquimia", "--course-root", "/nowhere"], {}, "/")
    done = subprocess.run(command, input=asked, capture_output=True, text=False, timeout=60)
    assert done.returncode == 1 and b"alquimia" in done.stderr


def test_sudo_gets_exactly_what_sudoers_names():
    command = course_account.command("minga-ia")
    assert command[:5] == ["sudo", "-n", "-u", "minga-ia", "--"]
    assert command[5:] == [sys.executable, "-I", "-S", str(LAUNCHER)]
