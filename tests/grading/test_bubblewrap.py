"""bubblewrap is found, or fetched without root, or asked for in words."""

import shutil
import subprocess
from types import SimpleNamespace

import pytest

from grading import sandbox
from grading.errors import SandboxUnavailable
from spawners.cluster import packages


@pytest.fixture
def not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "shutil", SimpleNamespace(which=lambda *_, **__: None))
    monkeypatch.setattr(sandbox, "FETCHED", tmp_path / "bubblewrap")


def test_without_it_the_message_says_what_to_do(not_installed):
    with pytest.raises(SandboxUnavailable, match="sudo apt-get install bubblewrap") as caught:
        sandbox.bubblewrap()
    assert "make hub" in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("apt-get"), reason="needs Debian or Ubuntu")
def test_it_is_fetched_and_starts(not_installed):
    packages.unpack(sandbox.FETCHED, ("bubblewrap",))
    program = sandbox.bubblewrap()
    assert program.is_relative_to(sandbox.FETCHED)
    command = [program, "--ro-bind", "/", "/", "true"]
    subprocess.run(command, env=sandbox.libraries(), check=True)
