"""What tests ask a private cluster: submit a job, read its state, wait for something."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spawners.cluster.cluster import PrivateCluster, free_ports
from spawners.cluster.description import DEFAULTS


@contextmanager
def accounted_cluster(installation, folder: Path) -> Iterator[PrivateCluster]:
    """A running cluster `chile` with accounting, in a folder below `folder`."""
    description = DEFAULTS["chile"].model_copy(update={"accounting": True})
    ports = free_ports(description.port_count)
    cluster = PrivateCluster(description, folder / "chile", ports, installation)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def wait_until(question, seconds: float = 15, every: float = 0.05):
    """Return the first true answer of `question()`; fail after `seconds`."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        answer = question()
        if answer:
            return answer
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s: {question}")


def slurm(cluster: PrivateCluster, *command: str, check: bool = True, **options):
    """Run one of Slurm's commands against `cluster`; return its completed process."""
    done = subprocess.run(
        command,
        env={**os.environ, **cluster.environment()},
        capture_output=True,
        text=True,
        timeout=30,
        **options,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def submit(cluster: PrivateCluster, script: str, output: Path, *options: str, **process) -> str:
    """Submit a shell script, its output to `output`; return the job id."""
    command = ["sbatch", "--parsable", "--chdir=/tmp", f"--output={output}", *options]
    return slurm(cluster, *command, input=f"#!/bin/sh\n{script}\n", **process).stdout.strip()


def job_state(cluster: PrivateCluster, job: str) -> str:
    """Return Slurm's word for the job's state."""
    shown = slurm(cluster, "scontrol", "show", "job", job, "--oneliner").stdout
    return next(word.split("=")[1] for word in shown.split() if word.startswith("JobState="))
