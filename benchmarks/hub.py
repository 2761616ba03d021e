"""One real JupyterHub with one spawner: start, ask, kill, restart, and count what it uses."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from jupyterhub._version import __version__ as hub_version

from hub_config import proxy
from spawners.cluster import processes
from spawners.cluster.cluster import PrivateCluster, free_ports

from . import machine

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Usage:
    """CPU-seconds of a hub since its start: its own, and of the processes it waited for."""

    own: float
    children: float

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.own - other.own, self.children - other.children)

    @property
    def total(self) -> float:
        """All CPU-seconds."""
        return self.own + self.children


@dataclass
class Settings:
    """What jupyterhub_config.py is told. `spawner`: ours, stock or local."""

    spawner: str
    folder: str
    slurm_environment: dict
    nodes: list
    partition: str
    stub: bool = True
    concurrent_spawn_limit: int | None = None  # None: JupyterHub's default, 100
    session_environment: dict = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    port: int = 0
    hub_port: int = 0
    proxy_port: int = 0
    proxy: list = field(default_factory=lambda: proxy.COMMAND)


class Hub:
    """A hub in a folder of its own, with its proxy; a context manager that ends everything."""

    config = ROOT / "benchmarks" / "jupyterhub_config.py"

    def __init__(self, spawner: str, site: PrivateCluster, folder: Path, **settings):
        self.site = site
        self.root = folder  # the whole measurement's, by which processes are marked
        self.folder = folder / f"{spawner}-{secrets.token_hex(3)}"
        (self.folder / "homes").mkdir(parents=True)
        slurm_environment = {
            key: value
            for key, value in site.environment().items()
            if key in ("SLURM_CONF", "LD_LIBRARY_PATH")
        }
        environment = {
            machine.MARK: str(folder),
            "MINGA_BENCHMARK_HUB_VERSION": hub_version,
        }
        self.settings = Settings(
            spawner=spawner,
            folder=str(self.folder),
            slurm_environment=slurm_environment,
            nodes=[node.name for node in site.description.nodes],
            partition=site.description.partition,
            **settings,
        )
        self.settings.session_environment = environment | self.settings.session_environment
        ports = free_ports(3)
        self.settings.port, self.settings.hub_port, self.settings.proxy_port = ports
        self.url = f"http://127.0.0.1:{self.settings.port}"
        self.process: psutil.Popen | None = None
        self.proxy: psutil.Popen | None = None  # where it is not the hub's

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(psutil.TimeoutExpired):
                self.process.wait(timeout=20)
        with contextlib.suppress(subprocess.SubprocessError, TimeoutError):
            machine.cancel_all(self.site)
        machine.end_marked(self.root)

    def start(self, wait: bool = True) -> None:
        """Start the hub (again); return when it answers, or at once without `wait`."""
        self._end_proxy()
        environment = self.site.environment()
        programs = str(Path(sys.executable).parent)
        settings = self.settings
        if settings.spawner == "ours":  # as hub_config.run does
            ports = settings.port, settings.proxy_port, settings.hub_port
            self.proxy = self._begin(
                proxy.listening("127.0.0.1", *ports), CONFIGPROXY_AUTH_TOKEN=settings.token
            )
        self.process = self._begin(
            [sys.executable, "-m", "jupyterhub", "-f", str(self.config)],
            **environment
            | {
                "PATH": f"{programs}:{environment['PATH']}",
                "MINGA_BENCHMARK_SETTINGS": json.dumps(asdict(settings)),
            },
        )
        if wait:
            self.until(lambda: self.answers("/health"), 60)

    def _begin(self, command: list[str], **environment: str) -> psutil.Popen:
        """Start a process that is marked as this measurement's; what it says is in the log."""
        with open(self.folder / "hub.log", "ab") as log:
            return psutil.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **environment, machine.MARK: str(self.root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _end_proxy(self) -> None:
        """End what a killed hub left, as hub_config.run does before each start."""
        if self.proxy:
            processes.end([self.proxy])
            self.proxy.wait()
            return
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            left = psutil.Process(int((self.folder / "proxy.pid").read_text()))
            if left.environ().get(machine.MARK) == str(self.root):
                processes.end([left])

    def kill(self) -> None:
        """End the hub as a crash does: no clean-up, the proxy and the sessions go on."""
        self.process.kill()
        self.process.wait(timeout=10)

    def until(self, question, seconds: float, every: float = 0.1):
        """Return the first true answer; raises TimeoutError, RuntimeError if the hub ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the hub ended:\n{self.log()[-4000:]}")
            answer = question()
            if answer:
                return answer
            time.sleep(every)
        raise TimeoutError(f"not within {seconds:.0f} s; the hub's log ends:\n{self.log()[-2000:]}")

    def log(self) -> str:
        """Return what the hub has printed so far."""
        return (self.folder / "hub.log").read_text(errors="replace")

    def answers(self, path: str) -> bool:
        """Return whether the hub answers at `path` now."""
        try:
            urllib.request.urlopen(f"{self.url}/hub{path}", timeout=5).close()  # noqa: S310
        except (OSError, urllib.error.URLError):
            return False
        return True

    def api(self, method: str, path: str, body=None, timeout: float = 60):
        """Return the JSON answer of the hub's REST API."""
        request = urllib.request.Request(  # noqa: S310 (loopback)
            f"{self.url}/hub/api{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.settings.token}"},
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")

    def add_users(self, names: list[str]) -> None:
        """Make the accounts, so that a start measures the start only."""
        for first in range(0, len(names), 50):
            self.api("POST", "/users", {"usernames": names[first : first + 50]})

    def ready_servers(self) -> int:
        """Return how many sessions the hub says are ready."""
        users = self.api("GET", "/users?state=ready")
        return sum(user["servers"].get("", {}).get("ready", False) for user in users)

    def session_answers(self, name: str) -> bool:
        """Return whether the session of `name` answers through the proxy."""
        try:
            address = f"{self.url}/user/{name}/api"
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310
                return "/hub/" not in answer.url
        except (OSError, urllib.error.URLError):
            return False

    def usage(self) -> Usage:
        """Return the CPU time used by the hub and by the processes that it waited for."""
        times = self.process.cpu_times()
        return Usage(times.user + times.system, times.children_user + times.children_system)

    def memory_mb(self) -> float:
        """Return the hub's resident memory."""
        return self.process.memory_info().rss / 2**20

    def calls(self) -> list[tuple[float, str]]:
        """Return (seconds since 1970, program) for each process that the hub started.

        Ours hands jobs in through `launcher.py`, which starts sbatch: counted as both.
        """
        result = []
        for line in (self.folder / "calls").read_text().splitlines():
            moment, name = line.split()
            result.append((float(moment), name))
            if name == "launcher.py":
                result.append((float(moment), "sbatch"))
        return result

    def counted(self, since: float) -> Counter:
        """Return how often each program was started since a moment (time.time())."""
        return Counter(name for moment, name in self.calls() if moment >= since)
