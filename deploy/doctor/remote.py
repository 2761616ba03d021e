"""A site elsewhere: its login node lets the hub's key in, to one program; its tunnels arrive."""

import asyncio
import contextlib
import shlex
import socket

from hub_config import tunnels
from hub_config.deployment import DeploymentError
from hub_config.ending import running_launcher
from spawners.commands import SchedulerError, run
from spawners.login_node import environment
from spawners.sites import LAUNCHER

from .findings import PATIENCE, Finding, Installation

# What the test session exits with -> why its tunnel was not there.
NO_WAY, REFUSED = 14, 15
FOLDER = "tunnel/" + "d0c" * 5 + "d"  # of the test session's key, as launcher.py takes it
OPEN = "minga-shell"
GATE = LAUNCHER.with_name("gate.py")  # at the same path as here


def line(site) -> str:
    """Return the line of authorized_keys that lets the hub's key start the gate and nothing else.

    For sudo, as most sites have it; the key itself is printed by ssh-keygen.
    """
    gate = f"{site.python} -I -S {GATE} sudo -n -u '{{username}}' --"
    return f'restrict,command="{gate}"'


def add_key(described, site) -> str:
    """Return the command that prints the line for the hub's account at the login node."""
    login = described.ssh.login
    show = f"ssh-keygen -y -f {shlex.quote(described.ssh.key_file)}"
    return f'echo {shlex.quote(line(site))} "$({show})"    # → ~/.ssh/authorized_keys, {login}'


def not_let_in(visit, said: str) -> Finding:
    """Return the finding for what ssh said instead of an answer of the site's."""
    described, shown, low = visit.described, said.strip()[-300:], said.lower()
    account, host = described.ssh.login.split("@")
    key_file = shlex.quote(described.ssh.key_file)
    if "identity file" in low or "load key" in low or "unprotected private key" in low:
        return visit.wrong(
            "ssh.key_file",
            f"la clave no se puede leer: {shown}",
            f"the key cannot be read: {shown}",
            f"ls -l {key_file} || ssh-keygen -t ed25519 -N '' -f {key_file}; chmod 600 {key_file}",
        )
    if "permission denied (" in low:
        return visit.wrong(
            "ssh.key_file",
            f"{host} no acepta la clave de {account}: {shown}",
            f"{host} does not accept {account}'s key: {shown}",
            add_key(described, visit.site),
        )
    if "host key verification" in low or "host identification has changed" in low:
        file = shlex.quote(described.ssh.host_keys_file)
        return visit.wrong(
            "ssh.host_keys_file",
            f"la clave de {host} no es conocida, o es otra: {shown}",
            f"{host}'s own key is not known, or another: {shown}",
            f"ssh-keyscan -p {described.ssh.port} {host} > {file}    "
            "# y compárala con la de la sede / and compare it with the site's",
        )
    return visit.wrong(
        "ssh.login",
        f"no se llega al nodo de ingreso: {shown}",
        f"the login node cannot be reached: {shown}",
        f"ssh -v -p {described.ssh.port} {described.ssh.login}",
    )


async def is_restricted(visit) -> list[Finding]:
    """Ask for a shell: the key must not get one."""
    command = [*visit.site.gate, f"echo {OPEN}"]
    said = ""
    with contextlib.suppress(SchedulerError, OSError, TimeoutError):  # as it should be
        said = await asyncio.wait_for(run(command, environment()), PATIENCE)
    if OPEN not in said:
        return []
    return [
        visit.wrong(
            "ssh.key_file",
            "la clave del hub abre toda la cuenta, no solo el programa de Minga",
            "the hub's key opens the whole account, not Minga's program alone",
            add_key(visit.described, visit.site),
        )
    ]


class Tunnel:
    """The test session's tunnel: a door that is open while it runs."""

    def __init__(self, installation: Installation):
        self.deployment, self.installation = installation.deployment, installation
        self.doors = tunnels.doors(installation.deployment, installation.state)
        self.door, self.files = "", {}

    def is_waited_for(self) -> bool:
        """Return whether the hub's sshd for tunnels runs."""
        keys = self.deployment.tunnels
        address = "127.0.0.1" if keys.listen in ("0.0.0.0", "::") else keys.listen  # noqa: S104
        with contextlib.suppress(OSError), socket.create_connection((address, keys.port), 3):
            return True
        return False

    def missing(self) -> list[Finding]:
        """Return what is wrong if that sshd does not run: nothing while the hub does not."""
        where = self.installation.at("tunnels")
        try:
            tunnels.program()
        except DeploymentError:
            mend = "sudo apt-get install openssh-server && sudo systemctl disable --now ssh    # "
            mend += "si nadie lo usa / if nobody uses it"
            es, en = "no hay sshd para los túneles", "there is no sshd for tunnels"
            return [Finding(where, es, en, mend)]
        if not running_launcher(self.installation.state):
            return []
        keys = self.deployment.tunnels
        return [
            Finding(
                where,
                f"nadie recibe túneles en {keys.listen}:{keys.port}",
                f"nobody takes tunnels at {keys.listen}:{keys.port}",
                "systemctl status minga-tunnels; ss -ltn",
            )
        ]

    def open(self) -> None:
        """Open a door for the test session."""
        self.door = self.doors.make()
        self.files = {f"{FOLDER}/{name}": text for name, text in self.doors.open(self.door).items()}

    def close(self) -> None:
        """Close it."""
        if self.door:
            self.doors.close(self.door)

    def script(self) -> str:
        """Return the lines of the test session that open the tunnel once, and end it."""
        forward = f"-o ControlMaster=yes -S mux -R {self.door}:127.0.0.1:9"
        return (
            f'cd "$HOME/.minga/{FOLDER}" || exit {NO_WAY}\n'
            f"said=$(ssh -F config -f -N {forward} hub 2>&1) || case $said in\n"
            f'*"Permission denied"*|*"ost key"*|*IDENTIFICATION*|*forwarding*) exit {REFUSED} ;;\n'
            f"*) exit {NO_WAY} ;; esac\n"
            "ssh -F config -S mux -O exit hub 2> /dev/null\n"
            'cd "$HOME"'
        )

    def failure(self, visit, code: int) -> Finding:
        """Return the finding for a tunnel that the test session could not open."""
        keys = self.deployment.tunnels
        if code == REFUSED:
            return Finding(
                self.installation.at("tunnels"),
                f"{visit.name}: el hub no acepta el túnel de la sesión",
                f"{visit.name}: the hub does not accept the session's tunnel",
                "journalctl -u minga-tunnels -n 30    # o / or log/hub.log",
            )
        return Finding(
            self.installation.at("tunnels.address"),
            f"{visit.name}: el nodo no llega a {keys.address}:{keys.port} (túneles)",
            f"{visit.name}: the node does not reach {keys.address}:{keys.port} (tunnels)",
            f"ssh -v -p {keys.port} {keys.address}    # on a node",
        )
