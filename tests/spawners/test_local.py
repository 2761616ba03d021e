"""Where Slurm cannot be had: the same start, queue and end, with processes of this machine."""

import asyncio
import os
import signal

import psutil
import pytest

from spawners.local import LocalSite
from spawners.queue import Life
from tests.conftest import Minga, free_port, in_a_loop_of_its_own
from tests.spawners.test_sessions import CHOICE, nothing_left, run_in_kernel

pytestmark = pytest.mark.slow


async def life(site: LocalSite, job_id: str) -> Life:
    snapshot = await site.queue.snapshot(max_age=0)
    return snapshot.life(job_id, submitted=float("-inf"))[0]


@in_a_loop_of_its_own
async def test_a_session_lives_until_it_is_cancelled(tmp_path):
    site = LocalSite("here")
    script = "#!/bin/bash\ntrap '' TERM\necho $WORD > word\nsleep 600 & wait; wait\n"
    job_id = await site.submit("ana", script, {"WORD": "hola", "PATH": "/bin"}, str(tmp_path))
    assert await life(site, job_id) is Life.RUNNING
    # A hub that restarted knows nothing but the id.
    other = LocalSite("here")
    other.adopt(job_id)
    assert await life(other, job_id) is Life.RUNNING
    children = psutil.Process(int(job_id.split("-")[0])).children(recursive=True)
    await site.cancel("ana", job_id)  # it ignores the polite signal
    assert await life(site, job_id) is Life.GONE
    assert await life(other, job_id) is Life.GONE
    # They are told together; each ends when the kernel comes to it.
    assert not psutil.wait_procs(children, timeout=10)[1]
    assert (tmp_path / "word").read_text() == "hola\n"


@in_a_loop_of_its_own
async def test_a_session_that_dies_is_noticed(tmp_path):
    site = LocalSite("here")
    job_id = await site.submit("ana", "#!/bin/bash\nexit 3\n", {"PATH": "/bin"}, str(tmp_path))
    for _ in range(50):
        if await life(site, job_id) is Life.GONE:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("still alive")


@in_a_loop_of_its_own
async def test_a_process_of_somebody_else_is_never_touched():
    site = LocalSite("here")
    site.adopt("1-1")  # process 1 lives, but did not start then
    assert await life(site, "1-1") is Life.GONE
    await site.cancel("ana", "1-1")


def test_without_slurm_a_session_is_a_process_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("MINGA_SLURM", "none")
    minga = Minga(tmp_path / "state", free_port()).start()
    try:
        assert "sin Slurm" in minga.said()
        person = minga.login("estudiante1")
        page = person.http.get(person.hub + "/spawn").content.decode()
        assert "Aquí no hay Slurm" in page
        person.start(**CHOICE)
        kernel, _ = run_in_kernel(person, "memory = 42")
        os.kill(minga.hub_pid, signal.SIGKILL)
        minga.launcher.wait(timeout=60)
        minga.start()
        person.wait_for_server(30)
        assert run_in_kernel(person, "print(memory)", kernel)[1].strip() == "42"
    finally:
        minga.interrupt()
    nothing_left(minga)
