"""Clocks that differ: the hub's from the cluster's, by less and by more than munge believes."""

import subprocess
from pathlib import Path

import pytest

from tests.faketime import libfaketime
from tests.spawners.private_slurm import slurm, wait_until

from .rig import FaultyHub, everything, wait_until_running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def faketime() -> Path:
    """The library that shifts a program's clock."""
    return libfaketime()


def shifted(faketime: Path, by: str) -> dict[str, str]:
    """Return what makes a program's clock differ, e.g. by -20m."""
    return {"LD_PRELOAD": str(faketime), "FAKETIME": by}


@pytest.mark.parametrize("by", ["-20m", pytest.param("+20m", marks=everything)])
def test_a_hub_whose_clock_is_wrong_serves_all_the_same(
    broken_site, tmp_path, faketime, monkeypatch, by
):
    """Twenty minutes off: started, found again by the next hub, followed when Slurm moves it."""
    for name, value in shifted(faketime, by).items():
        monkeypatch.setenv(name, value)
    with FaultyHub(broken_site, tmp_path) as hub:
        hub.start_session("ana")
        job = hub.job_of("ana")
        hub.kill()
        hub.start()
        hub.until(lambda: hub.server("ana").get("ready"), 30)
        slurm(broken_site, "scontrol", "requeue", job)
        wait_until_running(broken_site, job)
        wait_until(lambda: hub.said("moved to node="), 20)
        wait_until(lambda: hub.session_answers("ana"), 20)
        assert hub.job_of("ana") == job
        assert "En marcha" in hub.page(hub.browser("ana"))
        assert not hub.said("orphan job")
        hub.stop_session("ana")
        assert not hub.jobs()


def test_a_machine_that_munge_does_not_believe(broken_site, tmp_path, faketime):
    """The hub's machine is ten minutes off: Slurm refuses all of its words, and nothing is lost."""
    with FaultyHub(broken_site, tmp_path) as hub:
        hub.start_session("ana")
        job = hub.job_of("ana")
        munge = _munge_of_another_clock(hub, tmp_path, shifted(faketime, "+10m"))
        try:
            hub.break_commands("elsewhere")
            wait_until(lambda: hub.said("does not answer"), 60)
            assert hub.server("ana")["ready"]
            assert "En marcha" in hub.page(hub.browser("ana"))
            hub.add_users(["berta"])
            answer = hub.press("berta")
            assert answer.status_code == 503
            assert "el planificador no responde" in answer.json()["message"], answer.json()
            hub.settle()
            wait_until(lambda: hub.said(r"answers, \d+ jobs"), 30)
            assert list(hub.jobs()) == [job]
            hub.start_session("berta")
        finally:
            munge.terminate()
            munge.wait(10)


def _munge_of_another_clock(hub: FaultyHub, folder: Path, clock: dict) -> subprocess.Popen:
    """Start a munged of the same key and a wrong clock; `elsewhere` makes commands use it."""
    words = hub.daemon("munged").cmdline()
    key = next(word for word in words if word.startswith("--key-file="))
    run = Path("/tmp") / f"minga-clock-{hub.faults['installation']}"  # sockets' paths are short
    run.mkdir(mode=0o755)
    settings = (hub.site.folder / "etc" / "slurm.conf").read_text()
    socket = next(word.removeprefix("--socket=") for word in words if word.startswith("--socket="))
    elsewhere = hub.folder / "programs" / "slurm.conf"
    elsewhere.write_text(settings.replace(socket, f"{run}/munge.socket"))
    munge = subprocess.Popen(
        [words[0], "--foreground", "--num-threads=2", key, f"--socket={run}/munge.socket"]
        + [f"--pid-file={run}/pid", f"--log-file={run}/log", f"--seed-file={run}/seed"],
        env={**hub.site.environment(), **clock},
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: (run / "munge.socket").is_socket())
    return munge
