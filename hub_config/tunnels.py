"""The sshd where sessions come to the hub from nodes that it cannot reach (spawners/doors.py).

    python -m hub_config.tunnels    become that sshd

It has a port, a key and settings of its own and is not the machine's: it runs as the hub's
account, gives nobody a shell, a file or a command, and lets each session's key listen on the one
address of the hub's loopback that is its door. With `hub.separate_proxy` it is a service beside
the proxy, so that nobody's kernel is cut off while the hub restarts.
"""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
from jupyterhub import orm
from jupyterhub.app import JupyterHub

from spawners.doors import Doors
from spawners.ownership import OwnedSession

from .deployment import ROOT, Deployment, DeploymentError, load
from .state import State

FETCHED = ROOT / ".minga" / "openssh"  # unpacked for tests, where it is not installed
SWEEP = 600  # seconds between looks for doors that no session has
# https://man.openbsd.org/sshd_config; what is said first counts.
SETTINGS = """\
# Written by hub_config/tunnels.py at each start.
Port {port}
ListenAddress {listen}
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AllowUsers {account}
AuthenticationMethods publickey
AuthorizedKeysFile {folder}/doors
# The folder is the hub's alone; above it may be a /tmp, as in tests.
StrictModes no
# Without it, accounts that have no password count as locked. Nobody logs in with one.
UsePAM yes
# Tunnels and nothing else: no session, so no shell, command, sftp or terminal.
MaxSessions 0
AllowTcpForwarding remote
# Each key names the address of this machine's loopback that it may have.
GatewayPorts clientspecified
AllowStreamLocalForwarding no
AllowAgentForwarding no
X11Forwarding no
PermitTunnel no
PermitUserRC no
PermitTTY no
# A link that is cut is noticed, so that the door is free when the session comes again. sshd only
# counts waits in which nothing at all happened: short ones, or the requests of a page that is open
# put it off for longer than the link was cut.
ClientAliveInterval 5
ClientAliveCountMax 6
TCPKeepAlive yes
LoginGraceTime 30
MaxStartups 100:30:300
PrintMotd no
"""


def folder(state: State) -> Path:
    """Return the folder of the sshd's key, settings, and the list of doors."""
    return state.root / "tunnels"


def program() -> str:
    """Return the path of sshd; DeploymentError if there is none."""
    path = os.pathsep.join(["/usr/sbin", "/usr/local/sbin", "/sbin", os.environ.get("PATH", "")])
    found = shutil.which("sshd", path=path) or next(map(str, FETCHED.glob("*/usr/sbin/sshd")), "")
    if not found:
        raise DeploymentError(
            "tunnels: no hay sshd en esta máquina / there is no sshd on this machine; "
            "sudo apt-get install openssh-server"
        )
    return found


def prepare(deployment: Deployment, state: State) -> list[str]:
    """Write what the sshd reads; return its argument list. Raises DeploymentError, OSError."""
    place, sshd = folder(state), program()
    place.mkdir(mode=0o700, exist_ok=True)
    (place / "doors").touch(mode=0o600)
    key = place / "host_key"
    if not key.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    tunnels = deployment.tunnels
    settings = place / "sshd_config"
    settings.write_text(
        SETTINGS.format(
            port=tunnels.port, listen=tunnels.listen, folder=place, account=account_name(state)
        )
        + ("PerSourcePenalties no\n" if _version(sshd) >= (9, 8) else "")
    )
    return [sshd, "-D", "-e", "-f", str(settings)]


def _version(sshd: str) -> tuple[int, ...]:
    """Return sshd's version.

    From 9.8 on it shuts out addresses whose keys it refused: a whole site behind one address, for
    the sake of a session that has just ended.
    """
    said = subprocess.run([sshd, "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", said.stderr + said.stdout)
    return tuple(map(int, found.groups())) if found else (0, 0)


def account_name(state: State) -> str:
    """Return the account that sessions log in as: the hub's, which the sshd runs as."""
    return state.root.owner()


def end_earlier(state: State) -> None:
    """End an sshd that an earlier, killed start left, which holds the port; tunnels go on."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        earlier = psutil.Process(int((folder(state) / "sshd.pid").read_text()))
        if str(folder(state) / "sshd_config") in " ".join(earlier.cmdline()):
            earlier.terminate()
            earlier.wait(10)


def doors(deployment: Deployment, state: State) -> Doors | None:
    """Return the doors of this installation; None if it has no tunnels."""
    if deployment.tunnels is None:
        return None
    public = folder(state) / "host_key.pub"
    return Doors(
        file=folder(state) / "doors",
        address=deployment.tunnels.address,
        port=deployment.tunnels.port,
        account=account_name(state),
        host_key=lambda: " ".join(public.read_text().split()[:2]),
    )


def configure(c, deployment: Deployment, state: State) -> None:
    """Give sessions their doors, and close those that a session left open."""
    known = doors(deployment, state)
    if known is None:
        return
    folder(state).mkdir(mode=0o700, exist_ok=True)
    c.MingaSpawner.doors = known
    with contextlib.suppress(RuntimeError):  # no loop: somebody only reads the configuration
        loop = asyncio.get_running_loop()
        configure.task = loop.create_task(_sweep(partial(left_open, known), known))


async def _sweep(look, known: Doors) -> None:
    """Close doors without a session, as after the deletion of a person; those seen so twice."""
    suspects: set[str] = set()
    while True:
        await asyncio.sleep(SWEEP)
        found = look()
        for door in found & suspects:
            known.close(door)
        suspects = found


def left_open(known: Doors) -> set[str]:
    """Return the doors that neither a session of this hub nor its database has."""
    database = JupyterHub.instance().db if JupyterHub.initialized() else None
    if database is None:
        return set()
    states = database.query(orm.Spawner.state).filter(orm.Spawner.state.is_not(None))
    owned = {state["door"] for (state,) in states if state and state.get("door")}
    return known.names() - owned - {getattr(each, "door", "") for each in OwnedSession.living}


def main() -> None:
    """Become the sshd."""
    try:
        deployment = load()
        if deployment.tunnels is None:
            sys.exit("tunnels: the deployment file has none / el archivo no los tiene")
        command = prepare(deployment, State(deployment))
    except DeploymentError as error:
        sys.exit(str(error))
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
