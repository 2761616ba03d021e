"""Real Slurm clusters for the tests of this room and of the journeys."""

import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from spawners.cluster import packages
from spawners.cluster.cluster import PrivateCluster, free_ports
from spawners.cluster.description import DEFAULTS


@pytest.fixture(scope="session")
def slurm_installation():
    """Slurm's programs, fetched at the first use like `make hub` does."""
    return packages.ensure()


@pytest.fixture
def public_folder():
    """Return an empty folder that other accounts can reach (tmp_path is private)."""
    folder = Path(tempfile.mkdtemp(prefix="minga-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def unix_accounts():
    """Return the names of four Unix accounts that exist for one test only; root makes them."""
    names = [f"minga-{secrets.token_hex(3)}" for _ in range(4)]
    try:
        for name in names:
            subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
            Path("/home", name).chmod(0o700)
        yield names
    finally:
        for name in names:
            subprocess.run(["userdel", "--remove", name], capture_output=True)


def _cluster(installation, folder: Path, name: str) -> PrivateCluster:
    description = DEFAULTS[name]
    ports = free_ports(1 + len(description.nodes))
    return PrivateCluster(description, folder / name, ports, installation)


@pytest.fixture(scope="session")
def clusters(slurm_installation, tmp_path_factory):
    """Return the running clusters `chile` and `colombia`, shared by all tests of a run."""
    folder = tmp_path_factory.mktemp("clusters")
    started = {}
    try:
        for name in DEFAULTS:
            started[name] = _cluster(slurm_installation, folder, name)
            started[name].start()
        yield started
    finally:
        for cluster in started.values():
            cluster.stop()


@pytest.fixture
def fresh_cluster(slurm_installation, tmp_path):
    """Return a function that starts a cluster of this test's own, by name."""
    started = []

    def start(name: str, folder: Path = tmp_path) -> PrivateCluster:
        started.append(_cluster(slurm_installation, folder, name))
        started[-1].start()
        return started[-1]

    yield start
    for cluster in started:
        cluster.stop()
