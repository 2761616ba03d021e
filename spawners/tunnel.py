"""Runs inside the job: keeps the session's tunnel to the hub for as long as its server lives.

Standard library only, and OpenSSH:

    python tunnel.py FOLDER DOOR PORT SERVER

FOLDER has the session's key and ssh's settings (spawners/doors.py writes them), DOOR is the
address and port on the hub's machine that this key opens, PORT is where the server listens here,
SERVER its process. ssh ends when the link is cut (ServerAliveInterval) and is started again, for
as long as the server lives; with it the tunnel ends. What ssh says is in the session's log.
"""

import ctypes
import os
import random
import signal
import subprocess
import sys
import time

FIRST, LONGEST = 1.0, 15.0  # seconds between two tries
STEADY = 60  # seconds after which a connection counts as one that worked
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def alive(process: int) -> bool:
    """Return whether a process of ours still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def keep(folder: str, door: str, port: int, server: int) -> None:
    """Forward `door` of the hub to `port` here until process `server` ends."""
    command = ["ssh", "-F", "config", "-N", "-R", f"{door}:127.0.0.1:{port}", "hub"]
    pause = FIRST
    while alive(server):
        began = time.monotonic()
        ssh = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, preexec_fn=_ends_with_us
        )
        while alive(server) and ssh.poll() is None:
            time.sleep(0.3)
        if ssh.poll() is None:
            ssh.terminate()
            ssh.wait()
            return
        pause = FIRST if time.monotonic() - began > STEADY else min(LONGEST, pause * 1.5)
        # A class whose link comes back does not knock all at once.
        _sleep(pause * random.uniform(0.7, 1.3), server)  # noqa: S311 (no secret)


def _sleep(seconds: float, server: int) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and alive(server):
        time.sleep(0.3)


def _ends_with_us() -> None:
    """Let the kernel end ssh if this process is killed: no tunnel without its session."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    keep(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
