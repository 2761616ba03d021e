"""What the pending page shows of a start, from the queue's last answer."""

import time

import pytest

from spawners.queue import Job, Snapshot
from spawners.situation import situation
from spawners.slurm import MingaSpawner
from tests.conftest import in_a_loop_of_its_own

QUEUE = Snapshot(0, {str(n): Job(str(n), "PENDING", partition="gpu") for n in (3, 4, 7)})
WAITING = Job("7", "PENDING", reason="Priority", started="1795437000", partition="gpu")


@pytest.mark.parametrize(
    ("job", "latest", "told", "message", "following"),
    [
        (None, QUEUE, False, "En la cola de Chile.", "conservas tu lugar"),
        (WAITING, QUEUE, False, "lugar 3. Hay pedidos antes que el tuyo", "conservas tu lugar"),
        (WAITING, Snapshot(0, {}, error="x"), False, "no responde", "No tienes que hacer nada"),
        (None, Snapshot(0, {}, error="x"), False, "no responde", "No tienes que hacer nada"),
        (Job("7", "RUNNING", node="n1"), QUEUE, False, "está lista (n1)", "en unos segundos"),
        (Job("7", "RUNNING", node="n1"), QUEUE, True, "respondió", "en unos segundos"),
        (Job("7", "CANCELLED"), QUEUE, False, "terminó en Chile", "dirá por qué"),
    ],
)
def test_each_moment_of_a_start_is_said_with_what_comes_next(job, latest, told, message, following):
    now = situation("Chile", "7", job, latest, told)
    assert message in now.message.render()
    assert following in now.next.render()
    assert now.starts == (1795437000 if job is WAITING and not latest.error else None)


@in_a_loop_of_its_own
async def test_a_page_that_was_closed_is_found_out_by_writing_to_it_now_and_then():
    spawner = MingaSpawner(idle_interval=0.3, queue_interval=0.01)
    began, events = time.monotonic(), []
    async for event in spawner.progress():
        events.append(event)
        if len(events) == 3:
            break
    assert events[0] == events[1] == events[2]
    assert 0.6 <= time.monotonic() - began < 5
    assert events[0]["next"]["es"]
