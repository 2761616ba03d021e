"""Running a course's programs as the course's own account, from a hub that is not root.

python -m hub_config.course_account ACCOUNT [ARGUMENT …]    a formgrader, as the hub starts it
"""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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


def main() -> int:
    """Start a formgrader with this process's environment; it ends when this process does."""
    account, *arguments = sys.argv[1:]
    child = subprocess.Popen(command(account), stdin=subprocess.PIPE)
    child.stdin.write(request("formgrader", arguments, os.environ, os.environ["HOME"]))
    child.stdin.flush()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
