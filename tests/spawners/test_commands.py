"""Commands run beside the loop, end with their caller, and say why they failed."""

import asyncio
import time

import psutil
import pytest

from spawners.commands import SchedulerError, run, run_both, until_calm
from tests.conftest import in_a_loop_of_its_own

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@in_a_loop_of_its_own
async def test_a_request_goes_in_and_both_outputs_come_back():
    both = await run_both(["sh", "-c", "cat; echo aside >&2"], ENVIRONMENT, {"action": "submit"})
    assert both == ('{"action": "submit"}', "aside\n")


@in_a_loop_of_its_own
async def test_a_failure_says_what_the_command_said():
    with pytest.raises(SchedulerError, match="^slurm_load_jobs error: no$"):
        await run(["sh", "-c", "echo slurm_load_jobs error: no >&2; exit 1"], ENVIRONMENT)
    with pytest.raises(SchedulerError, match="^exit 3$"):
        await run(["sh", "-c", "exit 3"], ENVIRONMENT)
    with pytest.raises(FileNotFoundError):
        await run(["there-is-no-such-program"], ENVIRONMENT)


@in_a_loop_of_its_own
async def test_a_call_that_is_given_up_ends_its_process_and_the_process_children(tmp_path):
    note = tmp_path / "children"
    script = f"sleep 600 & echo $! > {note}; wait"
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run(["sh", "-c", script], ENVIRONMENT), timeout=1)
    assert time.monotonic() - began < 10
    child = int(note.read_text())
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie":
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the child is still there")


@in_a_loop_of_its_own
async def test_the_loop_goes_on_meanwhile():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(run(["sleep", "0.5"], ENVIRONMENT) for _ in range(4)))
    ticking.cancel()
    assert ticks > 5


@in_a_loop_of_its_own
async def test_a_busy_loop_is_waited_for_but_not_for_ever():
    async def busy(seconds: float):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)  # noqa: ASYNC251 (holds the loop, as work does)
            await asyncio.sleep(0)

    working = asyncio.create_task(busy(0.7))
    await until_calm(patience=60)
    assert working.done()
    working = asyncio.create_task(busy(3))
    await until_calm(patience=0.5)
    assert not working.done()
    working.cancel()
