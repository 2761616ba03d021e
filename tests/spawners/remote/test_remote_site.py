"""A session in another country, over a link that is slow, loses packets, is cut, or ends.

The link: 60 ms each way, 1 % of all packets lost each way, made in user space (link.py), because
`tc netem` is not in every kernel. The country (country.py) shares nothing with the hub.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
import websocket

from deploy.doctor import sites
from deploy.doctor.findings import Installation
from hub_config.deployment import load
from hub_config.state import State
from spawners.login_node import LoginNode
from tests.spawners.faults.rig import everything
from tests.spawners.private_slurm import wait_until
from tests.spawners.test_sessions import CHOICE, hub_log, run_in_kernel

from .country import NAME

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CUT = float(
    os.environ.get("MINGA_CUT_SECONDS", 60 if os.environ.get("MINGA_FAULTS") == "all" else 15)
)


@pytest.fixture
def working(regional):
    """A student with a session in the other country, and none afterwards."""
    person = regional.minga.login("estudiante1")
    answer = person.api("POST", "/users/estudiante1/server", json=CHOICE)
    assert answer.status_code in (201, 202), answer.text + hub_log(regional.minga)
    try:
        person.wait_for_server(60)
    except AssertionError:
        raise AssertionError(hub_log(regional.minga) + session_log(regional)) from None
    yield person
    person.stop()


def session_log(regional) -> str:
    logs = regional.country.homes.glob("*/.minga/session-*.log")
    return "\n".join(file.read_text(errors="replace")[-2000:] for file in logs)


def tunnels_of(regional) -> list[psutil.Process]:
    """The ssh of each session that runs in the country."""
    found = []
    for process in regional.country.processes():
        try:
            if process.name() == "ssh" and "-R" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def doors(regional) -> str:
    return (regional.state / "tunnels" / "doors").read_text()


def page(person) -> requests.Response:
    """What the student's browser gets at their session."""
    return person.http.get(f"{person.minga.url}/user/{person.name}/lab", timeout=60)


def answers(person, kernel: str) -> bool:
    try:
        return run_in_kernel(person, "print(kept)", kernel)[1].strip() == "42"
    except (OSError, KeyError, ValueError, websocket.WebSocketException):
        return False


def test_a_session_in_another_country_is_reached_through_its_own_tunnel(regional, working):
    code = f"""
import os, pathlib
print(os.path.expanduser('~'), os.environ['JUPYTERHUB_API_URL'].split(':')[0])
print(os.listdir({str(regional.state)!r}))
pathlib.Path('notes.txt').write_text('mine')
"""
    _, output = run_in_kernel(working, code)
    home, seen = output.strip().splitlines()
    assert home == f"{regional.country.homes}/estudiante1 https"
    assert seen == "[]"  # no shared file system
    assert (regional.country.homes / "estudiante1" / "notes.txt").read_text() == "mine"
    assert not (regional.state / "homes" / "estudiante1").exists()
    assert not regional.country.homes.is_relative_to(regional.state)
    # It listens on its node's loopback; nothing but the login node's ssh can be reached.
    server = regional.minga.login("admin").api("GET", "/users/estudiante1?include_stopped_servers")
    assert server.ok
    assert "RUNNING" in regional.country.slurm("squeue", "--noheader", "--format=%T")
    (ssh,) = tunnels_of(regional)
    listening = [int(word.rsplit(":", 1)[1]) for word in ssh.cmdline() if word.count(":") == 3]
    assert len(listening) == 1
    with pytest.raises(OSError):
        socket.create_connection((regional.country.link.there, listening[0]), timeout=3)
    assert doors(regional).count("permitlisten") == 1

    working.stop()
    wait_until(lambda: not tunnels_of(regional), 20)
    assert "permitlisten" not in doors(regional)  # nobody opens it any more
    assert regional.country.slurm("squeue", "--noheader", "--states=R,PD") == ""


