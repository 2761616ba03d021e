"""Start Minga on this machine, and stop it: what `make hub` and `make stop` call.

    python -m hub_config.run           start; Ctrl-C stops everything that was started
    python -m hub_config.run --stop    the same from another terminal

If the hub alone ends (a crash, a kill), its sessions live on, and the next start finds them.
"""

import argparse
import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil

from courses.models import load_course
from deploy.terminal import fail, say
from spawners.cluster import packages
from spawners.cluster.cluster import ClusterError, PrivateCluster
from spawners.cluster.runfolder import RunFolderError

from . import course_account, openid_provider, proxy, services, tunnels
from .deployment import ROOT, Deployment, DeploymentError, load
from .ending import HUB_MARK, end_marked, end_sessions, running_launcher, stop
from .state import State, is_free


def main() -> None:
    """Parse the command line and start or stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stop", action="store_true", help="stop what an earlier start started")
    parser.add_argument(
        "--keep-sessions",
        action="store_true",
        help="a signal ends the hub alone, as an upgrade wants it (deploy/systemd)",
    )
    arguments = parser.parse_args()
    try:
        deployment = load()
        port = deployment.port
    except DeploymentError as error:
        fail(f"El despliegue tiene errores:\n{error}", f"The deployment is wrong:\n{error}", 2)
    state = State(deployment)
    try:
        state.make()
    except OSError as error:
        fail(f"No se puede escribir en {state.root}: {error}", f"Cannot write: {error}")
    if arguments.stop:
        stop(state)
    else:
        Start(deployment, state, port, arguments.keep_sessions).run()


class Start:
    """One start of an installation, from the first check to the last process ended."""

    def __init__(self, deployment: Deployment, state: State, port: int, keep_sessions=False):
        self.deployment = deployment
        self.keep_sessions = keep_sessions
        self.state = state
        self.url = f"http://{deployment.hub.address}:{port}"
        self.port = port
        self.hub: subprocess.Popen | None = None
        self.proxy: subprocess.Popen | None = None  # None where somebody else starts it
        self.tunnels: subprocess.Popen | None = None  # the same
        self.started: list[PrivateCluster] = []  # by this very start, so without sessions yet

    def run(self) -> None:
        """Start everything, wait, stop everything."""
        running = running_launcher(self.state)
        if running:
            fail(
                f"Minga ya está en marcha (proceso {running.pid}). Para detenerla: make stop",
                f"Minga is running already (process {running.pid}). To stop it: make stop",
            )
        # What a killed hub left behind would hold its ports.
        end_marked(HUB_MARK, self.state)
        separate = self.deployment.hub.separate_proxy
        if not separate and not is_free(self.deployment.hub.address, self.port):
            fail(
                f"El puerto {self.port} está ocupado. Elige otro:  make hub PORT=8010",
                f"Port {self.port} is taken. Choose another:  make hub PORT=8010",
            )
        me = psutil.Process()
        self.state.write("launcher", {"pid": me.pid, "created": me.create_time()})
        # SIGINT too: a shell starts background processes with Ctrl-C ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            try:
                self._provider()
                self._clusters()
                self._courses()
                self._hub()
                self._release()
            except SystemExit:  # it was said why; leave nothing behind that this start began
                for cluster in self.started:
                    cluster.stop()
                raise
            self._tell()
            status = self._watch()
        except KeyboardInterrupt:
            # From here on a second Ctrl-C must not leave half of it behind.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            say("\nDeteniendo Minga…", "\nStopping Minga…")
            self._end_hub()
            if self.keep_sessions:
                say(
                    "El hub está detenido; las sesiones siguen.", "The hub stopped; sessions go on."
                )
                return
            end_sessions(self.state)
            say("Minga está detenida.", "Minga has stopped.")
            return
        finally:
            self._end_hub()
        say(
            f"El hub terminó (estado {status}); las sesiones siguen vivas.\n"
            f"  make hub   las encuentra de nuevo\n  make stop  las termina\n"
            f"  registro:  {self.state.log / 'hub.log'}",
            f"The hub ended (status {status}); the sessions live on.\n"
            f"  make hub   finds them again\n  make stop  ends them\n"
            f"  log:       {self.state.log / 'hub.log'}",
        )
        sys.exit(1 if status else 0)

    def _provider(self) -> None:
        """Find out where institutions log in."""
        try:
            openid_provider.prepare(self.deployment, self.state)
        except DeploymentError as error:
            fail(f"El despliegue tiene errores:\n{error}", f"The deployment is wrong:\n{error}", 2)

    def _clusters(self) -> None:
        """Start the private clusters, or fall back to local processes and say so."""
        names = {
            name: site.private_cluster
            for name, site in self.deployment.sites.items()
            if site.private_cluster
        }
        # MINGA_SLURM=none: as if Slurm could not be had here, to see what that is like.
        wished = names and os.environ.get("MINGA_SLURM") != "none"
        installation = packages.find(ROOT / ".minga" / "slurm") if wished else None
        wanted = cluster_ports(self.deployment)
        running = {"proxy"} if self.deployment.hub.separate_proxy else set()
        for name in names if installation else []:
            cluster = PrivateCluster.load(self.state.clusters / name, installation)
            if cluster and cluster.is_running():
                running |= set(wanted[name])
        ports = self.state.choose_ports(
            ["hub", "proxy", *services.port_names(self.deployment)]
            + [port for of_cluster in wanted.values() for port in of_cluster],
            keep=running,
        )
        result = {}
        for name in names:
            if installation is None:
                result[name] = {"scheduler": "local"}
                say(
                    f"Sede {name}: sin Slurm; las sesiones serán procesos de esta máquina",
                    f"Site {name}: no Slurm; sessions will be processes of this machine",
                )
                continue
            cluster = PrivateCluster(
                self.deployment.sites[name].cluster_description(name),
                self.state.clusters / name,
                [ports[port] for port in wanted[name]],
                installation,
            )
            say(f"Sede {name}: iniciando Slurm…", f"Site {name}: starting Slurm…")
            if not cluster.is_running():
                self.started.append(cluster)
            try:
                cluster.start(lambda line: print(f"      {line}", flush=True))
            except (ClusterError, RunFolderError) as error:
                fail(
                    f"Slurm no arrancó para la sede {name}: {error}",
                    f"Slurm did not start for the site {name}: {error}",
                )
            result[name] = {"scheduler": "slurm", "environment": cluster.environment()}
        self.state.write("clusters", result)

    def _courses(self) -> None:
        """Make each course's assignments ready, where something changed."""
        self._for_each_course(self._prepare)

    def _release(self) -> None:
        """Give the exchange, which runs now, what it does not have yet."""
        tokens = self.state.formgrader_tokens(list(self.deployment.courses))
        self._for_each_course(lambda course: self._send(course, tokens[course]))

    def _for_each_course(self, work: Callable[[str], None]) -> None:
        """Do `work` for as many courses at once as there are cores."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(work, self.deployment.courses))

    def _prepare(self, course: str) -> None:
        members = self.deployment.courses[course]
        people = getattr(self.deployment.authentication, "people", {})
        say(f"Curso {course}: preparando tareas…", f"Course {course}: preparing assignments…")
        self._course_folder(course)
        names = [
            f"--student={student}={members.name(student) or _name(people, student)}"
            for student in members.students
        ]
        if not self._publish(course, names, {}):
            fail(
                f"No se pudieron preparar las tareas de {course} (arriba está el porqué).",
                f"The assignments of {course} could not be prepared (the reason is above).",
            )

    def _send(self, course: str, token: str) -> None:
        members = self.deployment.courses[course]
        policies = {
            name: policy.for_exchange()
            for name, policy in members.policies(load_course(course)).items()
        }
        exchange = f"--exchange={self.url}/services/exchange/"
        more = [exchange, f"--policies={json.dumps(policies)}"]
        if not self._publish(course, more, {"JUPYTERHUB_API_TOKEN": token}):
            # people can work all the same
            say(
                f"Las tareas de {course} no llegaron al intercambio (arriba está el porqué).\n"
                "      El próximo inicio lo intenta de nuevo; también formgrader puede "
                "publicarlas.",
                f"The assignments of {course} did not reach the exchange "
                "(the reason is above).\n"
                "      The next start tries again; formgrader can release them too.",
            )

    def _course_folder(self, course: str) -> None:
        """Make a course's working folder, which belongs to the account of its formgrader."""
        root = self.state.courses / course
        account = self.deployment.courses[course].account
        if course_account.is_another(account):
            if not root.is_dir() or root.owner() != account:
                make = f"sudo install -d -m 700 -o {account} -g {account} {root}"
                fail(
                    f"La carpeta del curso {course} debe ser de la cuenta {account}:\n  {make}",
                    f"The folder of the course {course} must be the account {account}'s:\n  {make}",
                )
            return
        root.mkdir(mode=0o700, exist_ok=True)
        if account and root.stat().st_uid != pwd.getpwnam(account).pw_uid:
            subprocess.run(["chown", "-hR", account, str(root)], check=True)

    def _publish(self, course: str, more: list[str], environment: dict[str, str]) -> bool:
        """Run courses.publish as the account whose files they are; return whether it did it."""
        root = self.state.courses / course
        account = self.deployment.courses[course].account
        arguments = ["--course", course, "--course-root", str(root), *more]
        arguments.append(f"--gradebook={self.deployment.gradebooks.of(course)}")
        done = course_account.run_program("publish", arguments, account, root, environment)
        if done.returncode:
            print(done.stdout[-3000:] + done.stderr[-3000:], file=sys.stderr)
        return not done.returncode

    def _start(self, command: list[str], **more: str) -> subprocess.Popen:
        """Start a part of Minga in a session of its own: Ctrl-C is for us, who end the rest."""
        with open(self.state.log / "hub.log", "ab") as output:
            return subprocess.Popen(
                command,
                cwd=self.state.hub,
                env={**os.environ, HUB_MARK: str(self.state.root), "PORT": str(self.port), **more},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _proxy(self) -> None:
        """Start the proxy, if it is neither a service of its own nor the hub's (internal TLS)."""
        if not (self.deployment.hub.separate_proxy or self.deployment.hub.internal_tls):
            command = proxy.command(self.deployment, self.state)
            self.proxy = self._start(command, **proxy.token(self.state))

    def _tunnels(self) -> None:
        """Start the sshd of tunnels, if there are any and it is no service of its own."""
        if self.deployment.tunnels is None or self.deployment.hub.separate_proxy:
            return
        tunnels.end_earlier(self.state)
        try:
            self.tunnels = self._start(tunnels.prepare(self.deployment, self.state))
        except (DeploymentError, OSError) as error:
            fail(f"Los túneles no se pueden abrir: {error}", f"No tunnels can be made: {error}")

    def _watch(self) -> int:
        """Wait until the hub ends; return its status. What ends beside it is started again."""
        while self.hub.poll() is None:
            if self.proxy and self.proxy.poll() is not None:
                self._proxy()  # the hub tells it the routes within five seconds
            if self.tunnels and self.tunnels.poll() is not None:
                time.sleep(2)  # its port may be somebody else's for good
                self._tunnels()
            time.sleep(0.5)
        return self.hub.returncode

    def _hub(self) -> None:
        """Start the proxy and the hub, and wait until they answer."""
        say("Iniciando el hub…", "Starting the hub…")
        log = self.state.log / "hub.log"
        self._proxy()
        self._tunnels()
        configuration = str(ROOT / "jupyterhub_config.py")
        self.hub = self._start([sys.executable, "-m", "jupyterhub", "-f", configuration])
        self.state.write("hub", {"pid": self.hub.pid})
        for _ in range(600):
            if self.hub.poll() is not None:
                print(log.read_text(errors="replace")[-4000:], file=sys.stderr)
                self._end_hub()
                fail(
                    f"El hub no arrancó; el registro completo está en {log}",
                    f"The hub did not start; the whole log is in {log}",
                )
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"{self.url}/hub/health", timeout=2).close()  # noqa: S310
                return
            time.sleep(0.2)
        self._end_hub()
        fail(f"El hub no responde; ver {log}", f"The hub does not answer; see {log}")

    def _tell(self) -> None:
        """Print where Minga is and who can log in."""
        say(f"\nMinga está lista:  {self.url}\n", f"\nMinga is ready:  {self.url}\n")
        if self.deployment.authentication.method == "tryout":
            people = self.deployment.authentication.people
            for name, password in self.state.passwords(list(people)).items():
                print(f"  {name:<14} {password}   {people[name].name}")
        if self.deployment.accounts == "shared":
            say(
                "\nEs una instalación de prueba: todas las sesiones comparten tu cuenta de esta\n"
                "máquina, así que nadie está aislado de nadie. No la abras a otras personas.",
                "\nThis is a try-out: all sessions share your account on this machine, so nobody\n"
                "is isolated from anybody. Do not open it to other people.",
            )
        say("\nCtrl-C la detiene.\n", "\nCtrl-C stops it.\n")

    def _end_hub(self) -> None:
        """End the hub politely, then whatever is left of its proxy and services."""
        if self.hub and self.hub.poll() is None:
            self.hub.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.hub.wait(timeout=20)
        if self.tunnels and self.tunnels.poll() is None:  # sshd hides its marks
            self.tunnels.terminate()
        end_marked(HUB_MARK, self.state)


def _name(people: dict, student: str) -> str:
    return people[student].name if student in people else student


def cluster_ports(deployment: Deployment) -> dict[str, list[str]]:
    """Return the names of the ports that each private cluster needs, in PrivateCluster's order."""
    return {
        name: [
            f"slurmctld-{name}",
            *(f"slurmd-{node.name}" for node in site.private_cluster.nodes),
            *([f"slurmdbd-{name}"] if site.private_cluster.accounting else []),
        ]
        for name, site in deployment.sites.items()
        if site.private_cluster
    }


def _interrupt(number, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
