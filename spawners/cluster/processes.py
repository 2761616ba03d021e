"""Which processes belong to a cluster, and how they are ended.

A process belongs if it carries the cluster's marker in its environment, or descends from one
that does; never by its name alone. psutil checks pid and start time before each signal.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from .configuration import MARKER

PATIENCE = 2  # seconds between the polite signal and the other one


def marked(folder: Path) -> list[psutil.Process]:
    """Return the living processes that carry the marker of the cluster in `folder`."""
    result = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == str(folder) and _alive(process):
                result.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or somebody else's: not ours in either case
    return result


def members(folder: Path, run: Path | None = None) -> set[psutil.Process]:
    """Return all processes of the cluster in `folder`: daemons, job steps, jobs, descendants.

    `run` is the cluster's run folder: whoever serves a socket there belongs too (job steps do,
    and some releases of Slurm overwrite their environment). The caller and its own ancestors
    are left out: somebody may stop a cluster from inside one of its jobs.
    """
    found = set(marked(folder))
    if run is not None:
        found |= _serving(run)
    for process in list(found):
        try:
            found.update(process.children(recursive=True))
        except psutil.Error:
            continue
    myself = psutil.Process()
    return {process for process in found - {myself, *myself.parents()} if _alive(process)}


def daemons(folder: Path) -> dict[str, psutil.Process]:
    """Return the running daemons: `munged`, `slurmctld` …, and each slurmd by its node's name."""
    result = {}
    for process in marked(folder):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        name = os.path.basename(words[0]) if words else ""
        if name in ("munged", "slurmctld", "mariadbd", "slurmdbd"):
            result[name] = process
        elif name == "slurmd" and "-N" in words[:-1]:
            result[words[words.index("-N") + 1]] = process
    return result


def listening(processes: Iterable[psutil.Process]) -> set[int]:
    """Return the TCP ports that `processes` listen on; a trial connection would fill the logs."""
    ports = set()
    for process in processes:
        try:
            connections = process.net_connections("tcp4")
        except psutil.Error:
            continue
        ports |= {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    return ports


def end(processes: Iterable[psutil.Process], patience: float = PATIENCE) -> list[psutil.Process]:
    """End `processes`: politely, after `patience` seconds by force; return who is left."""
    left = [process for process in processes if _alive(process)]
    for action in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            try:
                action(process)
            except psutil.Error:
                continue
        limit = time.monotonic() + patience
        while left and time.monotonic() < limit:
            left = [process for process in left if _alive(process)]
            time.sleep(0.02 if left else 0)
    return left


def _alive(process: psutil.Process) -> bool:
    """Return whether `process` still runs; a zombie does not, it only waits for its parent."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _serving(run: Path) -> set[psutil.Process]:
    """Return the processes of ours that have a Unix socket bound below `run`."""
    result = set()
    for connection in psutil.net_connections("unix"):
        if connection.pid and str(connection.laddr).startswith(f"{run}/"):
            try:
                result.add(psutil.Process(connection.pid))
            except psutil.Error:
                continue
    return result
