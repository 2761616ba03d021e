"""What belongs to an installation and runs now, and how it is ended."""

import contextlib
import os

import psutil

from deploy.terminal import say
from spawners.cluster import packages, processes
from spawners.cluster.cluster import PrivateCluster

from .deployment import ROOT
from .state import State

HUB_MARK = "MINGA_HUB_OF"  # in the environment of the hub, its proxy and its services
SESSION_MARK = "MINGA_SESSION_OF"  # in the environment of sessions


def stop(state: State) -> None:
    """Stop what an earlier start started, sessions included."""
    launcher = running_launcher(state)
    if launcher:
        launcher.terminate()
        psutil.wait_procs([launcher], timeout=120)
    end_marked(HUB_MARK, state)
    end_sessions(state)
    say("Minga está detenida.", "Minga has stopped.")


def end_sessions(state: State) -> None:
    """End all sessions of this machine, and the private clusters."""
    installation = packages.find(ROOT / ".minga" / "slurm")
    for folder in sorted(state.clusters.iterdir()) if installation else []:
        cluster = PrivateCluster.load(folder, installation)
        if cluster:
            cluster.stop()
    end_marked(SESSION_MARK, state)


def running_launcher(state: State) -> psutil.Process | None:
    """Return the process of a start that is still in charge, or None."""
    known = state.read("launcher")
    try:
        process = psutil.Process(known["pid"])
        if abs(process.create_time() - known["created"]) < 1 and process.pid != os.getpid():
            return process
    except (KeyError, psutil.NoSuchProcess):
        pass
    return None


def end_marked(mark: str, state: State) -> None:
    """End every process that carries `mark` of this state folder in its environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(mark) == str(state.root) and process.pid != os.getpid():
                found.append(process)
    processes.end(found, patience=10)
