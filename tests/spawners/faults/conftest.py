"""Each module breaks a Slurm of its own: nobody else's tests see it."""

import pytest

from benchmarks import machine
from spawners.cluster.cluster import ClusterError

from .rig import FaultyHub


@pytest.fixture(scope="module")
def broken_site(tmp_path_factory):
    """Return a running cluster that tests may break."""
    cluster = machine.cluster(tmp_path_factory.mktemp("faults") / "cluster")
    try:
        yield cluster
    finally:
        try:
            cluster.stop()
        except ClusterError:  # what a test broke may take longer to end
            cluster.stop()


@pytest.fixture(scope="module")
def hub(broken_site, tmp_path_factory):
    """Return a running hub for a module's tests that leave it as they found it."""
    with FaultyHub(broken_site, tmp_path_factory.mktemp("hub")) as running:
        yield running
