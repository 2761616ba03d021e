"""Running a course's programs as the course's own account, from a hub that is root or is not.

python -m hub_config.course_account ACCOUNT [ARGUMENT …]    a formgrader, as the hub starts it
"""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from . import databases
from .course_launcher import PROGRAMS, ROOT

LAUNCHER = Path(__file__).with_name("course_launcher.py")
PREFIX = ("sudo", "-n", "-u", "{account}", "--")


def is_another(account: str) -> bool:
    """Whether becoming `account` takes sudo: root needs none, and "" is one's own."""
    return bool(account) and os.geteuid() != 0


def command(account: str) -> list[str]:
    """Return the argument list that starts the launcher as `account`."""
    prefix = [part.replace("{account}", account) for part in PREFIX]
    return [*prefix, sys.executable, "-I", "-S", str(LAUNCHER)]


def request(
    program: str, arguments: list[str], environment: Mapping[str, str], folder: Path | str
) -> bytes:
    """Return what the launcher reads: one line."""
    asked = {
        "program": program,
        "arguments": arguments,
        "environment": dict(environment),
        "folder": str(folder),
    }
    return json.dumps(asked).encode() + b"\n"


def as_account(account: str) -> dict:
    """Return what makes subprocess run as this account; nothing for one's own."""
    if not account:
        return {}
    entry = pwd.getpwnam(account)
    return {
        "user": entry.pw_uid,
        "group": entry.pw_gid,
        "extra_groups": os.getgrouplist(account, entry.pw_gid),
        "umask": 0o077,
    }


def run(account: str, asked: bytes, timeout: float | None = None) -> subprocess.CompletedProcess:
    """Run what `request` made to its end; output is captured as text. Raises OSError."""
    done = subprocess.run(command(account), input=asked, capture_output=True, timeout=timeout)
    done.stdout = done.stdout.decode(errors="replace")
    done.stderr = done.stderr.decode(errors="replace")
    return done


def run_program(
    program: str,
    arguments: list[str],
    account: str,
    folder: Path | str,
    environment: Mapping[str, str],
) -> subprocess.CompletedProcess:
    """Run one of the launcher's programs to its end as `account`, "" is one's own.

    `environment` comes over this process's; another account has its home in `folder`, and not the
    hub's name and password at PostgreSQL. Output is captured as text. Raises OSError.
    """
    own = dict(os.environ)
    if account:
        own = {name: value for name, value in own.items() if not name.startswith("PG")}
        own |= {"HOME": str(folder), **databases.environment(os.environ, another_account=True)}
    own |= environment
    if is_another(account):
        return run(account, request(program, arguments, own, folder))
    return subprocess.run(
        [*PROGRAMS[program], *arguments],
        cwd=ROOT,
        env=own,
        capture_output=True,
        text=True,
        **as_account(account),
    )


def main() -> int:
    """Start a formgrader with this process's environment; it ends when this process does."""
    account, *arguments = sys.argv[1:]
    child = subprocess.Popen(command(account), stdin=subprocess.PIPE)
    child.stdin.write(request("formgrader", arguments, os.environ, os.environ["HOME"]))
    child.stdin.flush()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
