"""The sites where sessions run, and the two ways to hand a session to one.

A site is a cluster of its own: its own Slurm, its own accounts. The hub reaches it by a
*command prefix*, always as an argument list, or by a *gate*: one program on the site's login node
(gate.py) that an ssh key may start. A job is (site, id): ids repeat between sites.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import accounted
from .capacity import SiteCapacity
from .commands import SchedulerError, run, run_both, until_calm
from .listing import ALL_JOBS, Comments, Listing, states
from .login_node import LoginNode, unreachable
from .login_node import environment as own_environment
from .messages import Message
from .queue import Job, SiteQueue
from .quota import SiteQuota
from .session_extension import reserved_from

JOB_NAME = "minga"
# A class that presses start at once hands its jobs in one after the other, a few at a time:
# sbatch takes hundredths of a second, and hundreds of processes at once take longer together.
LAUNCHERS = 4
# They are not in as much of a hurry as the people whom the hub answers meanwhile.
GENTLY = ("nice", "-n", "5")
LAUNCHER = Path(__file__).with_name("launcher.py")
# What may stand for {username} in a site's command: nothing that ssh or sudo takes for an option
# (`-oProxyCommand=…`), whatever names the hub's authenticator lets in.
ACCOUNT = re.compile(r"\w[\w.@+-]*")
# Where a site's own programs are unless its `environment` says so.
USUAL_PATH = "/usr/local/bin:/usr/bin:/bin"


class SlurmSite:
    """One Slurm cluster: submit, cancel, and one shared view of its queue.

    `environment` is what Slurm's commands need to find this cluster (PATH, SLURM_CONF …);
    `query_prefix` reaches the cluster as the hub, `user_prefix` as the person whose session it
    is, with `{username}` in it replaced. With a `login_node` both are the site's own business
    (gate.py), and `personal` says whether each session runs as its person there. `addresses` maps
    node names to what the hub can connect to, where they differ; `listen` is the address that
    servers bind on their node. `tunnel`: nodes cannot be reached; sessions come to the hub.
    `counted` are the Slurm accounts whose GPU-hours have a limit.
    """

    scheduler = "slurm"

    def __init__(
        self,
        name: str,
        *,
        environment: Mapping[str, str] | None = None,
        query_prefix: Sequence[str] = (),
        user_prefix: Sequence[str] = (),
        addresses: Mapping[str, str] | None = None,
        listen: str = "0.0.0.0",  # noqa: S104 (a compute node's address, unless configured)
        partition: str = "",
        python: str = sys.executable,
        login_node: LoginNode | None = None,
        personal: bool = False,
        tunnel: bool = False,
        counted: Sequence[str] = (),
    ):
        self.name = name
        path = USUAL_PATH if login_node else os.environ.get("PATH", os.defpath)
        self.environment = {"PATH": path, **(environment or {})}
        self.gate = login_node.command(name) if login_node else []
        self.tunnel = tunnel
        self.query_prefix = list(query_prefix)
        self.user_prefix = list(user_prefix)
        self._personal = personal or any("{username}" in part for part in user_prefix)
        self.addresses = dict(addresses or {})
        self.listen = listen
        self.partition = partition
        self.python = python
        self._listing = Listing()
        self.queue = SiteQueue(name, self._jobs, states=self._states)
        self.capacity = SiteCapacity(name, partition, self.queue, self.ask)
        self.quota = SiteQuota(name, counted, self.ask) if counted else None
        self._launchers = asyncio.Semaphore(LAUNCHERS)
        self._nodes: tuple[float, list[str]] = (float("-inf"), [])

    def __deepcopy__(self, memo):
        """One site is one object: traitlets would give every session a copy, with its own queue."""
        return self

    async def submit(
        self,
        username: str,
        script: str,
        environment: dict,
        home: str,
        files: dict[str, str] | None = None,
    ) -> str:
        """Hand `script` to sbatch as `username` and return the job's id.

        `files` are written below `home`/.minga before, for this account only. Raises
        SchedulerError with Slurm's words if it is refused.
        """
        answer = await self._launch(
            username,
            {
                "action": "submit",
                "script": script,
                "environment": {**self.environment, **environment},
                "home": home,
                "files": files or {},
            },
        )
        job_id = (answer.strip().splitlines() or [""])[-1].split(";")[0]
        if not job_id.isdigit():
            raise SchedulerError(f"sbatch answered no job id: {answer.strip()[:200]!r}")
        return job_id

    async def cancel(self, username: str, job_id: str) -> None:
        """Take the job back, whatever it is doing. Raises SchedulerError if Slurm refuses."""
        await self._launch(
            username, {"action": "cancel", "job": job_id, "environment": self.environment}
        )

    async def leave_reservation(self, username: str, job_id: str, qos: str = "") -> None:
        """Let a waiting job wait like everybody's, with another QOS if one is named.

        Raises SchedulerError if Slurm refuses.
        """
        request = {"action": "leave", "job": job_id, "qos": qos}
        await self._launch(username, {**request, "environment": self.environment})

    async def shorten(self, username: str, job_id: str, minutes: int) -> None:
        """Make a job's time limit `minutes` since its start; SchedulerError if Slurm refuses."""
        request = {"action": "shorten", "job": job_id, "minutes": minutes}
        await self._launch(username, {**request, "environment": self.environment})

    async def extend(self, job_id: str, minutes: int, prefix: Sequence[str]) -> None:
        """Make a running job's time limit `minutes` since its start, as a Slurm operator.

        `prefix` becomes that account on the cluster; empty: as the hub asks for its queue.
        Raises SchedulerError if Slurm refuses.
        """
        request = {"action": "extend", "job": job_id, "minutes": minutes}
        if self.gate:  # as its own account there
            await asyncio.wait_for(run(self.gate, own_environment(), request), timeout=30)
            return
        request["environment"] = self.environment
        command = [*(prefix or self.query_prefix), self.python, "-I", "-S", str(LAUNCHER)]
        await asyncio.wait_for(run(command, self.environment, request), timeout=30)

    async def keep_books(self, command: Sequence[str]) -> None:
        """Give one of sacctmgr's orders, as the hub's account there: a Slurm operator.

        Raises SchedulerError with sacctmgr's own words, OSError or TimeoutError. A gate takes
        the orders that gate.py lists, for the accounts that its site names.
        """
        if self.gate:
            order = run(self.gate, own_environment(), {"books": list(command)})
        else:
            order = run([*self.query_prefix, *command], self.environment)
        await asyncio.wait_for(order, timeout=30)

    async def kept_accounts(self) -> set[str] | None:
        """Return the accounts that keep_books may change; None: whichever Slurm itself lets it.

        Raises SchedulerError, OSError or TimeoutError if the site does not say.
        """
        if not self.gate:
            return None
        answer = await asyncio.wait_for(run(self.gate, own_environment(), {"books": []}), 30)
        return set(answer.strip().split(",")) - {""}

    async def reserved_from(self, node: str, until: float) -> float | None:
        """Return when `node` is reserved next, if that is before `until` (since 1970).

        Raises SchedulerError, OSError or TimeoutError if the site does not say.
        """
        async with asyncio.timeout(20):
            return await reserved_from(self.ask, node, time.time(), until)

    async def longest_hours(self) -> int | None:
        """Return the whole hours that its partition lets a job take; None: no limit.

        Raises SchedulerError if the site has not said.
        """
        self.capacity.look(())
        await self.capacity.first_answer()
        view = self.capacity.view
        if view is None or not view.partition:
            raise SchedulerError("sinfo does not answer")
        return view.hours

    @property
    def session_path(self) -> str:
        """PATH inside a session: the notebook environment's programs, then the site's."""
        return os.pathsep.join([str(Path(self.python).parent), self.environment["PATH"]])

    async def nodes(self) -> list[str]:
        """Return the names of all nodes that a job may run on, at most ten minutes old.

        Raises SchedulerError if Slurm does not say.
        """
        asked, names = self._nodes
        if time.monotonic() - asked > 600:
            command = ["sinfo", "--noheader", "--Node", "--format=%N"]
            if self.partition:
                command.append(f"--partition={self.partition}")
            try:
                output, _ = await asyncio.wait_for(self.ask(command), timeout=10)
                names = sorted(set(output.split()))
            except (SchedulerError, TimeoutError):
                if not names:  # nodes seldom change: the last answer is better than none
                    raise
            self._nodes = (time.monotonic(), names)
        return names

    def adopt(self, job_id: str) -> None:
        """Nothing to do: Slurm itself remembers a job that an earlier hub submitted."""

    def address(self, node: str) -> str:
        """Return what the hub connects to for a server on `node`."""
        return self.addresses.get(node, node)

    async def _launch(self, username: str, request: dict) -> str:
        if self._personal and not ACCOUNT.fullmatch(username):
            raise SchedulerError(f"Invalid account: {username!r} is no name of a Unix account")
        prefix = [part.replace("{username}", username) for part in self.user_prefix]
        # -I -S: nothing of the current folder, the environment or the installed packages is
        # imported; the launcher needs the standard library only.
        command = [*GENTLY, *prefix, self.python, "-I", "-S", str(LAUNCHER)]
        environment = self.environment
        if self.gate:
            command, environment = [*GENTLY, *self.gate], own_environment()
            request = {**request, "account": username}
        async with self._launchers:
            if request["action"] == "submit":
                await until_calm()
            return await asyncio.wait_for(run(command, environment, request), timeout=60)

    async def ask(self, command: Sequence[str]) -> tuple[str, str]:
        """Ask the scheduler; return the command's output and error output.

        Raises SchedulerError with the command's own words, or OSError. A gate answers no other
        questions than gate.py lists.
        """
        if self.gate:
            return await run_both(self.gate, own_environment(), {"ask": list(command)})
        # Seconds since 1970, whatever time zone the cluster is in; ssh keeps no variables.
        far = ["env", "SLURM_TIME_FORMAT=%s"] if self.query_prefix else []
        environment = {**self.environment, "SLURM_TIME_FORMAT": "%s"}
        return await run_both([*self.query_prefix, *far, *command], environment)

    async def _jobs(self) -> list[Job]:
        return self._listing.jobs((await self.ask(self._listing.command))[0])

    async def tags(self) -> dict[str, str]:
        """Return the comment of each job by its id: ours are the tags of sessions (ownership.py).

        Raises SchedulerError, OSError, TimeoutError or ValueError if the site does not say.
        """
        comments = Comments()
        async with asyncio.timeout(self.queue.timeout):
            return comments.read((await self.ask(comments.command))[0])

    async def accounted(self, jobs: Sequence[str]) -> dict[str, accounted.Accounted]:
        """Return what the accounting has of jobs, by number; those it does not have are missing.

        Raises SchedulerError, OSError, TimeoutError or ValueError if the site does not say, as
        one without accounting.
        """
        async with asyncio.timeout(60):
            return accounted.read((await self.ask(accounted.command(jobs)))[0])

    def runs_as(self, username: str) -> str:
        """Return the Unix account of a person's jobs; "": all sessions share one."""
        return username if self._personal else ""

    async def _states(self) -> dict[str, str]:
        return states((await self.ask(ALL_JOBS))[0])


