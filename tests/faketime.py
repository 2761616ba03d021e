"""libfaketime, which shifts a program's clock: from Debian's package, unpacked in this checkout."""

import fcntl
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / ".minga" / "faketime"


def libfaketime() -> Path:
    """Return the library, fetched if it is not here yet; skip the test where it cannot be had."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers at once: the second finds the first's
        if found := list(FOLDER.rglob("libfaketime.so.1")):
            return found[0]
        command = ["apt-get", "download", "libfaketime"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
        for package in FOLDER.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package.name, "."], cwd=FOLDER, check=True)
        if found := list(FOLDER.rglob("libfaketime.so.1")):
            return found[0]
    pytest.skip(f"libfaketime cannot be had here: {done.stderr.strip()[:200]}")
