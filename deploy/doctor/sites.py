"""Each site: Slurm answers, its partition takes jobs, the launcher is allowed, a session starts."""

import asyncio
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from hub_config import sessions
from hub_config.deployment import Site
from hub_config.ending import running_launcher
from spawners.commands import SchedulerError, run
from spawners.login_node import LoginNode, environment, unreachable
from spawners.sites import LAUNCHER, SlurmSite

from . import quotas, remote
from .findings import PATIENCE, Finding, Installation, account
from .machine import INSTALL, clock, exists

SESSION_SECONDS = 120  # that the test session may take from sbatch to its end
# What the test session exits with -> what is wrong there.
HOME, PROGRAMS, HUB = 11, 12, 13
SILENT = ("unable to contact", "connect failure", "communication connection", "timed out")
CREDENTIAL = ("munge", "credential", "authentication", "zero bytes")


class Wrong(Exception):
    """The site cannot be used; carries the Finding."""

    def __init__(self, finding: Finding):
        self.finding = finding


def check(installation: Installation, name: str) -> Iterator[Finding]:
    """Yield what is wrong with a site: the first thing that keeps it from working, and notes."""
    described = installation.deployment.sites[name]
    if described.private_cluster and not running_launcher(installation.state):
        from spawners.cluster import packages

        if packages.find() is None:
            where = installation.at(f"sites.{name}.private_cluster")
            yield Finding(
                where,
                "No hay Slurm; las sesiones serían procesos de esta máquina",
                "There is no Slurm; sessions would be processes of this machine",
                INSTALL,
                warning=True,
            )
        return  # it is started with Minga
    site = sessions.sites(installation.deployment, installation.state)[name]
    if site.scheduler != "slurm":
        return
    yield from asyncio.run(_Visit(installation, name, described, site).all())


