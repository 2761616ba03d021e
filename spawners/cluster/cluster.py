"""Start and stop one private Slurm cluster: munged, slurmctld, and a slurmd for each node."""

import fcntl
import json
import os
import pwd
import re
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import accounting, configuration, packages, processes, runfolder
from .description import ClusterDescription
from .packages import Installation

READY_STATES = {"idle", "mixed", "allocated", "completing"}
START_LIMIT = 30  # seconds until all nodes must be there
# What a daemon says of each first start (no state yet, no PMIx library) tells nothing.
TELLING = re.compile(r"^(?!.*(state file|state save|mpi|MPI|accounting)).*(error|fatal)", re.I)


class ClusterError(RuntimeError):
    """A cluster cannot start or stop; the text says why, with the log's own words."""


@dataclass(frozen=True)
class ClusterStatus:
    """What is there of a cluster at this moment.

    `daemons` maps munged, slurmctld and each node's name to the pid of its daemon (None: not
    running), `nodes` the nodes to Slurm's word for their state, `jobs` counts waiting and
    running ones; both are empty and None while slurmctld does not answer.
    """

    name: str
    daemons: dict[str, int | None]
    nodes: dict[str, str] = field(default_factory=dict)
    jobs: int | None = None

    @property
    def running(self) -> bool:
        """True if every daemon runs."""
        return all(self.daemons.values())