# What sbatch says when it refuses -> what the student reads. Slurm's sentences are from
# slurm_strerror (src/common/slurm_errno.c).
REFUSALS = {
    "Requested node configuration is not available": Message(
        "ningún equipo de esta sede tiene tantos recursos; elige una máquina más pequeña"
    ),
    "Requested time limit is invalid": Message("pediste más horas de las que la sede permite"),
    "Required partition not available": Message("la partición no recibe sesiones en este momento"),
    "Invalid account": Message("tu cuenta no está habilitada en esta sede"),
    "Invalid partition": Message("la partición configurada no existe en esta sede"),
    "Invalid qos": Message("la calidad de servicio configurada no existe en esta sede"),
    "Job violates accounting/QOS policy": Message(
        "superaste el límite de sesiones o de horas que la sede da a cada persona"
    ),
    "Unable to contact slurm controller": Message("el planificador no responde en este momento"),
    "Socket timed out": Message("el planificador no responde en este momento"),
    # What Slurm's commands say when slurmctld does not believe them (clocks that differ).
    "Zero Bytes were transmitted": Message("el planificador no responde en este momento"),
    "Requested reservation is invalid": Message("la reserva del curso no está activa ahora"),
    "authentication error": Message("el planificador no responde en este momento"),
    # The launcher's own words, about the person's home (os.strerror).
    "No space left on device": Message("tu carpeta está llena; libera espacio y vuelve a intentar"),
    "Disk quota exceeded": Message("tu carpeta está llena; libera espacio y vuelve a intentar"),
    "No such file or directory": Message("tu carpeta no está disponible en la sede"),
    "Permission denied": Message("tu carpeta no está disponible en la sede"),
    "Read-only file system": Message("tu carpeta no está disponible en la sede"),
    "Stale file handle": Message("tu carpeta no está disponible en la sede"),
    "Input/output error": Message("tu carpeta no está disponible en la sede"),
    "Transport endpoint is not connected": Message("tu carpeta no está disponible en la sede"),
}


def refusal(words: str) -> Message:
    """Return what a student should read about sbatch's refusal in `words`."""
    if unreachable(words):  # "Permission denied" is ssh's too
        return Message("no se puede llegar a la sede en este momento")
    for slurm, message in REFUSALS.items():
        if slurm.lower() in words.lower():
            return message
    return Message("el planificador no aceptó el pedido")
