"""No shell string: not in the code of spawners/, not reachable from it, not at run time."""

import ast
import contextlib
import inspect
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import jupyterhub.spawner
import pytest
import requests
from batchspawner.batchspawner import BatchSpawnerBase

from spawners.slurm import MingaSpawner
from tests.conftest import ROOT, Minga, free_port
from tests.spawners.test_sessions import CHOICE, nothing_left, queue, slurm

BANNED = {
    "create_subprocess_shell",
    "subprocess_shell",
    "system",
    "popen",
    "getoutput",
    "getstatusoutput",
    "run_command",  # batchspawner's, whose argument is a shell string
}
SHELLS = {"sh", "bash", "dash", "zsh"}


def shell_uses(source: str) -> list[str]:
    """Return what in `source` hands a string to a shell, as `line: name`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in BANNED:
            if ast.unparse(node) != "platform.system":
                found.append(f"{node.lineno}: {node.attr}")
        if isinstance(node, ast.ImportFrom):
            found += [f"{node.lineno}: {a.name}" for a in node.names if a.name in BANNED]
        if isinstance(node, ast.keyword) and node.arg == "shell":
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                found.append(f"{node.value.lineno}: shell=")
        if isinstance(node, ast.List | ast.Tuple):
            words = [item.value for item in node.elts if isinstance(item, ast.Constant)]
            if any(str(w).rsplit("/", 1)[-1] in SHELLS for w in words) and "-c" in words:
                found.append(f"{node.lineno}: a shell's -c")
    return found


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run('ls', shell=True)",
        "subprocess.run('ls', shell=flag)",
        "os.system('ls')",
        "from os import popen",
        "await asyncio.create_subprocess_shell('ls')",
        "subprocess.run(['/bin/sh', '-c', line])",
        "await self.run_command('ls')",
    ],
)
def test_the_search_sees_a_shell(code):
    assert len(shell_uses(code)) == 1


def test_no_shell_is_written_in_spawners():
    files = sorted((ROOT / "spawners").rglob("*.py"))
    assert len(files) > 15
    found = {str(file): uses for file in files if (uses := shell_uses(file.read_text()))}
    assert found == {}


def bodies(name: str) -> list[str]:
    """Return the sources of every definition of a method that MingaSpawner may run as `name`.

    The first in the order of inheritance, and what it reaches by `super()`.
    """
    found = []
    for owner in MingaSpawner.__mro__:
        method = owner.__dict__.get(name)
        method = getattr(method, "fget", None) or getattr(method, "__func__", method)
        if not inspect.isfunction(method):
            continue
        source = textwrap.dedent(inspect.getsource(method))
        found.append(source)
        if "super()" not in source:
            break
    return found


def reachable() -> set[str]:
    """Return the names of all methods that the hub, or they themselves, may call on a spawner."""
    public = [name for name in dir(jupyterhub.spawner.Spawner) if not name.startswith("__")]
    waiting = [*public, *MingaSpawner.__dict__, "take_port", "offer"]
    seen = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for source in bodies(name):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Attribute) and getattr(MingaSpawner, node.attr, None):
                    waiting.append(node.attr)
    return seen


def test_batchspawners_shell_cannot_be_reached():
    """Every method of it that runs a command is replaced, or called by nobody any more."""
    reached = reachable()
    assert {"start", "poll", "stop", "get_state", "_until_answering"} <= reached
    stock = {
        name
        for name, method in BatchSpawnerBase.__dict__.items()
        if inspect.isfunction(method)
        and any(
            "run_command" in use for use in shell_uses(textwrap.dedent(inspect.getsource(method)))
        )
    }
    assert {"submit_batch_script", "cancel_batch_job"} <= stock
    assert reached & stock == set()
    assert "run_command" not in reached


def test_who_reaches_it_anyway_is_refused(tmp_path):
    coroutine = MingaSpawner().run_command(f"touch {tmp_path}/x")
    with pytest.raises(NotImplementedError):
        coroutine.send(None)
    assert list(tmp_path.iterdir()) == []


# Python runs this in every process that starts with its folder in PYTHONPATH.
AUDIT = """
import json, os, sys
def record(event, arguments):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        words = [str(event)]
        for argument in arguments[:2]:
            words += map(str, argument) if isinstance(argument, (list, tuple)) else [str(argument)]
        line = json.dumps(words) + "\\n"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        file = os.open(os.environ["MINGA_TEST_AUDIT"], flags, 0o600)
        os.write(file, line.encode())
        os.close(file)
if "MINGA_TEST_AUDIT" in os.environ:
    sys.addaudithook(record)
"""


def recorded(file: Path) -> list[list[str]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def shells(events: list[list[str]]) -> list[list[str]]:
    """Return the recorded events that gave a string to a shell."""
    return [
        event
        for event in events
        if event[0] == "os.system"
        or ("-c" in event and {word.rsplit("/", 1)[-1] for word in event} & SHELLS)
    ]


@pytest.fixture
def audit(tmp_path, monkeypatch):
    """The file with every process that a Python started, from the hub on, from now on."""
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "sitecustomize.py").write_text(AUDIT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "audit"))
    monkeypatch.setenv("MINGA_TEST_AUDIT", str(tmp_path / "events"))
    return tmp_path / "events"


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.system('true')",
        "import os; os.popen('true').read()",
        "import subprocess; subprocess.getoutput('true')",
        "import asyncio\nasync def run():\n p = await asyncio.create_subprocess_shell('true')\n"
        " await p.wait()\nasyncio.run(run())",
    ],
)
def test_the_record_sees_a_shell(audit, code):
    subprocess.run([sys.executable, "-c", code], check=True)
    assert len(shells(recorded(audit))) == 1


@pytest.mark.slow
def test_a_real_start_poll_progress_and_stop_use_no_shell(audit, tmp_path):
    minga = Minga(tmp_path / "state", free_port()).start()
    try:
        person = minga.login("estudiante1")
        bad = "$(touch /tmp/x)`id`;'\"\n|&"
        refused = person.api("POST", "/users/estudiante1/server", json={"site": bad})
        assert refused.status_code == 400
        slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
        with contextlib.suppress(requests.Timeout):  # the hub would answer after ten seconds
            person.api("POST", "/users/estudiante1/server", json=CHOICE, timeout=2)
        page = person.http.get(f"{person.hub}/spawn-pending/estudiante1")
        assert page.status_code == 200
        slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=UP")
        person.wait_for_server()
        person.stop()
        assert queue(minga, "colombia") == []
    finally:
        minga.interrupt()
    nothing_left(minga)
    events = recorded(audit)
    started = " ".join(word for event in events for word in event)
    for program in ("launcher.py", "squeue", "configurable-http-proxy", "jupyterhub"):
        assert program in started, program
    assert shells(events) == []
