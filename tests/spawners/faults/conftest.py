"""Each module breaks a Slurm of its own: nobody else's tests see it."""

import pytest

from benchmarks import machine
from spawners.cluster.cluster import ClusterError

from .rig import FaultyHub


@pytest.fixture(scope="module")
def broken_site(tmp_path_factory):
    """Return a running cluster that tests may break."""
    folder = tmp_path_factory.mktemp("faults")
    cluster = machine.cluster(folder / "cluster")
    # A requeued job waits until its old credential has expired: 30 s on the private cluster.
    settings = cluster.folder / "etc" / "slurm.conf"
    settings.write_text(settings.read_text().replace("cred_expire=30", "cred_expire=5"))
    machine.slurm(cluster, "scontrol", "reconfigure")
    try:
        yield cluster
    finally:
        try:
            cluster.stop()
        except ClusterError:
            cluster.stop()


@pytest.fixture(scope="module")
def hub(broken_site, tmp_path_factory):
    """Return a running hub for a module's tests that leave it as they found it."""
    with FaultyHub(broken_site, tmp_path_factory.mktemp("hub")) as running:
        yield running
