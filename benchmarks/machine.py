"""The private cluster, the packages of a stock installation, and what machine this is."""

import os
import platform
import subprocess
import time
from pathlib import Path

import psutil
from jupyterhub._version import __version__ as hub_version

from spawners.cluster import packages, processes
from spawners.cluster.cluster import PrivateCluster, free_ports
from spawners.cluster.description import ClusterDescription, NodeDescription

NODES, GPUS_A_NODE = 4, 4
MARK = "MINGA_BENCHMARK"  # in the environment of every process of a measurement
# JupyterLab's own dependencies ask for it, and importing it takes longer than all the rest;
# Minga's lock file leaves it out, a stock installation has it.
STOCK_EXTRA = "rfc3987-syntax==1.1.0"


def cluster(folder: Path) -> PrivateCluster:
    """Start a Slurm with room for 1000 sessions, 16 of them with a GPU, and return it.

    Its nodes are other machines in reality; here they have the lowest priority, so that what
    runs in jobs does not slow the hub down.
    """
    description = ClusterDescription(
        name="bench",
        nodes=tuple(
            NodeDescription(name=f"bench-n{number}", cpus=256, memory_mb=512_000, gpus=GPUS_A_NODE)
            for number in range(NODES)
        ),
        max_hours=24,
    )
    result = PrivateCluster(description, folder, free_ports(1 + NODES), packages.ensure())
    result.start()
    for name, daemon in processes.daemons(folder.absolute()).items():
        if name.startswith("bench-n"):
            daemon.nice(19)
    return result


def slurm(site: PrivateCluster, *command: str, text: str | None = None) -> str:
    """Run one of Slurm's commands and return its output; raises CalledProcessError."""
    return subprocess.run(
        command,
        env={**os.environ, **site.environment()},
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def scheduling_time(site: PrivateCluster, folder: Path) -> float:
    """Return seconds from calling sbatch until the first line of a job's script has run."""
    note = folder / "scheduled"
    note.unlink(missing_ok=True)
    began = time.time()
    script = f"#!/bin/sh\ndate +%s.%N > '{note}.new'\nmv '{note}.new' '{note}'\n"
    slurm(site, "sbatch", "--parsable", "--output=/dev/null", "--chdir=/", "--mem=1G", text=script)
    end = time.monotonic() + 30
    while not note.exists():
        if time.monotonic() > end:
            raise TimeoutError("Slurm did not start a job within 30 s")
        time.sleep(0.02)
    return float(note.read_text()) - began


def cancel_all(site: PrivateCluster, seconds: float = 120) -> None:
    """Take back every job, and return when the queue is empty."""
    slurm(site, "scancel", "--full", f"--partition={site.description.partition}")
    end = time.monotonic() + seconds
    while slurm(site, "squeue", "--noheader", "--format=%i").split():
        if time.monotonic() > end:
            raise TimeoutError(f"jobs are still there {seconds:.0f} s after scancel")
        time.sleep(0.3)


def stock_packages(folder: Path, python: str) -> Path | None:
    """Install what a stock environment has beyond ours; return its folder, None without network."""
    done = subprocess.run(
        # Without our own settings: pyproject.toml leaves this very package out.
        [python, "-m", "uv", "pip", "install", "--no-config", "--quiet", "--compile-bytecode"]
        + ["--python", python, "--target", str(folder), STOCK_EXTRA],
        capture_output=True,
    )
    return folder if done.returncode == 0 and any(folder.glob("rfc3987*")) else None


def end_marked(folder: Path) -> None:
    """End every process that carries this measurement's mark in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder) and process.pid != os.getpid():
                found.append(process)
        except (psutil.Error, OSError):
            continue
    processes.end(found)


def description() -> dict:
    """Return what a reader must know about this machine and these programs."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    installed = packages.find()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
        "jupyterhub": hub_version,
        "slurm": ".".join(map(str, installed.version)) if installed else "",
        "date": time.strftime("%Y-%m-%d"),
    }


def existing(folder: Path) -> PrivateCluster | None:
    """Return the cluster in `folder` if one was started there."""
    installed = packages.find()
    return PrivateCluster.load(folder, installed) if installed else None
