"""Sessions as processes of this machine, for a try-out where Slurm cannot be had (macOS).

The same questions as a SlurmSite, answered by the operating system. There is no queue, no
limit and no GPU here, and the start page says so.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from .launcher import write_files
from .queue import Job, SiteQueue


class LocalSite:
    """One machine that plays a site: a job is a process, its id `pid-start_time`."""

    scheduler = "local"
    listen = "127.0.0.1"
    tunnel = False
    partition = ""

    def __init__(self, name: str):
        self.name = name
        self.environment = {"PATH": os.environ.get("PATH", os.defpath)}
        self.python = sys.executable
        self.session_path = os.pathsep.join(
            [str(Path(self.python).parent), self.environment["PATH"]]
        )
        self._children: dict[str, subprocess.Popen] = {}
        self._ids: set[str] = set()
        self.queue = SiteQueue(name, self._jobs)

    def __deepcopy__(self, memo):
        """One site is one object for all sessions (see SlurmSite)."""
        return self

    async def submit(
        self,
        username: str,
        script: str,
        environment: dict,
        home: str,
        files: dict[str, str] | None = None,
    ) -> str:
        """Start `script` as a process of its own session; return its job id."""
        write_files(home, files or {})
        child = await asyncio.to_thread(_start, script, environment, Path(home))
        job_id = f"{child.pid}-{int(psutil.Process(child.pid).create_time())}"
        self._children[job_id] = child
        self._ids.add(job_id)
        return job_id

    async def cancel(self, username: str, job_id: str) -> None:
        """End the job's processes: politely, after five seconds by force."""
        process = _process(job_id)
        if process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, sign)
            except ProcessLookupError:
                return
            for _ in range(50):
                await asyncio.sleep(0.1)
                if self._ended(job_id):
                    return

    def runs_as(self, username: str) -> str:
        """Return "": all sessions share the hub's account."""
        return ""

    def adopt(self, job_id: str) -> None:
        """Look after a job that an earlier hub started."""
        self._ids.add(job_id)

    async def nodes(self) -> list[str]:
        """Return this machine, the only node."""
        return ["localhost"]

    def address(self, node: str) -> str:
        """Return this machine's loopback address."""
        return "127.0.0.1"

    def _ended(self, job_id: str) -> bool:
        child = self._children.get(job_id)
        return (child is not None and child.poll() is not None) or _process(job_id) is None

    async def _jobs(self) -> list[Job]:
        ended = {job_id for job_id in self._ids if self._ended(job_id)}
        self._ids -= ended
        return [Job(job_id, "RUNNING", node="localhost") for job_id in self._ids] + [
            Job(job_id, "FAILED") for job_id in ended
        ]


def _start(script: str, environment: dict, home: Path) -> subprocess.Popen:
    """Start `script` in the home folder, in a session of its own."""
    folder = home / ".minga"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file without a name: a person may have several sessions, and bash reads bit by bit.
    with tempfile.TemporaryFile() as file, open(folder / "session.log", "ab") as output:
        file.write(script.encode())
        file.seek(0)
        return subprocess.Popen(
            ["bash", "/dev/stdin"],
            env=environment,
            cwd=home,
            stdin=file,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _process(job_id: str) -> psutil.Process | None:
    """Return the living process behind a job id, or None."""
    pid, _, started = job_id.partition("-")
    try:
        process = psutil.Process(int(pid))
        same = int(process.create_time()) == int(started)
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, ValueError):
        return None
