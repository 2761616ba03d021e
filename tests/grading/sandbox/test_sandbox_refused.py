"""Where the system allows no user namespaces, nothing is run, and it is said how to allow them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grading import sandbox

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
CODE = """
from sandboxed import notebook
from grading.errors import SandboxUnavailable
from grading.kernels import run_notebook
nb = notebook("open('/tmp/ran', 'w')")
try:
    run_notebook(nb, files={})
except SandboxUnavailable as error:
    print(error.message.said_in("es"), "|||", error.message.said_in("en"))
    print("ran:", bool(nb.cells[0].execution_count))
"""


def test_a_system_without_user_namespaces():
    """A user of the system as they are where an administrator has switched them off."""
    walls = [str(sandbox.bubblewrap()), "--unshare-user", "--uid", "1000", "--disable-userns"]
    walls += ["--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--die-with-parent"]
    done = subprocess.run(
        [*walls, sys.executable, "-c", CODE],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}",
            **sandbox.libraries(),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    es, en = done.stdout.split("|||")
    assert "Esta máquina no permite aislar el código" in es and "nothing is\ngraded without" in en
    for words in (es, en):
        assert "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" in words
    assert "ran: False" in en
