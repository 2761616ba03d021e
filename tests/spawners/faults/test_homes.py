"""A home that is missing or full: what its student reads, and that no job stays."""

import os
import shutil
import subprocess

import pytest

from tests.spawners.private_slurm import slurm, wait_until

from .rig import FaultyHub

pytestmark = pytest.mark.slow


def refused(hub: FaultyHub, name: str) -> str:
    """Press start; return what the student reads."""
    answer = hub.press(name)
    assert answer.status_code == 503, (answer.status_code, answer.text)
    return answer.json()["message"]


def test_a_home_that_is_missing_at_the_start(hub):
    """As on a site whose file server is away: the name is there, what it leads to is not."""
    hub.add_users(["ana"])
    home = hub.folder / "homes" / "ana"
    home.symlink_to(hub.folder / "nowhere" / "ana")
    assert "tu carpeta no está disponible" in refused(hub, "ana")
    assert not hub.jobs()
    home.unlink()
    hub.start_session("ana")
    hub.stop_session("ana")


def test_a_home_that_goes_missing_while_the_job_waits(hub, broken_site):
    hub.add_users(["berta"])
    slurm(broken_site, "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    try:
        assert hub.press("berta").status_code == 202
        shutil.rmtree(hub.folder / "homes" / "berta")
    finally:
        slurm(broken_site, "scontrol", "update", "PartitionName=gpu", "State=UP")
    wait_until(lambda: not hub.server("berta").get("pending"), 40)
    page = hub.page(hub.browser("berta"), "spawn-pending/berta")
    assert "terminó apenas empezó" in page and "espacio en tu carpeta" in page
    assert not hub.jobs()


def test_a_home_that_goes_missing_under_a_running_session(hub):
    """Its student can still save elsewhere: the session stays."""
    hub.start_session("carla")
    shutil.rmtree(hub.folder / "homes" / "carla")
    assert hub.session_answers("carla")
    assert "En marcha" in hub.page(hub.browser("carla"))
    hub.stop_session("carla")


@pytest.fixture
def small_home(tmp_path):
    """Return a function that mounts a home of a few kilobytes."""
    mounted = []

    def mount(home, options: str):
        home.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(home)]
        if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")
        mounted.append(home)

    yield mount
    for home in mounted:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def test_a_home_without_room_for_a_file(hub, small_home):
    """No new file at all (a quota of inodes): the start is refused, with the reason."""
    hub.add_users(["diana"])
    home = hub.folder / "homes" / "diana"
    small_home(home, "size=64k,nr_inodes=1")
    assert "tu carpeta está llena" in refused(hub, "diana")
    assert not hub.jobs()


def test_a_full_home_with_real_jupyterlab(broken_site, tmp_path, small_home):
    """Files can be made and nothing written in them: JupyterLab ends, and the student reads why."""
    with FaultyHub(broken_site, tmp_path, stub=False) as hub:
        hub.add_users(["elena"])
        home = hub.folder / "homes" / "elena"
        small_home(home, "size=16k")
        (home / ".minga").mkdir()
        with pytest.raises(OSError):
            (home / "data").write_bytes(bytes(10**6))
        answer = hub.press("elena")
        if answer.status_code == 202:
            wait_until(lambda: not hub.server("elena").get("pending"), 60)
            text = hub.page(hub.browser("elena"), "spawn-pending/elena")
        else:
            text = answer.json()["message"]
        assert "espacio en tu carpeta" in text or "tu carpeta está llena" in text
        assert not hub.jobs()
        (home / "data").unlink()
