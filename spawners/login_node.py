"""The hub's way to a site's login node: OpenSSH, with a key that starts one program there.

Each question would cost a handshake, half a second across an ocean; the first one leaves its
connection open for those that follow (ControlMaster), as long as the link lives.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KEPT = 120  # seconds that a connection is kept after the last question
# What a socket's path may have (unix(7)), less what ssh appends while it makes it.
LONGEST_PATH = 107 - 18
# What ssh says when it does not get there; none of it is Slurm's or a launcher's.
SIGNS = (
    "ssh:",
    "host key verification failed",
    "permission denied (",
    "connection closed by",
    "connection reset by",
    "connection timed out during",
    "kex_exchange_identification",
    "remote host identification has changed",
    "timeout, server ",
)


@dataclass(frozen=True)
class LoginNode:
    """Where a site's gate (gate.py) is, and how the hub shows who it is.

    `folder` is where ssh keeps its open connection: a private one of the hub's.
    """

    login: str  # account@host
    key_file: str
    host_keys_file: str  # the login node's own, as known_hosts(5) has them
    port: int = 22
    folder: Path | None = None

    def command(self, site: str) -> list[str]:
        """Return the argument list that starts the site's gate; it reads standard input."""
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": _quoted(self.host_keys_file),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": "15",
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
        }
        if self.folder and len(os.fsencode(socket := self.folder / site)) <= LONGEST_PATH:
            options |= {
                "ControlMaster": "auto",
                "ControlPath": _quoted(str(socket)),
                "ControlPersist": str(KEPT),
            }
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        files = ["-F", "none", "-i", self.key_file]
        return ["ssh", "-T", *files, *given, "-p", str(self.port), self.login]


def environment() -> Mapping[str, str]:
    """Return what ssh needs here; a site's own variables are not for this machine."""
    keep = ("PATH", "HOME", "LANG")
    return {"PATH": os.defpath} | {name: os.environ[name] for name in keep if name in os.environ}


def unreachable(words: str) -> bool:
    """Return whether `words` are ssh's, which did not get to the other side."""
    return any(sign in words.lower() for sign in SIGNS)


def _quoted(path: str) -> str:
    """Return a path as ssh's options take it: spaces are theirs, and percent signs."""
    return '"' + path.replace("%", "%%") + '"'
