"""A private cluster with accounting: a course's QOS keeps it to its GPUs, exactly."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from hub_config.deployment import DEFAULT, ROOT
from spawners.cluster.cluster import PrivateCluster
from spawners.sites import SlurmSite
from tests.conftest import Minga, in_a_loop_of_its_own, minga_of
from tests.spawners.private_slurm import accounted_cluster, job_state, slurm, submit, wait_until
from tests.spawners.test_course_reservations import LESSON, said
from tests.spawners.test_sessions import slurm as slurm_of

pytestmark = pytest.mark.slow


def test_accounts_and_jobs_outlive_a_stop(slurm_installation, tmp_path):
    with accounted_cluster(slurm_installation, tmp_path) as cluster:
        assert set(cluster.status().daemons) >= {"mariadbd", "slurmdbd"}
        assert cluster.status().running
        slurm(cluster, "sacctmgr", "--immediate", "add", "qos", "curso")
        job = submit(cluster, "true", tmp_path / "out")
        wait_until(lambda: job_state(cluster, job) == "COMPLETED")
        refused = slurm(
            cluster, "sbatch", "--account=otra", "--wrap=true", check=False, cwd=tmp_path
        )
        assert "Invalid account" in refused.stderr
        cluster.stop()
        assert not any(cluster.status().daemons.values())
        again = PrivateCluster.load(tmp_path / "chile", slurm_installation)
        again.start()
        shown = slurm(again, "sacctmgr", "-nP", "show", "qos", "format=Name").stdout
        assert "curso" in shown.split()
        wait_until(lambda: "COMPLETED" in slurm(again, "sacct", "-nP", "-j", job).stdout)
        now = time.time()
        known = accounted(again, [job, "999"])[job]  # as the record of use asks
        assert now - 600 < known.submitted <= known.started <= known.ended <= now
        assert (known.gpus, known.cores) == (None, 1)


@in_a_loop_of_its_own
async def accounted(cluster: PrivateCluster, jobs: list[str]) -> dict:
    return await SlurmSite("chile", environment=cluster.environment()).accounted(jobs)


@pytest.fixture
def one_gpu(tmp_path, monkeypatch):
    """A Minga where a course has one GPU in chile now, made so by the operator's command."""
    now = datetime.now(UTC)
    shift = now.hour - 12  # its place is where it is about noon: no lesson crosses midnight
    local = now - timedelta(hours=shift)
    window = {
        "reservation": "clase",
        "qos": "ia-clase",
        "gpus": 1,
        "dates": [local.date()],
        "from": f"{local - timedelta(minutes=5):%H:%M:%S}",
        "to": f"{local + timedelta(minutes=50):%H:%M:%S}",
        "time_zone": f"Etc/GMT{shift:+d}",
    }
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["sites"]["chile"]["private_cluster"]["accounting"] = True
    own = {"account": "ia", "qos": "normal", "windows": [window]}
    deployment["courses"]["ai-foundations"]["slurm"] = {"chile": own}
    with minga_of(deployment, tmp_path, monkeypatch) as minga:
        for expected in ("scontrol create reservation", "nothing to do"):
            done = subprocess.run(
                [sys.executable, "-m", "hub_config.reservations", "--apply", "--site=chile"],
                cwd=ROOT,
                env={**os.environ, "MINGA_STATE": str(minga.state)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert expected in done.stdout
        yield minga


def test_a_course_uses_its_gpus_and_no_more(one_gpu):
    """One GPU for the course: the second student waits, though three more are free beside it."""
    minga = one_gpu
    first, second = minga.login("estudiante1"), minga.login("estudiante2")
    first.start(**LESSON)
    (line,) = jobs(minga)
    assert line.startswith("RUNNING|None|ia|ia-clase|clase|")
    assert second.api("POST", "/users/estudiante2/server", json=LESSON).status_code == 202
    wait_until(lambda: any("QOSGrpGRES" in line for line in jobs(minga)))
    assert "Tu curso o tu institución ya usa todas las máquinas" in said(second)
    # Without a GPU there is no quota to keep.
    second.stop()
    second.start(**LESSON | {"profile": "cpu"})
    second.stop()
    assert second.api("POST", "/users/estudiante2/server", json=LESSON).status_code == 202
    first.stop()
    second.wait_for_server()


def jobs(minga: Minga) -> list[str]:
    """Minga's jobs in chile: state, reason, account, QOS, reservation."""
    options = ["--noheader", "--name=minga", "--format=%T|%r|%a|%q|%v|"]
    shown = slurm_of(minga, "chile", "squeue", *options)
    return [line for line in shown.splitlines() if not line.startswith("COMPLETING")]
