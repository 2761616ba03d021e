"""A session's door on the hub's machine: a real sshd, real keys, and what they may not do."""

import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hub_config import tunnels
from hub_config.remote import Tunnels
from spawners.doors import NETWORK, Doors, TunnelledSession
from spawners.launcher import write_files
from tests.conftest import ROOT, free_port
from tests.spawners.private_slurm import wait_until

from .country import openssh_libraries


@pytest.fixture
def doors(tmp_path) -> Doors:
    return Doors(tmp_path / "doors", "hub.example", 2222, "minga", lambda: "ssh-ed25519 AAAA")


def test_each_session_has_a_key_that_opens_its_door_only(doors):
    one, other = doors.make(), doors.make()
    assert one != other
    files = doors.open(one)
    doors.open(other)
    assert set(files) == {"key", "known_hosts", "config"}
    assert files["key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert files["known_hosts"] == "minga-hub ssh-ed25519 AAAA\n"
    lines = doors.file.read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [
        [f'restrict,port-forwarding,permitlisten="{door}"', "ssh-ed25519"] for door in (one, other)
    ]
    assert stat.S_IMODE(doors.file.stat().st_mode) == 0o600
    assert doors.names() == {one, other}
    doors.close(one)
    doors.close(one)
    assert doors.names() == {other}


def test_a_door_is_on_loopback_and_free(doors):
    for _ in range(50):
        host, port = doors.make().split(":")
        assert int.from_bytes(socket.inet_aton(host)) >= NETWORK
        assert host.startswith("127.") and 64 <= int(host.split(".")[1]) < 128
        with socket.socket() as probe:
            probe.bind((host, int(port)))


def test_many_at_once_lose_no_line(doors):
    names = [doors.make() for _ in range(40)]
    threads = [threading.Thread(target=doors.open, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert doors.names() == set(names)


def test_a_session_behind_a_door_announces_that_port_only(doors):
    session = TunnelledSession(doors=doors)
    session.name, session.home = "", lambda spawner: "/home/ana"
    assert session._may_announce(8081)  # at its own node: any
    told = session._new_door(SimpleNamespace(tunnel=True))
    host, port = session.door.split(":")
    assert told["MINGA_TUNNEL_DOOR"] == session.door
    assert told["MINGA_TUNNEL_FOLDER"].startswith("/home/ana/.minga/tunnel/")
    assert session._may_announce(int(port)) and not session._may_announce(int(port) + 1)
    assert session._place(None, "n1") == host
    first = session.door
    session._new_door(SimpleNamespace(tunnel=True))  # the next start
    assert doors.names() == {session.door} != {first}
    session._close_door()
    assert doors.names() == set() and session.door == ""
    assert session._new_door(SimpleNamespace(tunnel=False)) == {}


def test_the_launcher_writes_a_sessions_tunnel(doors, tmp_path):
    session = TunnelledSession(doors=doors)
    session.name, session.home = "", lambda spawner: str(tmp_path)
    told = session._new_door(SimpleNamespace(tunnel=True))
    write_files(str(tmp_path), session.tunnel_files)
    folder = Path(told["MINGA_TUNNEL_FOLDER"])
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert (
        stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    )
    for name in ("tunnel/0123456789abcdef/authorized_keys", "tunnel/x/key", "tunnel/key"):
        with pytest.raises(ValueError, match="tunnel"):
            write_files(str(tmp_path), {name: "x"})


class Ordinary:
    """The hub's sshd for tunnels as an installation has it: of an account that is no root."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.state = SimpleNamespace(root=folder)
        keys = Tunnels(address="127.0.0.1", port=self.port, listen="127.0.0.1")
        self.deployment = SimpleNamespace(tunnels=keys)
        self.folder = folder

    def start(self) -> None:
        own = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.account.pw_uid)
        self.command = tunnels.prepare(self.deployment, self.state)
        place = tunnels.folder(self.state)
        if os.geteuid() == 0:
            for path in (place, *place.iterdir()):
                shutil.chown(path, self.account.pw_uid, self.account.pw_gid)
            own = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            # As in deploy/systemd/minga-tunnels.service.
            ["setpriv", "--no-new-privs", *self.command],
            stderr=self.log,
            env={**os.environ, **openssh_libraries()},
            **own,
        )
        wait_until(self._listens)

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def doors(self) -> Doors:
        return tunnels.doors(self.deployment, self.state)


@pytest.fixture
def sshd(openssh):
    folder = Path(tempfile.mkdtemp(prefix="minga-test-"))
    folder.chmod(0o755)
    running = Ordinary(folder)
    try:
        running.start()
        yield running
    finally:
        running.process.terminate()
        running.process.wait(10)
        running.log.close()
        shutil.rmtree(folder)


def test_newer_sshds_shut_no_site_out(tmp_path):
    """They are told only what they know: an older one does not start with a word it knows not."""
    for version, told in (("OpenSSH_9.2p1", False), ("OpenSSH_9.8p1", True), ("x", False)):
        (tmp_path / "sshd").write_text(f"#!/bin/sh\necho '{version}, OpenSSL 3' >&2; exit 1\n")
        (tmp_path / "sshd").chmod(0o755)
        assert (tunnels._version(str(tmp_path / "sshd")) >= (9, 8)) is told


@pytest.mark.slow
def test_a_tunnel_is_there_while_its_session_lives(sshd, tmp_path):
    """tunnel.py and the hub's sshd, without root: kept up, closed to others, ended with it."""
    doors = sshd.doors()
    door = doors.make()
    for name, text in doors.open(door).items():
        file = tmp_path / name
        file.touch(mode=0o600)
        file.write_text(text)
    assert doors.file.owner() == sshd.account.pw_name  # also where root opened it
    address = door.split(":")[0], int(door.split(":")[1])
    server = socket.create_server(("127.0.0.1", 0))
    session = subprocess.Popen(["sleep", "600"])
    program = [sys.executable, "-I", "-S", str(ROOT / "spawners" / "tunnel.py")]
    port = str(server.getsockname()[1])
    keeper = subprocess.Popen([*program, str(tmp_path), door, port, str(session.pid)])
    try:
        wait_until(lambda: _greets(server, address), 20)
        listening = {c.laddr for c in psutil.net_connections("tcp") if c.status == "LISTEN"}
        assert address in {tuple(each) for each in listening}  # nowhere but on its own address
        assert not [each for each in listening if each.port == address[1] and each != address]
        # The connection ends: another one takes its place.
        (ssh,) = psutil.Process(keeper.pid).children()
        ssh.kill()
        wait_until(lambda: _greets(server, address), 20)
        # Whoever ends the keeper ends ssh too.
        (ssh,) = psutil.Process(keeper.pid).children()
        session.kill()
        session.wait()
        keeper.wait(15)
        wait_until(lambda: not ssh.is_running() or ssh.status() == "zombie")
        wait_until(lambda: not _connects(address))
    finally:
        for process in (session, keeper):
            process.kill()
            process.wait()
        server.close()


def _connects(address) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def _greets(server: socket.socket, address) -> bool:
    """Whether what is said at the door is heard at the server."""
    try:
        with socket.create_connection(address, timeout=2) as client:
            client.sendall(b"hello")
            server.settimeout(2)
            heard, _ = server.accept()
            with heard:
                heard.settimeout(2)
                return heard.recv(5) == b"hello"
    except OSError:
        return False
