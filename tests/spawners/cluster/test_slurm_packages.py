"""Slurm's programs are found or fetched, completely or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spawners.cluster import packages

REPOSITORY = Path(packages.__file__).parents[2]


def test_it_needs_the_standard_library_only():
    script = f"import sys; sys.path[:0] = [{str(REPOSITORY)!r}]; import spawners.cluster.packages"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)


def test_without_apt_the_message_says_what_to_ask_for(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(packages.SlurmUnavailable, match="apt-get was not found") as caught:
        packages.ensure(tmp_path / "slurm")
    assert "slurmctld" in caught.value.missing and "munged" in caught.value.missing
    assert "slurmctld slurmd slurm-client munge" in caught.value.command
    assert caught.value.command in str(caught.value)


@pytest.fixture
def no_system_slurm(monkeypatch):
    """Hide an installed Slurm, so that fetching is tried on every machine."""
    if not packages.missing():
        monkeypatch.setattr(packages, "_installed", lambda: None)


@pytest.mark.slow
def test_packages_are_fetched_and_run(no_system_slurm, tmp_path):
    folder = tmp_path / "con espacio #1"
    said = []
    assert packages.find(folder) is None
    installation = packages.ensure(folder, said.append)
    assert installation.extracted and len(said) == 3
    assert installation.version >= (20,)
    environment = {**os.environ, **installation.environment()}
    for name in packages.PROGRAMS:
        path = installation.programs[name]
        assert not path.name.endswith("-wlm")
        linked = subprocess.run(["ldd", path], env=environment, capture_output=True, text=True)
        assert "not found" not in linked.stdout, name
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [installation.root.name]

    # Newer ones start slurmstepd with a job's environment: it needs no LD_LIBRARY_PATH.
    step_daemon = installation.programs["slurmstepd"]
    linked = subprocess.run(["ldd", step_daemon], env={}, capture_output=True, text=True).stdout
    assert "not found" not in linked, linked

    said.clear()
    assert packages.ensure(folder, said.append) == installation == packages.find(folder)
    assert said == []


@pytest.mark.slow
def test_a_failed_download_leaves_nothing(no_system_slurm, monkeypatch, tmp_path):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(packages.SlurmUnavailable, match="sudo apt-get install") as caught:
        packages.ensure(tmp_path)
    assert "apt-get" in caught.value.reason
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    assert packages.find(tmp_path) is None


@pytest.mark.slow
def test_installed_programs_come_first(slurm_installation, monkeypatch, tmp_path):
    for name, value in slurm_installation.environment().items():
        monkeypatch.setenv(name, value)
    found = packages.find(tmp_path)
    assert found is not None and not found.extracted
    assert found.version == slurm_installation.version
