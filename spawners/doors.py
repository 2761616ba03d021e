"""Doors: where sessions that nobody reaches from outside come out on the hub's machine.

A site's compute nodes cannot be reached, so the session itself opens an outward tunnel (tunnel.py)
to an sshd of the hub's (hub_config/tunnels.py). Each start gets a key of its own, made in memory,
that may listen on one address and port of the hub's loopback and do nothing else; sshd reads
which keys those are from one file, a line a session, and a line goes when its session does.

An address is drawn anew for each start, of more than 10^11, and so never given twice: whoever
holds on to a tunnel after their session cannot be taken for somebody else's server.
"""

import fcntl
import hashlib
import os
import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from traitlets import Any, Unicode
from traitlets.config import LoggingConfigurable

# 127.64.0.0/10: loopback, away from what programs use by themselves.
NETWORK, BITS = int(IPv4Address("127.64.0.0")), 22
PORTS = range(20000, 60000)
LINE = re.compile(r'permitlisten="([0-9.]+:[0-9]+)"')
# The name of the hub's key in a session's known_hosts, whatever its address is.
HOST = "minga-hub"
# Seconds that the hub waits for a new session's first answer through its tunnel.
FIRST_ANSWER = 180


@dataclass(frozen=True)
class Doors:
    """The doors that are open now, and what a session needs to know to use its own.

    `file` is what sshd reads as AuthorizedKeysFile, `address` and `port` are where nodes reach
    that sshd, `account` is the name to log in as, `host_key` sshd's own, as OpenSSH writes it.
    """

    file: Path
    address: str
    port: int
    account: str
    host_key: Callable[[], str]

    def make(self) -> str:
        """Return the name of a new door, `address:port`; nothing listens there."""
        while True:
            host = str(IPv4Address(NETWORK + secrets.randbelow(1 << BITS)))
            port = secrets.choice(PORTS)
            with socket.socket() as probe:
                try:
                    probe.bind((host, port))
                except OSError:
                    continue
            return f"{host}:{port}"

    def open(self, door: str) -> dict[str, str]:
        """Let a new key open `door` from now on; return the session's files by their names."""
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        line = f'restrict,port-forwarding,permitlisten="{door}" {public}\n'
        self._rewrite(lambda lines: [*lines, line])
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
        return {
            "key": private,
            "known_hosts": f"{HOST} {self.host_key()}\n",
            "config": SETTINGS.format(
                address=self.address, port=self.port, account=self.account, host=HOST
            ),
        }

    def close(self, door: str) -> None:
        """Let nobody open `door` any more."""
        self._rewrite(lambda lines: [line for line in lines if f'"{door}"' not in line])

    def names(self) -> set[str]:
        """Return the doors that some key opens now."""
        try:
            return set(LINE.findall(self.file.read_text()))
        except FileNotFoundError:
            return set()

    def _rewrite(self, change: Callable[[list[str]], list[str]]) -> None:
        """Change the file's lines; sshd sees the old ones or the new ones, never a part."""
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # the doctor opens doors too
            old = self.file.read_text().splitlines(True) if self.file.exists() else []
            new = change(old)
            if new == old:
                return
            draft = self.file.with_suffix(".new")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
                output.writelines(new)
                if os.geteuid() == 0:  # the doctor of somebody who became root
                    owner = os.fstat(folder)
                    os.fchown(output.fileno(), owner.st_uid, owner.st_gid)
            draft.replace(self.file)
        finally:
            os.close(folder)  # and the lock with it


# Paths are relative: tunnel.py starts ssh in the folder of these files.
SETTINGS = """\
# The tunnel of one session of Minga: its key opens one door of the hub, and nothing else.
Host hub
    HostName {address}
    Port {port}
    User {account}
    IdentityFile key
    IdentitiesOnly yes
    PreferredAuthentications publickey
    UserKnownHostsFile known_hosts
    GlobalKnownHostsFile /dev/null
    HostKeyAlias {host}
    StrictHostKeyChecking yes
    UpdateHostKeys no
    BatchMode yes
    ConnectTimeout 15
    ExitOnForwardFailure yes
    ServerAliveInterval 10
    ServerAliveCountMax 3
    ForwardAgent no
    LogLevel ERROR
"""


class TunnelledSession(LoggingConfigurable):
    """The part of MingaSpawner that opens a door for a session, and closes it with it."""

    doors = Any(None, help="The Doors of this hub; None: no site needs any.").tag(config=True)
    door = Unicode(help="Where this session comes out on the hub's machine; empty: at its node.")
    tunnel_files: dict[str, str] | None = None  # what goes to the site, below ~/.minga

    def _new_door(self, site) -> dict[str, str]:
        """Open a door for the start at `site` if it needs one; return what the job is told."""
        if not site.tunnel:
            return {}
        self._close_door()
        self.door = self.doors.make()
        # One folder a session, used again at its next start: nothing piles up in the home.
        folder = f"tunnel/{hashlib.sha256(self.name.encode()).hexdigest()[:16]}"
        files = self.doors.open(self.door)
        self.tunnel_files = {f"{folder}/{name}": text for name, text in files.items()}
        self.http_timeout = FIRST_ANSWER
        return {
            "MINGA_TUNNEL_DOOR": self.door,
            "MINGA_TUNNEL_FOLDER": f"{self.home(self)}/.minga/{folder}",
        }

    def _close_door(self) -> None:
        if self.door and self.doors is not None:
            self.doors.close(self.door)
        self.door, self.tunnel_files = "", None

    def _place(self, site, node: str) -> str:
        """Return what the hub connects to for this session's server, which runs on `node`."""
        return self.door.rsplit(":", 1)[0] if self.door else site.address(node)

    def _may_announce(self, port: int) -> bool:
        """Return whether this session's server may be at `port`.

        Behind a door, it is the door's: any other port of the hub's machine is somebody else's.
        """
        return not self.door or port == int(self.door.rsplit(":", 1)[1])
