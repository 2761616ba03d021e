"""The supercomputing assignment on a real Slurm: solved, it measures there and not here."""

import os

import nbformat
import pytest
from nbclient import NotebookClient
from notebooks import cell_by_id, solve

from spawners.cluster import packages
from spawners.cluster.cluster import PrivateCluster, free_ports
from spawners.cluster.description import DEFAULTS

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path):
    description = DEFAULTS["colombia"]
    ports = free_ports(1 + len(description.nodes))
    cluster = PrivateCluster(description, tmp_path / "slurm", ports, packages.ensure())
    cluster.start()
    yield cluster
    cluster.stop()


def test_a_session_submits_a_job_waits_and_reads_its_times(published, cluster, tmp_path):
    # What a session inherits from its own job, some of it fatal for a new one.
    session = {
        "SLURM_JOB_ID": "4821",
        "SLURM_JOB_PARTITION": "gpu",
        "SLURM_CPUS_PER_TASK": "64",
        "SBATCH_TIMELIMIT": "nonsense",
    }
    environment = {**os.environ, **cluster.environment(), **session}
    nb = solve(published.notebook("escalamiento-fuerte", "es"), "escalamiento-fuerte")
    work = tmp_path / "tarea"
    work.mkdir()
    client = NotebookClient(nb, timeout=200, resources={"metadata": {"path": str(work)}})
    client.execute(env=environment)
    said = "".join(o.get("text", "") for o in cell_by_id(nb, "vivo").outputs)
    assert "Trabajo enviado: 1\n" in said and "estado: terminado" in said
    assert "Probabilidad de bajar del mínimo: 0.1841" in said
    assert "ejemplo" not in said
    assert [line.split()[0] for line in said.splitlines() if " procesos:" in line] == [
        "1",
        "2",
        "4",
    ]
    assert (work / "embalse-1.txt").is_file()
    nbformat.validate(nb)