def ssh_to_login(regional, *words: str, tty: bool = False, **options):
    login = LoginNode(
        f"root@{regional.country.link.there}", str(regional.key), f"{regional.folder}/host_keys"
    )
    command = login.command("test")
    command[1:2] = ["-tt"] if tty else []
    return subprocess.run(
        [*command[:-1], *words[:-1], command[-1], *words[-1:]],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_the_hubs_key_starts_one_program_at_the_login_node(regional):
    asked = json.dumps({"ask": ["squeue", "--noheader"]})
    done = ssh_to_login(regional, "id; cat /etc/shadow", input=asked)
    assert (done.returncode, done.stdout) == (0, ""), done  # the queue is empty
    for request in ("", "[]", '{"ask": ["id"]}', '{"ask": ["sbatch", "--wrap=id"]}'):
        done = ssh_to_login(regional, "sh", input=request)
        assert done.returncode == 2 and "uid=" not in done.stdout, done
        assert done.stderr.startswith("minga: not a"), done
    done = ssh_to_login(regional, "", tty=True, input="")
    assert "PTY allocation request failed" in done.stderr + done.stdout, done
    # No file transfer, and no way through to somewhere else.
    done = ssh_to_login(regional, "-s", "sftp", input="")
    assert (done.returncode, done.stdout) == (2, ""), done  # the gate's own refusal
    done = ssh_to_login(regional, "-W", "127.0.0.1:22", input="")
    assert done.returncode == 255 and done.stdout == "", done
    there = "127.0.0.1:22"
    forward = ["-o", "ExitOnForwardFailure=yes", "-N", "-R", f"9999:{there}"]
    done = ssh_to_login(regional, *forward, "", input="")
    assert done.returncode == 255 and "forwarding failed" in done.stderr, done


def test_a_sessions_key_opens_one_door_of_the_hub(regional, working):
    (folder,) = (regional.country.homes / "estudiante1" / ".minga" / "tunnel").iterdir()
    assert {file.name for file in folder.iterdir()} == {"key", "known_hosts", "config"}
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    door = re.search(r'permitlisten="([^"]+)"', doors(regional))[1]

    def ssh(*words: str):
        command = ["ssh", "-F", "config", "-o", "ConnectTimeout=10", *words]
        inside = ["nsenter", "--target", str(regional.country._first().pid), "--net"]
        return subprocess.run(
            [*inside, *command], cwd=folder, capture_output=True, text=True, timeout=60, input=""
        )

    for words in (["hub", "id"], ["-tt", "hub"], ["-s", "hub", "sftp"]):
        done = ssh(*words)
        assert done.returncode == 255 and "uid=" not in done.stdout, done
    hub_port = json.loads((regional.state / "hub" / "ports.json").read_text())["hub"]
    done = ssh("-W", f"127.0.0.1:{hub_port}", "hub")  # the hub's own port, behind the proxy
    assert done.returncode == 255 and not done.stdout, done
    address, port = door.split(":")
    for other in ("127.64.0.1:20000", f"{address}:{int(port) - 1}", f"0.0.0.0:{port}", port):
        done = ssh("-N", "-R", f"{other}:127.0.0.1:1", "hub")
        assert done.returncode == 255 and "forwarding failed" in done.stderr, (other, done)
    kept = folder.parent.parent / "kept"
    shutil.copytree(folder, kept)
    working.stop()
    folder = kept  # the key of a session that is over
    done = ssh("-N", "-R", f"{door}:127.0.0.1:1", "hub")
    assert done.returncode == 255 and "Permission denied" in done.stderr, done


def test_the_doctor_starts_a_session_there(regional, monkeypatch):
    monkeypatch.setenv("MINGA_STATE", str(regional.state))
    file = regional.folder / "regional.yaml"

    def found() -> list:
        deployment = load(file)
        installation = Installation(file, deployment, State(deployment), "")
        with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs in the main one
            return thread.submit(lambda: list(sites.check(installation, NAME))).result()

    assert found() == []
    assert "permitlisten" not in doors(regional)
    lines = regional.country.folder / "authorized_keys"
    right = lines.read_text()
    lines.write_text(regional.key.with_suffix(".pub").read_text())
    first = found()[0]
    assert "abre toda la cuenta" in first.es and "restrict,command=" in first.mend
    lines.write_text("")
    (finding,) = found()
    assert "no acepta la clave" in finding.es and finding.where.endswith("ssh.key_file")
    lines.write_text(right)
    known = regional.folder / "host_keys"
    hosts = known.read_text()
    known.write_text(hosts.replace("AAAAI", "AAAAJ"))
    (finding,) = found()
    assert finding.where.endswith("ssh.host_keys_file") and "ssh-keyscan" in finding.mend
    known.write_text(hosts)


def test_a_link_that_is_cut_ends_nothing(regional, working):
    kernel, _ = run_in_kernel(working, "kept = 42")
    job = working.server()["started"]
    regional.country.link.cut()
    try:
        end, told = time.monotonic() + CUT, ""
        while time.monotonic() < end:
            server = working.server()
            assert server["ready"] and not server["pending"], (server, hub_log(regional.minga))
            if not told and CUT >= 60 and time.monotonic() > end - 15:
                answer = page(working)  # the tunnel is known to be down by now
                assert answer.status_code == 503, answer.status_code
                told = answer.content.decode()
                assert "sesión" in told
            time.sleep(2)
    finally:
        regional.country.link.mend()
    wait_until(lambda: answers(working, kernel), 120, every=1)
    assert working.server()["started"] == job  # the same session, and its kernel remembers
    assert len(tunnels_of(regional)) == 1


@everything
def test_a_hub_killed_while_the_link_is_cut_finds_its_session(regional, working):
    kernel, _ = run_in_kernel(working, "kept = 42")
    regional.country.link.cut()
    try:
        os.kill(regional.minga.hub_pid, 9)
        regional.minga.launcher.wait(timeout=60)
        regional.minga.start()
        time.sleep(45)
        assert working.server(), hub_log(regional.minga)
    finally:
        regional.country.link.mend()
    working.wait_for_server(60)
    wait_until(lambda: answers(working, kernel), 120, every=1)


@everything
def test_a_site_that_disappears_takes_nothing_with_it(regional, working):
    """Last: the country begins anew, with what was on its disks."""
    run_in_kernel(working, "open('work.txt', 'w').write('kept')")
    time.sleep(6)  # slurmctld writes jobs down 5 s later; those it had not, Slurm itself loses
    regional.country.disappear()
    wait_until(lambda: page(working).status_code == 503, 90, every=1)
    assert "sesión" in page(working).content.decode()
    server = working.server()
    assert server["ready"], server  # nobody says that it ended: nobody knows
    # The start page says so, and another site is there meanwhile.
    other = regional.minga.login("estudiante2")
    start = wait_until(lambda: _out_of_service(other), 60, every=2)
    assert "Bogotá" in start
    other.start(**{**CHOICE, "site": "chile", "profile": "cpu"})
    other.stop()

    regional.country.start()
    wait_until(lambda: f"site={NAME} answers" in whole_log(regional), 90, every=1)
    # Its operator says that the nodes were off; Slurm begins the job again, and the hub follows.
    off = ["scontrol", "update", f"NodeName={NAME}-n[0-1]"]
    regional.country.slurm(*off, "State=DOWN", "Reason=power")
    regional.country.slurm(*off, "State=RESUME", check=False)  # unless they are back by themselves
    wait_until(lambda: "moved to node=" in whole_log(regional), 180, every=1)
    wait_until(lambda: page(working).status_code == 200, 60, every=1)
    assert (regional.country.homes / "estudiante1" / "work.txt").read_text() == "kept"
    working.stop()
    working.start(**CHOICE)
    assert run_in_kernel(working, "print(open('work.txt').read())")[1].strip() == "kept"


def _out_of_service(person) -> str:
    text = person.http.get(f"{person.hub}/spawn", timeout=60).content.decode()
    return text if "Fuera de servicio por ahora" in text else ""


def whole_log(regional) -> str:
    return (Path(regional.state) / "log" / "hub.log").read_text()
