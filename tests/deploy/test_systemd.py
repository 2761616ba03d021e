"""The units are what systemd takes, hardened as far as sudo allows, and start what is there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config import course_account
from spawners.sites import LAUNCHER
from tests.conftest import ROOT

UNITS = ROOT / "deploy" / "systemd"
SUDOERS = ROOT / "deploy" / "sudoers"
INSTALLED = "/opt/minga"
# In tenths, as `systemd-analyze security` counts it: 0 is shut, 100 open.
EXPOSED = {"minga-proxy": 20, "minga-tunnels": 30, "minga-backup": 45, "minga": 85}

analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@pytest.fixture
def units(tmp_path) -> Path:
    """The units as they would be installed from this checkout, for an account that is there."""
    for unit in UNITS.iterdir():
        text = unit.read_text().replace(f"{INSTALLED}/.venv/bin/python", sys.executable)
        text = text.replace(INSTALLED, str(ROOT)).replace("User=minga", "User=daemon")
        (tmp_path / unit.name).write_text(text)
    return tmp_path


@analyze
@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_finds_no_fault(units, unit):
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", units / unit],
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
    )
    own = [line for line in done.stderr.splitlines() if "minga" in line]
    assert done.returncode == 0 and not own, done.stderr


@analyze
@pytest.mark.parametrize("unit", EXPOSED)
def test_no_more_is_open_than_must_be(units, unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager"]
        + [f"--threshold={EXPOSED[unit]}", units / f"{unit}.service"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_units_start_modules_that_are_there(unit):
    text = (UNITS / unit).read_text()
    (command,) = re.findall("^ExecStart=(.*)", text, re.MULTILINE)
    python, dash_m, module, *_ = shlex.split(command)
    assert (python, dash_m) == (f"{INSTALLED}/.venv/bin/python", "-m")
    assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
    assert "User=root" not in text


def test_the_hub_can_use_sudo():
    """Any of these makes systemd set NoNewPrivileges, under which no sudo works."""
    text = (UNITS / "minga.service").read_text()
    settings = {line.split("=")[0] for line in text.splitlines() if re.match(r"[A-Z]\w+=", line)}
    implies = re.compile(
        "NoNewPrivileges|SystemCall|Restrict|PrivateDevices|PrivateUsers|ProtectKernel|"
        "ProtectClock|ProtectHostname|MemoryDenyWriteExecute|LockPersonality|DynamicUser"
    )
    assert not {name for name in settings if implies.match(name)}


def test_sudoers_names_the_two_launchers_and_nothing_else():
    text = SUDOERS.read_text()
    commands = re.findall(r"^Cmnd_Alias \w+ = (.*)", text, re.MULTILINE)
    for command, launcher in zip(commands, (LAUNCHER, course_account.LAUNCHER), strict=True):
        path = launcher.relative_to(ROOT)
        assert command == f"{INSTALLED}/.venv/bin/python -I -S {INSTALLED}/{path}"
    rules = re.findall(r"^minga .*", text, re.MULTILINE)
    assert rules == [
        "minga ALL=(%minga-people) NOPASSWD: MINGA_SESSION",
        "minga ALL=(%minga-courses) NOPASSWD: MINGA_COURSE",
    ]


@pytest.mark.skipif(not shutil.which("visudo", path="/usr/sbin"), reason="sudo is not installed")
def test_sudo_takes_it(tmp_path):
    shutil.copy(SUDOERS, tmp_path / "minga")
    (tmp_path / "minga").chmod(0o440)
    check = ["/usr/sbin/visudo", "--check", f"--file={tmp_path / 'minga'}"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