class _Visit:
    def __init__(self, installation: Installation, name: str, described: Site, site: SlurmSite):
        self.installation, self.name = installation, name
        self.described, self.site = described, site
        if described.ssh:  # by a connection of its own: the hub's open one may be of better days
            site.gate = LoginNode(**described.ssh.model_dump()).command(name)
        self.tunnel = remote.Tunnel(installation) if site.tunnel else None

    async def all(self) -> list[Finding]:
        """Return what is found on the way to a session; the first thing that is in it ends it."""
        found = []
        try:
            if self.site.gate:
                found += await remote.is_restricted(self)
            found += await self.clock()
            await self.partition()
            found += await quotas.check(self)
            await self.launcher()
            found += await self.session()
        except Wrong as wrong:
            found.append(wrong.finding)
        return found

    def wrong(self, key: str, es: str, en: str, mend: str, warning: bool = False) -> Finding:
        where = self.installation.at(f"sites.{self.name}.{key}")
        return Finding(where, f"{self.name}: {es}", f"{self.name}: {en}", mend, warning)

    def shell(self, *command: str) -> str:
        """Return a command at the site as somebody would type it."""
        given = [f"{key}={value}" for key, value in self.described.environment.items()]
        if self.described.ssh:
            return f"{shlex.join(command)}    # {self.described.ssh.login.split('@')[1]}"
        prefix = self.site.query_prefix
        return shlex.join([*prefix, *(["env", *given] if given else []), *command])

    async def ask(self, *command: str) -> str:
        """Run one of Slurm's commands as the hub does; raises Wrong, with what mends it."""
        whole = ["ssh"] if self.site.gate else [*self.site.query_prefix, *command]
        try:
            return (await asyncio.wait_for(self.site.ask(command), PATIENCE))[0]
        except FileNotFoundError:
            raise Wrong(
                self.wrong(
                    "environment",
                    f"no está el programa {whole[0]}",
                    f"there is no program {whole[0]}",
                    "sudo apt-get install slurm-client    # or PATH in environment",
                )
            ) from None
        except TimeoutError:
            said = f"no answer in {PATIENCE} s"
        except SchedulerError as error:
            said = str(error)
        raise Wrong(self.silence(said))

    def silence(self, said: str) -> Finding:
        """Return the finding for what Slurm, or ssh on the way to it, said instead of an answer."""
        shown, low = said.strip()[-300:], said.lower()
        if self.site.gate and (unreachable(said) or "identity file" in low):
            return remote.not_let_in(self, said)
        if self.site.gate and ("not found" in low or "no such file" in low or "can't open" in low):
            return self.wrong(
                "ssh.login",
                f"falta un programa en el nodo de ingreso: {shown}",
                f"a program is missing on the login node: {shown}",
                remote.add_key(self.described, self.site),
            )
        if self.site.query_prefix and ("ssh" in low or "host key" in low or "not found" in low):
            return self.wrong(
                "query_prefix",
                f"no se llega al clúster: {shown}",
                f"the cluster cannot be reached: {shown}",
                shlex.join([*self.site.query_prefix, "true"]),
            )
        services = (
            "slurmctld munge" if any(s in low for s in (*SILENT, *CREDENTIAL)) else "slurmctld"
        )
        clocks = "; timedatectl" if any(sign in low for sign in CREDENTIAL) else ""
        return self.wrong(
            "environment",
            f"Slurm no responde: {shown}",
            f"Slurm does not answer: {shown}",
            f"{self.shell('scontrol', 'ping')}; systemctl status {services}{clocks}",
        )

    async def clock(self) -> list[Finding]:
        """Another machine's clock: Slurm refuses what comes from too far away in time."""
        if not (self.site.query_prefix or self.site.gate):
            return []
        began = time.time()
        there = (await self.ask("date", "+%s")).strip()
        middle = (began + time.time()) / 2
        key = "ssh" if self.site.gate else "query_prefix"
        where = self.installation.at(f"sites.{self.name}.{key}")
        return list(clock(where, middle - int(there))) if there.isdigit() else []

    async def partition(self) -> None:
        """The partition is there, is open, and has a node that takes jobs."""
        wanted = self.described.partition
        only = [f"--partition={wanted}"] if wanted else []
        shown = await self.ask("sinfo", "--noheader", "--format=%R:%a:%T", *only)
        rows = [line.strip().split(":") for line in shown.splitlines() if line.strip()]
        if not rows:
            known = (await self.ask("sinfo", "--noheader", "--format=%R")).split()
            names = ", ".join(dict.fromkeys(known)) or "-"
            raise Wrong(
                self.wrong(
                    "partition",
                    f"no existe la partición «{wanted}»; hay: {names}",
                    f"there is no partition «{wanted}»; there are: {names}",
                    self.shell("sinfo", "--summarize"),
                )
            )
        if all(row[1] != "up" for row in rows):
            raise Wrong(
                self.wrong(
                    "partition",
                    "la partición no recibe trabajos",
                    "the partition takes no jobs",
                    self.shell("scontrol", "update", f"PartitionName={rows[0][0]}", "State=UP"),
                )
            )
        if not any(row[2].rstrip("*~#%$@+-") in ("idle", "mixed", "allocated") for row in rows):
            states = ", ".join(sorted({row[2] for row in rows}))
            raise Wrong(
                self.wrong(
                    "partition",
                    f"ningún nodo recibe trabajos ({states})",
                    f"no node takes jobs ({states})",
                    self.shell("sinfo", "--list-reasons"),
                )
            )

    @property
    def person(self) -> str:
        """Whose account the test session has; "" if there is nobody."""
        deployment = self.installation.deployment
        if self.installation.person or deployment.accounts == "shared":
            return self.installation.person or "minga-doctor"
        named = [p for c in deployment.courses.values() for p in (*c.instructors, *c.students)]
        away = self.site.query_prefix or self.site.gate
        here = [p for p in named if away or exists(p)]
        return next(iter(here), "")

    async def launcher(self) -> None:
        """Ask the launcher for what is no job: it refuses in its own words, so it is allowed."""
        if not self.person:
            raise Wrong(
                self.wrong(
                    "user_prefix",
                    "nadie de los cursos tiene cuenta ahí; la sesión de prueba no se hizo",
                    "nobody of the courses has an account there; no test session was made",
                    "make doctor PERSON=…",
                    warning=True,
                )
            )
        prefix = [part.replace("{username}", self.person) for part in self.site.user_prefix]
        program = [self.site.python, "-I", "-S", str(LAUNCHER)]
        request = {"action": "cancel", "job": "none", "environment": {}}
        command, own = [*prefix, *program], self.site.environment
        if self.site.gate:
            command, own = self.site.gate, environment()
            request["account"] = self.person
        try:
            await asyncio.wait_for(run(command, own, request), PATIENCE)
            return
        except TimeoutError:
            said = f"no answer in {PATIENCE} s"
        except (OSError, SchedulerError) as error:
            said = str(error)
        if "not a job id" in said:
            return
        shown, low = said.strip()[-300:], said.lower()
        if "sudo" in low or "password" in low or "not allowed" in low:
            who = self.described.ssh.login.split("@")[0] if self.site.gate else account()
            line = f"{who} ALL=({self.person}) NOPASSWD: {' '.join(program)}"
            raise Wrong(
                self.wrong(
                    "user_prefix",
                    f"sudo no deja iniciar el lanzador: {shown}",
                    f"sudo does not allow the launcher: {shown}",
                    f"echo '{line}' | sudo EDITOR='tee -a' visudo -f /etc/sudoers.d/minga",
                )
            )
        raise Wrong(
            self.wrong(
                "python" if self.site.python in said or "No such file" in said else "user_prefix",
                f"el lanzador no arranca como {self.person}: {shown}",
                f"the launcher does not start as {self.person}: {shown}",
                shlex.join([*prefix, "ls", "-l", self.site.python, str(LAUNCHER)]),
            )
        )

    def home(self) -> str:
        """Return the folder that a session of `person` begins in."""
        deployment, state = self.installation.deployment, self.installation.state
        if self.described.home or deployment.accounts == "personal":
            pattern = self.described.home or "/home/{username}"
            return pattern.replace("{username}", self.person)
        return str(state.home(self.person))

    def script(self, hub: str) -> str:
        """Return the test session: what a session needs, each with an exit status of its own."""
        python = shlex.quote(self.site.python)
        lines = [
            "#!/bin/sh",
            "#SBATCH --job-name=minga-doctor",
            "#SBATCH --output=/dev/null",
            "#SBATCH --time=5",
            "#SBATCH --mem=256",
            *([f"#SBATCH --partition={self.site.partition}"] if self.site.partition else []),
            f'cd "$HOME" && touch .minga/doctor && rm .minga/doctor || exit {HOME}',
            f"{python} -I -c 'import importlib.util as u, sys; "
            'sys.exit(not all(map(u.find_spec, ("jupyterhub", "jupyterlab", "nbgrader"))))\' '
            f"|| exit {PROGRAMS}",
        ]
        if self.tunnel and self.tunnel.door:
            lines.append(self.tunnel.script())
        if hub:
            ask = "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=10)"
            lines.append(f"{python} -I -c '{ask}' {shlex.quote(hub)} || exit {HUB}")
        return "\n".join(lines) + "\n"

    def hub(self) -> str:
        """Return an address of the hub that answers when it runs, "" while it does not."""
        if not running_launcher(self.installation.state):
            return ""
        hub = self.installation.deployment.hub
        if hub.internal_tls:
            return ""  # it answers only those who show a session's certificate
        base = hub.url or f"http://127.0.0.1:{self.installation.state.ports()['hub']}/"
        return f"{base}hub/health"

    async def session(self) -> list[Finding]:
        """Hand in a job as a session is handed in, and wait until it has looked around."""
        home, hub = self.home(), self.hub()
        if self.tunnel and not self.tunnel.is_waited_for():
            if missing := self.tunnel.missing():
                raise Wrong(missing[0])
        elif self.tunnel:
            self.tunnel.open()
        try:
            return await self.look_around(home, hub)
        finally:
            if self.tunnel:
                self.tunnel.close()

    async def look_around(self, home: str, hub: str) -> list[Finding]:
        """Hand in the test session; raise Wrong, or return what it found."""
        files = self.tunnel.files if self.tunnel else {}
        script = self.script(hub)
        try:
            job = await self.site.submit(self.person, script, {"HOME": home}, home, files)
        except (SchedulerError, OSError, TimeoutError) as error:
            raise Wrong(self.refusal(str(error), home)) from error
        try:
            state, code, reason = await self.end_of(job)
        finally:
            if self.installation.deployment.accounts == "shared" and not self.described.home:
                shutil.rmtree(self.installation.state.homes / "minga-doctor", ignore_errors=True)
        if state == "COMPLETED":
            return []
        if state in ("PENDING", "CONFIGURING"):
            return [
                self.wrong(
                    "partition",
                    f"la sesión de prueba quedó en la cola ({reason})",
                    f"the test session stayed in the queue ({reason})",
                    self.shell("squeue", "--start"),
                    warning=True,
                )
            ]
        raise Wrong(self.failure(state, code, reason, home, hub))

    def refusal(self, said: str, home: str) -> Finding:
        """Return the finding for a job that was not taken: the home's, or Slurm's own words."""
        shown = said.strip()[-300:]
        if re.search(r"Errno|Permission denied|No space left|Read-only", said):
            return self.wrong(
                "home",
                f"no se puede escribir en {home}: {shown}",
                f"{home} cannot be written to: {shown}",
                f"sudo install -d -m 700 -o {self.person} {home}; df -h {home}",
            )
        return self.wrong(
            "partition",
            f"Slurm no aceptó la sesión de prueba: {shown}",
            f"Slurm did not take the test session: {shown}",
            self.shell("scontrol", "show", "partition", self.site.partition or ""),
        )

    def failure(self, state: str, code: int, reason: str, home: str, hub: str) -> Finding:
        """Return the finding for a test session that ended otherwise than well."""
        if code == HOME:
            return self.wrong(
                "home",
                f"en el nodo no está, o no se puede escribir, {home}",
                f"on the node {home} is missing or cannot be written to",
                f"ls -ld {home}    # on a node",
            )
        if code == PROGRAMS:
            return self.wrong(
                "python",
                f"en el nodo falta {self.site.python}, o JupyterLab en él",
                f"on the node {self.site.python} is missing, or JupyterLab in it",
                f"{self.site.python} -m jupyterlab --version    # on a node",
            )
        if self.tunnel and code in (remote.NO_WAY, remote.REFUSED):
            return self.tunnel.failure(self, code)
        if code == HUB:
            host = urlsplit(hub).netloc
            return Finding(
                self.installation.at("hub.url"),
                f"{self.name}: el nodo no llega al hub en {host}",
                f"{self.name}: the node does not reach the hub at {host}",
                f"curl -sS {hub}    # on a node",
            )
        return self.wrong(
            "partition",
            f"la sesión de prueba terminó en {state} (código {code}, {reason})",
            f"the test session ended as {state} (exit status {code}, {reason})",
            self.shell("sinfo", "--list-reasons"),
        )

    async def end_of(self, job: str) -> tuple[str, int, str]:
        """Return state, exit status and reason of a job at its end; take back one that waits."""
        end = time.monotonic() + SESSION_SECONDS
        while True:
            shown = await self.ask("scontrol", "show", "job", job, "--oneliner")
            words = dict(word.split("=", 1) for word in shown.split() if "=" in word)
            state, reason = words.get("JobState", "?"), words.get("Reason", "-")
            if state not in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING"):
                return state, int(words.get("ExitCode", "0:0").split(":")[0]), reason
            if time.monotonic() > end:
                await self.site.cancel(self.person, job)
                return state, 0, reason
            await asyncio.sleep(0.5)
