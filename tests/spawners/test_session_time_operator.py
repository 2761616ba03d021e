"""Slurm lets only its operators lengthen a job: why a site has `operator_prefix`."""

import os
import pwd
import shutil
import sys

import pytest

from spawners import sites
from spawners.cluster.cluster import PrivateCluster, free_ports
from spawners.cluster.description import DEFAULTS
from tests.conftest import in_a_loop_of_its_own
from tests.spawners.cluster.test_accounts import (  # noqa: F401 (a fixture)
    needs_root,
    public_installation,
)
from tests.spawners.private_slurm import job_state, submit, wait_until


@pytest.mark.slow
@needs_root
@in_a_loop_of_its_own
async def test_a_student_cannot_lengthen_a_job_and_an_operator_can(
    public_installation,  # noqa: F811
    public_folder,
    monkeypatch,
):
    nobody = pwd.getpwnam("nobody")
    launcher = shutil.copy(sites.LAUNCHER, public_folder)  # where both accounts can read it
    monkeypatch.setattr(sites, "LAUNCHER", launcher)
    output = public_folder / "out"
    output.touch()
    os.chown(output, nobody.pw_uid, nobody.pw_gid)
    cluster = PrivateCluster(
        DEFAULTS["chile"], public_folder / "chile", free_ports(3), public_installation
    )
    try:
        cluster.start()
        job = submit(cluster, "sleep 60", output, "--time=60", user="nobody", group=nobody.pw_gid)
        # One that waits may ask for any time.
        wait_until(lambda: job_state(cluster, job) == "RUNNING")
        python = shutil.which("python3", path="/usr/bin") or sys.executable
        site = sites.SlurmSite("chile", environment=cluster.environment(), python=python)
        as_student = ["runuser", "-u", "nobody", "--"]
        with pytest.raises(sites.SchedulerError, match="Access/permission denied"):
            await site.extend(job, 120, as_student)
        # Slurm's operator here is the account that runs the cluster.
        await site.extend(job, 120, ["runuser", "-u", "root", "--"])
        found = (await site.queue.snapshot(max_age=0)).jobs[job]
        assert float(found.ends) - float(found.started) == 7200
        await site.cancel("root", job)
    finally:
        cluster.stop()
