"""Machines whose name leads elsewhere than 127.0.0.1, as it does on most laptops."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import sys
from pathlib import Path
from spawners.cluster import packages
from spawners.cluster.cluster import ClusterError, PrivateCluster, free_ports
from spawners.cluster.description import DEFAULTS
description = DEFAULTS["chile"].model_copy(update={"accounting": sys.argv[2] == "accounting"})
ports = free_ports(description.port_count)
cluster = PrivateCluster(description, Path(sys.argv[1]), ports, packages.ensure())
try:
    cluster.start()
    print(cluster.status().nodes, (cluster.folder / "etc" / "slurm.conf").read_text())
except ClusterError as error:
    print(error)
finally:
    cluster.stop()
"""


def started(tmp_path: Path, address: str, accounting: str = "none") -> str:
    """What a start says on a machine called `laptop`, at `address`."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{address} laptop\n")
    inside = f'mount --bind {hosts} /etc/hosts && hostname laptop && exec "$@"'
    command = ["unshare", "--uts", "--mount", "sh", "-c", inside, "sh"]
    done = subprocess.run(
        [*command, sys.executable, "-c", CODE, str(tmp_path / "chile"), accounting],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.getuid() != 0 or subprocess.run(["unshare", "-um", "true"]).returncode != 0,
        reason="only root can give a process another machine name",
    ),
]


@pytest.mark.parametrize("accounting", ["none", "accounting"])
def test_a_name_at_another_loopback_address(tmp_path, accounting):
    """Debian and Ubuntu write `127.0.1.1 laptop` into /etc/hosts."""
    said = started(tmp_path, "127.0.1.1", accounting)
    assert "{'chile-n0': 'idle', 'chile-n1': 'idle'}" in said
    assert "NodeAddr=127.0.1.1" in said


def test_a_name_that_others_reach_is_refused_with_what_to_do(tmp_path):
    said = started(tmp_path, "192.0.2.7")
    assert "«127.0.1.1 laptop»" in said
    assert "192.0.2.7" in said
