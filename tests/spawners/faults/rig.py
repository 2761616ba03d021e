"""A real hub on a real Slurm of its own whose parts a test kills, stops, slows down or garbles."""

import contextlib
import html
import json
import os
import re
import secrets
import shutil
import urllib.error
from pathlib import Path

import psutil
import pytest
import requests

from benchmarks import machine
from benchmarks.experiments import grow
from benchmarks.hub import Hub
from spawners.cluster import processes
from tests.spawners.private_slurm import wait_until

COMMANDS = ("squeue", "scontrol", "sinfo", "sbatch", "scancel")
# Slurm's own command behind what the file `fault` says: `COMMANDS what`. It is the real answer
# that comes late, is cut, or is lost.
WRAPPER = """#!/bin/sh
read -r commands what < '{folder}/fault' || exec {real} "$@"
case ",$commands," in *,{name},*) ;; *) exec {real} "$@" ;; esac
case "$what" in
    slow) sleep 10; exec {real} "$@" ;;
    cut) {real} "$@" | head -c 150 ;;
    empty) {real} "$@" > /dev/null ;;
    web) {real} "$@" > /dev/null; echo '<html><h1>502 Bad Gateway</h1></html>' ;;
    elsewhere) SLURM_CONF={folder}/slurm.conf exec {real} "$@" ;;
    noise) head -c 3000 /dev/urandom ;;
    deaf) {real} "$@" > /dev/null; echo 'Socket timed out on send/recv operation' >&2; exit 1 ;;
esac
"""


everything = pytest.mark.skipif(
    os.environ.get("MINGA_FAULTS") != "all", reason="a variant: run with MINGA_FAULTS=all"
)


class FaultyHub(Hub):
    """The hub that benchmarks measure, with Minga's pages, and what a test does to its site."""

    config = Path(__file__).with_name("jupyterhub_config.py")

    def __init__(
        self,
        site,
        folder: Path,
        *,
        seconds: float = 2,
        orphans: str = "report",
        stub: bool = True,
    ):
        super().__init__("ours", site, folder, concurrent_spawn_limit=0, stub=stub)
        programs = self.folder / "programs"
        programs.mkdir()
        for name in COMMANDS:
            real = shutil.which(name, path=site.environment()["PATH"])
            wrapper = programs / name
            wrapper.write_text(WRAPPER.format(folder=programs, real=real, name=name))
            wrapper.chmod(0o755)
        self._programs = programs
        self.settle()
        self.faults = {
            "programs": str(programs),
            "installation": secrets.token_hex(4),
            "orphans": orphans,
            "seconds": seconds,  # between looks at what runs
        }
        self.write_faults()

    def write_faults(self) -> None:
        """Write what the hub's next start reads."""
        (self.folder / "faults.json").write_text(json.dumps(self.faults))

    # -- faults

    def break_commands(self, what: str, *commands: str) -> None:
        """Let these of Slurm's commands (none: all) be slow, cut, empty, web, noise or deaf."""
        draft = self._programs / "draft"
        draft.write_text(f"{','.join(commands or COMMANDS)} {what}\n")
        draft.replace(self._programs / "fault")

    def settle(self) -> None:
        """Let all of Slurm's commands be as they are."""
        (self._programs / "fault").write_text("")

    def daemon(self, name: str) -> psutil.Process:
        """Return munged, slurmctld, or the slurmd of a node."""
        return processes.daemons(self.site.folder)[name]

    # -- what is there

    def server(self, name: str) -> dict:
        """Return what the hub's API says of this person's session; {} if there is none."""
        return self.api("GET", f"/users/{name}")["servers"].get("", {})

    def jobs(self) -> dict[str, str]:
        """Return the state of each job that waits or runs, by id."""
        lines = machine.slurm(self.site, "squeue", "--noheader", "--format=%A %T").splitlines()
        jobs = dict(line.split() for line in lines)
        return {job: state for job, state in jobs.items() if state != "COMPLETING"}

    def job_of(self, name: str) -> str:
        """Return the id of this person's job, by the home that it runs in."""
        lines = machine.slurm(self.site, "squeue", "--noheader", "--format=%A %Z").splitlines()
        (job,) = (line.split()[0] for line in lines if line.endswith(f"/{name}"))
        return job

    def said(self, pattern: str) -> list[str]:
        """Return what matches in the hub's log."""
        return re.findall(pattern, self.log())

    # -- people

    def start_session(self, *names: str, **choice) -> None:
        """Start sessions and wait until they answer."""
        with contextlib.suppress(urllib.error.HTTPError):  # 409: they are there already
            self.add_users(list(names))
        for name in names:
            self.press(name, **choice)
        for name in names:
            self.until(lambda name=name: self.server(name).get("ready"), 60)

    def press(self, name: str, **choice) -> requests.Response:
        """Press start; return the answer, which may be an error."""
        return self._request("POST", name, json={"profile": "cpu"} | choice)

    def stop_session(self, name: str) -> None:
        """Press stop, and wait until the hub says that it is stopped."""
        assert self._request("DELETE", name).status_code in (202, 204)
        wait_until(lambda: not self.server(name), 120)

    def _request(self, method: str, name: str, **arguments) -> requests.Response:
        return requests.request(
            method,
            f"{self.url}/hub/api/users/{name}/server",
            headers={"Authorization": f"token {self.settings.token}"},
            timeout=150,
            **arguments,
        )

    def browser(self, name: str) -> requests.Session:
        """Return a browser in which this person is logged in."""
        browser = requests.Session()
        browser.get(f"{self.url}/hub/login", timeout=30)
        token = next(cookie.value for cookie in browser.cookies if cookie.name == "_xsrf")
        answer = browser.post(
            f"{self.url}/hub/login",
            params={"_xsrf": token, "next": "/hub/home"},
            data={"username": name, "password": "any"},
            timeout=30,
        )
        assert answer.ok and "/login" not in answer.url, answer.url
        return browser

    def page(self, browser: requests.Session, path: str = "home") -> str:
        """Return the words of one of the hub's pages."""
        text = browser.get(f"{self.url}/hub/{path}", timeout=60).content.decode()
        main = text[text.index("<main") : text.index("</main>")]
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))

    def grow(self, count: int) -> list[str]:
        """Start `count` sessions; return their people."""
        return grow(self, 0, count)


def wait_until_running(site, job: str, seconds: float = 90) -> None:
    """Return when Slurm says that the job runs."""
    wait_until(
        lambda: "RUNNING" in machine.slurm(site, "squeue", "-h", "-j", job, "--format=%T"), seconds
    )


def end_of_process(process: psutil.Process) -> None:
    """Kill as a crash does."""
    process.kill()
    psutil.wait_procs([process], timeout=10)
