"""The doctor at a site with a real Slurm: whole, and broken in the ways that sites break."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from deploy.doctor import sites
from deploy.doctor.findings import Installation
from hub_config.deployment import DEFAULT, load
from hub_config.state import State
from tests.spawners.private_slurm import slurm

pytestmark = pytest.mark.slow


class Visited:
    """An installation whose only site is a cluster that is there already."""

    def __init__(self, folder: Path, cluster):
        self.folder = folder
        self.data = yaml.safe_load(DEFAULT.read_text())
        self.site = {
            "title": {"es": "Santiago"},
            "partition": "gpu",
            "environment": cluster.environment(),
        }
        self.data["sites"] = {"chile": self.site}
        self.data["profiles"] = {"cpu": self.data["profiles"]["cpu"]}

    def personal(self, *prefix: str) -> None:
        self.data["accounts"] = "personal"
        self.site["user_prefix"] = [*prefix, "{username}"]
        for course in self.data["courses"].values():
            course["account"] = "nobody"

    def found(self, person: str = "") -> list:
        file = self.folder / "installation.yaml"
        file.write_text(yaml.safe_dump(self.data, allow_unicode=True))
        deployment = load(file)
        state = State(deployment)
        state.make()
        installation = Installation(file, deployment, state, person)
        with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs in the main one
            return thread.submit(lambda: list(sites.check(installation, "chile"))).result()

    def sees(self, key: str, words: str, mend: str, person: str = "") -> None:
        (finding,) = self.found(person)
        assert f"sites.chile.{key}" in finding.where or finding.where.endswith(key), finding
        assert words in finding.es and mend in finding.mend, finding


@pytest.fixture
def visited(clusters, tmp_path, monkeypatch) -> Visited:
    monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
    return Visited(tmp_path, clusters["chile"])


def test_a_session_starts_at_a_whole_site(visited, clusters):
    assert visited.found() == []
    jobs = slurm(clusters["chile"], "squeue", "--noheader", "--name=minga-doctor", "--states=R,PD")
    assert jobs.stdout == ""
    assert not (visited.folder / "state" / "homes" / "minga-doctor").exists()


def test_a_partition_that_is_not_there(visited):
    visited.site["partition"] = "gpus"
    visited.sees("partition", "no existe la partición «gpus»; hay: gpu", "sinfo --summarize")


def test_a_partition_that_is_closed(visited, clusters):
    slurm(clusters["chile"], "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    try:
        visited.sees("partition", "no recibe trabajos", "PartitionName=gpu State=UP")
    finally:
        slurm(clusters["chile"], "scontrol", "update", "PartitionName=gpu", "State=UP")


def test_slurm_that_does_not_answer(visited, fresh_cluster, tmp_path):
    cluster = fresh_cluster("chile", tmp_path / "own")
    visited.site["environment"] = cluster.environment()
    cluster.stop()
    visited.sees("environment", "Slurm no responde", "systemctl status slurmctld")


def test_slurm_that_is_not_installed(visited):
    visited.site["environment"] = {"PATH": "/nowhere"}
    visited.sees("environment", "no está el programa sinfo", "apt-get install slurm-client")


def test_a_home_that_cannot_be_written_to(visited):
    visited.site["home"] = "/dev/null/{username}"
    visited.sees("home", "/dev/null/minga-doctor", "sudo install -d -m 700")


def test_a_launcher_that_sudo_does_not_allow(visited):
    sudo = visited.folder / "sudo"
    sudo.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    sudo.chmod(0o755)
    visited.personal(str(sudo))
    visited.sees("user_prefix", "sudo no deja", "NOPASSWD: ", person="nobody")


def test_nobody_to_start_a_session_for(visited):
    visited.personal("sudo")
    visited.sees("user_prefix", "nadie de los cursos", "make doctor PERSON=")


def test_a_python_that_is_not_there(visited):
    visited.site["python"] = "/nowhere/bin/python"
    visited.sees("python", "el lanzador no arranca", "ls -l /nowhere/bin/python")


def test_a_python_without_jupyterlab(visited):
    visited.site["python"] = str(Path(sys.base_prefix) / "bin" / "python3")
    visited.sees("python", "JupyterLab", "-m jupyterlab --version")


def test_a_hub_that_nodes_do_not_reach(visited, monkeypatch):
    monkeypatch.setattr(sites, "running_launcher", lambda state: os.getpid())
    visited.data["hub"]["url"] = "https://127.0.0.1:1/"
    visited.sees("hub.url", "no llega al hub en 127.0.0.1:1", "curl -sS https://127.0.0.1:1/hub/")


def test_a_cluster_that_ssh_does_not_reach(visited):
    ssh = visited.folder / "ssh"
    ssh.write_text("#!/bin/sh\necho 'ssh: connect to host login port 22: refused' >&2\nexit 255\n")
    ssh.chmod(0o755)
    visited.site["query_prefix"] = [str(ssh), "login.example"]
    visited.sees("query_prefix", "no se llega al clúster", "ssh login.example true")
