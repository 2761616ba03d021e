"""The measurements run to their end and leave nothing behind; how fast they are is not asked."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def left_over(folder: Path) -> list[str]:
    """The processes of a measurement in `folder`: hubs, proxies, Slurm's daemons, sessions."""
    found = []
    for process in psutil.process_iter():
        try:
            marks = [process.environ().get(key, "") for key in ("MINGA_BENCHMARK", "MINGA_CLUSTER")]
            if any(mark.startswith(str(folder)) for mark in marks):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def test_both_spawners_are_measured_side_by_side(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.spawn", "--quick", "--only", "a", "--output", tmp_path],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    for spawner in ("ours", "stock"):
        rows = results["a"][spawner]
        assert [row["ready"] for row in rows] == [row["alive"] for row in rows] == [0, 1, 4]
        assert all(row["round_processes"] > 0 for row in rows[1:])
    assert "<svg" in (tmp_path / "spawn.svg").read_text()
    assert left_over(tmp_path) == []


def test_an_interrupted_measurement_leaves_nothing_behind(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.spawn", "--quick", "--only", "c"]
        + ["--output", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while not any("jupyterhub" in each for each in left_over(tmp_path)):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.2)
        time.sleep(3)  # sessions are starting
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=90) != 0
    finally:
        process.kill()
    assert left_over(tmp_path) == []