def free_ports(count: int) -> list[int]:
    """Return `count` different TCP ports that are free on the loopback address now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class PrivateCluster:
    """A real Slurm on the loopback address, run as the current user.

    `folder` keeps configuration, logs and the queue (also over a stop), `ports` are one for
    slurmctld, one for each node and, with accounting, one for slurmdbd; a cluster that runs
    already keeps those that it has.
    """

    def __init__(
        self,
        description: ClusterDescription,
        folder: Path,
        ports: list[int],
        installation: Installation,
    ):
        if len(ports) != description.port_count:
            raise ValueError(f"{description.name}: {description.port_count} ports are needed")
        self.description = description
        self.folder = Path(folder).absolute()
        self.ports = list(ports)
        self.installation = installation
        self._state_file = self.folder / "cluster.json"
        self._recall()

    @classmethod
    def load(cls, folder: Path, installation: Installation) -> "PrivateCluster | None":
        """Return the cluster that was started in `folder` earlier, or None."""
        try:
            state = json.loads(Path(folder, "cluster.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        description = ClusterDescription.model_validate(state["description"])
        return cls(description, folder, state["ports"], installation)

    def start(self, progress: Callable[[str], None] = lambda line: None) -> None:
        """Start what is not running yet and return when all nodes take jobs.

        The queue and running jobs of an earlier start are kept. `progress` gets a line for
        what happens. Raises ClusterError.
        """
        began = time.monotonic()
        with self._locked():
            running = processes.daemons(self.folder)
            self._prepare(alive=bool(running))
            missing = [name for name in self._daemon_names() if name not in running]
            if not missing:
                progress(f"Slurm cluster {self.description.name} is running already")
            try:
                self._launch(missing, running)
                self._wait_until_ready()
            except BaseException:  # an interrupt too: leave no half of a cluster
                self._undo(missing)
                raise
        if missing:
            progress(
                f"Slurm cluster {self.description.name} is ready: {len(self.description.nodes)} "
                f"nodes ({time.monotonic() - began:.1f} s; started {', '.join(missing)})"
            )

    def stop(self, progress: Callable[[str], None] = lambda line: None) -> None:
        """Cancel all jobs, then end the daemons and every process of the cluster.

        Job ids go on counting at the next start. Raises ClusterError if a process will not go.
        """
        if not self.folder.is_dir():
            return
        with self._locked():
            self._recall()
            # Remembered before the jobs are cancelled: what they leave loses its parent then.
            before = processes.members(self.folder, self._run)
            if before:
                progress(f"Stopping Slurm cluster {self.description.name} …")
                self._cancel_jobs(processes.daemons(self.folder))
            for _ in range(5):  # a process may have started another one meanwhile
                left = processes.members(self.folder, self._run) | before
                before = set()
                if not left:
                    break
                stubborn = processes.end(left)
                if stubborn:
                    pids = ", ".join(str(process.pid) for process in stubborn)
                    raise ClusterError(
                        f"{self.description.name}: processes {pids} cannot be ended; "
                        "an administrator can"
                    )
            if self._run is not None:
                runfolder.remove(self._run)

    def is_running(self) -> bool:
        """Return whether every daemon runs."""
        return not set(self._daemon_names()) - set(processes.daemons(self.folder))

    def environment(self) -> dict[str, str]:
        """Return what to add to an environment so that sbatch, squeue … speak to this cluster.

        PATH is complete (the current one behind Slurm's). Valid from start to stop.
        """
        root = self._program_root() if self._run else None
        return {
            "SLURM_CONF": str(self._shown() / "etc" / "slurm.conf"),
            **self.installation.environment(root=root),
        }

    def status(self) -> ClusterStatus:
        """Return which daemons run, and what Slurm says of its nodes and jobs."""
        running = processes.daemons(self.folder)
        pids = {
            name: running[name].pid if name in running else None for name in self._daemon_names()
        }
        nodes, jobs = {}, None
        if pids["munged"] and pids["slurmctld"]:
            try:
                nodes = self._node_states()
                jobs = len(self._slurm("squeue", "--noheader", "--format=%A").split())
            except (ClusterError, subprocess.TimeoutExpired):
                pass  # it does not answer: nothing is known
        return ClusterStatus(self.description.name, pids, nodes, jobs)

    # -- what start and stop consist of

    def _prepare(self, alive: bool) -> None:
        """Make folders and configuration; those of a running cluster stay as they are."""
        self._recall(strict=alive)
        if self._run is None:
            self._run = runfolder.choose(self.folder)
        runfolder.create(self._run)
        links = {"cluster": self.folder, "programs": self.installation.root}
        for name, target in links.items():
            runfolder.link(self._run / name, target)
        try:
            configuration.write(
                self.description,
                self.ports,
                self.installation,
                self.folder,
                self._shown(),
                self._run,
                self._program_root(),
            )
        except configuration.NotLoopback as error:
            raise ClusterError(f"{self.description.name}: {error}") from error
        state = {
            "description": self.description.model_dump(mode="json"),
            "ports": self.ports,
            "run": str(self._run),
        }
        self._state_file.write_text(json.dumps(state, indent=2) + "\n")
        self._log_sizes = {path: path.stat().st_size for path in self._logs()}

    def _launch(self, missing: list[str], running: dict) -> None:
        """Start the daemons named in `missing`; munged too if its socket has gone."""
        munge_socket = self._run / "munge.socket"
        if "munged" not in missing and not munge_socket.is_socket():
            processes.end([running["munged"]])
            missing.insert(0, "munged")
        programs = {
            name: str(self._program_root() / path.relative_to(self.installation.root))
            for name, path in self.installation.programs.items()
        }
        settings = str(self._shown() / "etc" / "slurm.conf")
        for name in missing:
            if name == "munged":
                munge_socket.unlink(missing_ok=True)
                key = runfolder.munge_key(self._run)
                command = [programs["munged"], "--num-threads=2", f"--key-file={key}"]
                command += [f"--socket={munge_socket}", f"--pid-file={self._run}/munged.pid"]
                command += [f"--log-file={self._run}/munged.log"]
                command += [f"--seed-file={self._run}/munged.seed"]
            elif name in accounting.DAEMONS:
                self._accounting().launch(name, self._base())
                continue
            elif name == "slurmctld":
                if self.description.accounting:
                    self._enroll()
                command = [programs["slurmctld"], "-f", settings]
            else:
                self._wait_for_slurmctld()
                (self._run / name).mkdir(mode=0o755, exist_ok=True)
                command = [programs["slurmd"], "-f", settings, "-N", name]
                command += ["-d", programs["slurmstepd"]]
            self._spawn(name, command)

    def _undo(self, started: list[str]) -> None:
        """End the daemons that a start which failed has started; what ran before goes on."""
        running = processes.daemons(self.folder)
        processes.end([running[name] for name in started if name in running])
        if not processes.members(self.folder, self._run):
            runfolder.remove(self._run)

    def _accounting(self) -> accounting.Accounting:
        """Return the accounting's daemons, whose programs are fetched at the first use."""
        try:
            programs = packages.ensure_accounting(self.installation)
        except packages.SlurmUnavailable as error:
            raise ClusterError(f"{self.description.name}: accounting: {error}") from error
        user = pwd.getpwuid(os.getuid()).pw_name
        return accounting.Accounting(
            self.folder, self._run, self.ports[-1], user, programs, self.installation
        )

    def _enroll(self) -> None:
        """Wait for slurmdbd, then make the cluster known to it."""
        self._wait(["slurmdbd"], self.ports[-1:], lambda states: True, ask=False)
        accounting.enroll(
            self.description.name,
            pwd.getpwuid(os.getuid()).pw_name,
            lambda *command: self._slurm(*command, check=False),
        )

    def _base(self) -> dict[str, str]:
        """Return the environment of a daemon: little of ours, and the cluster's marker."""
        environment = {
            key: value
            for key, value in os.environ.items()
            if key in ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "PATH")
        }
        base = environment | self.installation.environment(environment, self._program_root())
        return base | {configuration.MARKER: str(self.folder)}

    def _spawn(self, name: str, command: list[str]) -> None:
        """Run the daemon's program, which goes to the background by itself."""
        output = self._run / "start.log"
        with open(output, "wb") as log:
            code = subprocess.run(
                command,
                env=self._base(),
                cwd=self._run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in our terminal is not meant for it
                umask=0o022,
                timeout=START_LIMIT,
            ).returncode
        if code:
            said = output.read_text(errors="replace").strip()
            raise ClusterError(f"{self.description.name}: {name} did not start. {said}")

    def _wait_for_slurmctld(self) -> None:
        """Return when slurmctld answers: a slurmd that comes too early tries a second later."""
        self._wait(["slurmctld"], self.ports[:1], lambda states: True)

    def _wait_until_ready(self) -> None:
        """Return when every daemon listens and every node takes jobs."""
        wanted = {node.name for node in self.description.nodes}
        self._wait(
            self._daemon_names(),
            self.ports,
            lambda states: all(states.get(name) in READY_STATES for name in wanted),
        )

    def _wait(
        self, names: list[str], ports: list[int], done: Callable[[dict], bool], ask: bool = True
    ) -> None:
        """Return when the daemons `names` listen on `ports` and `done(node states)` is true.

        Without `ask` there is no slurmctld yet that would know of nodes. Raises ClusterError when
        one of them ends, or after START_LIMIT.
        """
        limit = time.monotonic() + START_LIMIT
        last_seen = time.monotonic()
        trouble = "no answer"
        while time.monotonic() < limit:
            running = processes.daemons(self.folder)
            gone = [name for name in names if name not in running]
            if not gone:
                last_seen = time.monotonic()
            # One that goes to the background changes its pid twice, and a look can miss it.
            elif time.monotonic() > last_seen + 1:
                trouble = f"{', '.join(gone)} ended"
                break
            # A command that comes before slurmctld listens would wait a second by itself.
            if not gone and processes.listening(running.values()).issuperset(ports):
                try:
                    states = self._node_states() if ask else {}
                    if done(states):
                        return
                    trouble = ", ".join(f"{name} is {state}" for name, state in states.items())
                except (ClusterError, subprocess.TimeoutExpired) as error:
                    trouble = str(error)
            time.sleep(0.02)
        raise ClusterError(
            f"{self.description.name}: not ready ({trouble}). "
            f"The logs in {self.folder / 'log'} say:\n" + "\n".join(self._telling_lines())
        )

    def _cancel_jobs(self, running: dict) -> None:
        """Cancel all jobs and wait until they are gone, or for a little more than KillWait."""
        missing = [name for name in ("munged", "slurmctld") if name not in running]
        try:
            if missing:  # without slurmctld the queue would come back at the next start
                self._prepare(alive=True)
                self._launch(missing, running)
            limit = time.monotonic() + configuration.KILL_WAIT + 5
            partition = f"--partition={self.description.partition}"
            while states := self._slurm("squeue", "--noheader", "--format=%T").split():
                if set(states) != {"COMPLETING"}:
                    # Waiting ones first: they would take the places of those that end.
                    self._slurm("scancel", "--quiet", "--state=PENDING", partition, check=False)
                    self._slurm("scancel", "--quiet", partition, check=False)
                if time.monotonic() > limit:
                    return
                time.sleep(0.1)
        except (ClusterError, subprocess.TimeoutExpired, OSError):
            return  # no orderly way: what runs is ended by force, waiting jobs stay in the queue

    # -- small questions

    def _daemon_names(self) -> list[str]:
        books = accounting.DAEMONS if self.description.accounting else ()
        return ["munged", *books, "slurmctld", *(node.name for node in self.description.nodes)]

    def _node_states(self) -> dict[str, str]:
        lines = self._slurm("sinfo", "--noheader", "--Node", "--format=%N %T").splitlines()
        return dict(line.split() for line in lines if line.strip())

    def _slurm(self, program: str, *arguments: str, check: bool = True) -> str:
        """Run one of Slurm's commands and return its output; raises ClusterError."""
        programs = self.installation.programs
        path = programs.get(program) or programs["scontrol"].with_name(program)
        done = subprocess.run(
            [str(path), *arguments],
            env={**os.environ, **self.environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
        )
        if check and done.returncode:
            raise ClusterError(f"{program}: {done.stderr.strip()}")
        return done.stdout

    def _recall(self, strict: bool = False) -> None:
        """Take ports and run folder of the last start if they still count.

        They do while a process of it is alive; then, if `strict`, another description is an
        error.
        """
        self._run = None
        try:
            state = json.loads(self._state_file.read_text())
        except (FileNotFoundError, ValueError):
            return
        run = Path(state["run"])
        if not run.is_dir() and not processes.marked(self.folder):
            return
        self._run = run
        if not processes.members(self.folder, run):
            return
        if state["description"] == self.description.model_dump(mode="json"):
            self.ports = state["ports"]
        elif strict:
            raise ClusterError(
                f"{self.description.name}: it runs with another description "
                f"(folder {self.folder}); stop it first"
            )

    def _shown(self) -> Path:
        """Return our folder by a path that Slurm's files can hold (no spaces, no #, …)."""
        return _plain(self.folder, self._run and self._run / "cluster")

    def _program_root(self) -> Path:
        return _plain(self.installation.root, self._run and self._run / "programs")

    def _logs(self) -> list[Path]:
        return sorted(self.folder.glob("log/*.log")) + sorted(self._run.glob("*.log"))

    def _telling_lines(self) -> list[str]:
        """Return the last errors that the daemons logged since `_prepare`."""
        lines = []
        for path in self._logs():
            with open(path, errors="replace") as log:
                log.seek(self._log_sizes.get(path, 0))
                told = [line.strip() for line in log if TELLING.search(line)]
            lines += [f"  {path.name}: {line}" for line in told[-4:]]
        return lines or ["  (no errors)"]

    @contextmanager
    def _locked(self):
        """Let one process at a time start or stop this cluster."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _plain(path: Path, link: Path | None) -> Path:
    """Return `path`, or `link` to it if `path` has letters that Slurm's files give a meaning."""
    return path if link is None or re.fullmatch(r"[A-Za-z0-9._/+-]+", str(path)) else link
