"""Another country on this machine: a network, processes, accounts and mounts of its own.

Nothing of it can be reached but its login node's ssh, over the link; it has a real Slurm and a
real sshd, does not know the hub's accounts and does not see the hub's folders.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from hub_config import tunnels
from spawners.cluster import packages
from spawners.cluster.cluster import PrivateCluster
from tests.conftest import ROOT
from tests.spawners.private_slurm import wait_until

from .link import Link, ip

NAME = "colombia"
# What becomes of a process before it is another place's: its accounts, and folders it has not.
# sshd wants an account and a folder of its own (Debian's package makes them). All of /etc: the
# mount of a single file goes when somebody else, elsewhere, replaces that file (useradd).
ELSEWHERE = """
set -e
mount --bind "$1" /etc
mount -t tmpfs none "$2"
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
shift 2
exec "$@"
"""


def elsewhere(folder: Path, hidden: Path, home: Path) -> list[str]:
    """Return the argument list that starts a program with own accounts and without `hidden`."""
    etc = folder / "etc"
    if not etc.exists():
        subprocess.run(["cp", "--archive", "/etc", etc], check=True)
    (etc / "passwd").write_text(
        f"root:x:0:0:root:{home}:/bin/sh\n"
        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
        "sshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )
    return ["sh", "-c", ELSEWHERE, "sh", str(etc), str(hidden)]


def openssh_libraries() -> dict[str, str]:
    """Return the environment that an unpacked sshd needs."""
    folders = {str(path.parent) for path in tunnels.FETCHED.glob("*/**/*.so*")}
    return {"LD_LIBRARY_PATH": ":".join(sorted(folders))} if folders else {}


class Country:
    """A site far away: `folder` is all that it keeps, `hidden` a folder that it must not see."""

    def __init__(self, folder: Path, hidden: Path):
        self.folder, self.hidden = folder, hidden
        self.homes = folder / "homes"
        self.netns = f"minga-{secrets.token_hex(3)}"
        ip("netns", "add", self.netns)
        self.link = Link(self.netns)
        self._begin: subprocess.Popen | None = None
        self.folder.mkdir(exist_ok=True)
        key = folder / "host_key"
        _keygen(key)
        self.host_keys = f"{self.link.there} {key.with_suffix('.pub').read_text()}"

    def start(self) -> None:
        """Let there be processes: the first one, Slurm, the login node's sshd."""
        begin = ["nsenter", f"--net=/run/netns/{self.netns}", "unshare", "--mount", "--pid"]
        begin += ["--fork", "--kill-child", "--mount-proc"]
        # The first process, which takes up those whose parents ended.
        forever = ["sh", "-c", "ip link set lo up; while sleep 1; do :; done"]
        own = elsewhere(self.folder, self.hidden, self.folder)
        with open(self.folder / "log", "ab") as log:
            self._begin = subprocess.Popen(
                [*begin, *own, *forever], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(lambda: self._first() and "sleep" in self._names(), 20)
        self.run(
            *(sys.executable, "-m", "spawners.cluster", "start", NAME),
            *(f"--folder={self.folder}", f"--programs={packages.DEFAULT_FOLDER}"),
        )
        self.run(tunnels.program(), "-f", str(self._sshd_config()), **openssh_libraries())

    def _names(self) -> list[str]:
        return [child.name() for child in self._first().children()]

    def _first(self) -> psutil.Process | None:
        assert self._begin.poll() is None, (self.folder / "log").read_text()
        return next(iter(psutil.Process(self._begin.pid).children()), None)

    def run(self, *command: str, check: bool = True, **environment: str):
        """Run a program there; return its completed process."""
        pid = str(self._first().pid)
        inside = ["nsenter", "--target", pid, "--mount", "--net", "--pid", f"--wd={ROOT}"]
        done = subprocess.run(
            [*inside, *command],
            env={**os.environ, "HOME": str(self.folder), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def cluster(self) -> PrivateCluster:
        """Return its Slurm."""
        return PrivateCluster.load(self.folder / NAME, packages.ensure())

    def slurm(self, *command: str, check: bool = True) -> str:
        """Run one of Slurm's commands there, which nobody can from outside; return its output."""
        return self.run(*command, check=check, **self.cluster().environment()).stdout

    def processes(self) -> list[psutil.Process]:
        """Return all that runs there."""
        return self._first().children(recursive=True)

    def _sshd_config(self) -> Path:
        """Write the login node's settings: the hub's key starts the gate, and that is all."""
        slurm = [f"{key}={value}" for key, value in self.cluster().environment().items()]
        gate = ["env", *slurm, sys.executable, "-I", "-S", str(ROOT / "spawners" / "gate.py")]
        public = (self.folder / "hub_key.pub").read_text()
        (self.folder / "authorized_keys").write_text(
            f'restrict,command="{" ".join(gate)}" {public}'
        )
        settings = self.folder / "sshd_config"
        settings.write_text(
            f"Port 22\nListenAddress {self.link.there}\nHostKey {self.folder}/host_key\n"
            f"PidFile none\nAuthorizedKeysFile {self.folder}/authorized_keys\n"
            "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n"
            "Subsystem sftp internal-sftp\n"
        )
        return settings

    def let_in(self, key: Path) -> None:
        """Make a key for the hub; the country keeps its public half."""
        _keygen(key)
        shutil.copy(key.with_suffix(".pub"), self.folder / "hub_key.pub")

    def disappear(self) -> None:
        """Let all that runs there end at once, as when the power goes."""
        first = self._first()
        first.send_signal(signal.SIGKILL)
        self._begin.wait(30)
        end = time.monotonic() + 10
        while psutil.pid_exists(first.pid) and time.monotonic() < end:
            time.sleep(0.05)

    def close(self) -> None:
        """End it for good."""
        if self._begin and self._begin.poll() is None:
            self.disappear()
        self.link.close()
        ip("netns", "delete", self.netns)


def _keygen(file: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
