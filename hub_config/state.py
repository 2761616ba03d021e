"""The folder where one installation keeps what it writes, and the ports that it uses.

.minga/local/
├── hub/        database, cookie secret, process ids
├── homes/      one folder a person (accounts: shared)
├── courses/    one working folder a course: source, submitted, autograded, gradebook
├── exchange/   what is released and handed in: the exchange service's own
├── transparency/  what is recorded of use, and the public page
├── clusters/   the private Slurm clusters
├── ssh/        open connections to sites elsewhere
├── tunnels/    where their sessions come to the hub: an sshd's key, settings and doors
└── log/        what each part prints
"""

import json
import os
import secrets
import socket
from pathlib import Path

from .deployment import Deployment

# No 0/O, 1/l/I: the password is read from a terminal and typed.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class State:
    """Paths below the state folder, and what is remembered between starts."""

    def __init__(self, deployment: Deployment):
        self.personal = deployment.accounts == "personal"
        self.root = Path(os.environ.get("MINGA_STATE") or deployment.state_folder).resolve()
        self.hub = self.root / "hub"
        self.homes = self.root / "homes"
        self.courses = self.root / "courses"
        self.exchange = self.root / "exchange"
        self.transparency = self.root / "transparency"
        self.clusters = self.root / "clusters"
        self.log = self.root / "log"
        self.ssh = self.root / "ssh"

    def make(self) -> None:
        """Make the folders; other accounts reach only what they have to.

        Raises OSError if the disk is full or the place is not ours.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        # With an account for each person, their sessions pass through to the private clusters'
        # configuration, by name; they cannot list what is here.
        self.root.chmod(0o711 if self.personal else 0o700)
        own = (self.hub, self.homes, self.log, self.exchange, self.transparency, self.ssh)
        for folder in own:
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        for folder in (self.courses, self.clusters):  # what is in courses/ is each grader's own
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711 if self.personal else 0o700)

    def home(self, username: str) -> Path:
        """Return this person's home folder (accounts: shared), made if it is not there."""
        folder = self.homes / username
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def read(self, name: str) -> dict:
        """Return what was written as `name`, {} if nothing was."""
        try:
            return json.loads((self.hub / f"{name}.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def write(self, name: str, value: dict) -> None:
        """Keep `value` as `name`, readable by this account only, whole or not at all."""
        target = self.hub / f"{name}.json"
        draft = target.with_suffix(".tmp")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(value, indent=1))
        draft.replace(target)

    def passwords(self, people: list[str]) -> dict[str, str]:
        """Return a password for each of `people`, made at the first start and kept."""
        known = self.read("passwords")
        if any(person not in known for person in people):
            for person in people:
                known.setdefault(person, "".join(secrets.choice(LETTERS) for _ in range(10)))
            self.write("passwords", known)
        return {person: known[person] for person in people}

    def formgrader_tokens(self, courses: list[str]) -> dict[str, str]:
        """Return the token of each course's formgrader, made at the first start and kept.

        The launcher releases assignments with it, as the formgrader itself does.
        """
        known = self.read("formgraders")
        if any(course not in known for course in courses):
            for course in courses:
                known.setdefault(course, secrets.token_urlsafe(32))
            self.write("formgraders", known)
        return {course: known[course] for course in courses}

    def secret(self, name: str) -> str:
        """Return a secret of this installation, made at its first use; this account reads it."""
        known = self.read(name)
        if not known:
            self.write(name, known := {"secret": secrets.token_hex(32)})
        return known["secret"]

    def ports(self) -> dict[str, int]:
        """Return the ports that were chosen at the last start, by what listens there."""
        return self.read("ports")

    def choose_ports(self, names: list[str], keep: set[str]) -> dict[str, int]:
        """Return a loopback port for each name: the last start's if it is free, else another.

        Ports in `keep` are in use by our own running parts and stay as they are.
        """
        known = self.ports()
        held = []
        chosen = {}
        try:
            for name in names:
                port = known.get(name, 0)
                if port and name in keep:
                    chosen[name] = port
                    continue
                held.append(_listen(port) or _listen(0))
                chosen[name] = held[-1].getsockname()[1]
        finally:
            for listener in held:
                listener.close()
        self.write("ports", chosen)
        return chosen


def _listen(port: int) -> socket.socket | None:
    """Return a socket that holds `port` on loopback (0: any free one), None if it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(1)
    except OSError:
        listener.close()
        return None
    return listener


def is_free(address: str, port: int) -> bool:
    """Whether `port` can be listened on at `address` now."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
