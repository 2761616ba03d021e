"""Many at once: the scores of one after the other, each failure its own, resumable."""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from grading import workers
from grading.ahead import Batch

pytestmark = pytest.mark.slow

ALL = ["s000", "s001", "s002", "s003"]


@pytest.fixture
def ran_ahead(monkeypatch) -> list[bool]:
    """Whether each notebook had been run ahead when nbgrader came to it."""
    found, result = [], Batch.result

    def noted(self, nb, resources):
        done = result(self, nb, resources)
        found.append(done is not None)
        return done

    monkeypatch.setattr(Batch, "result", noted)
    return found


def test_the_same_scores_as_one_after_the_other_and_as_stock(course, tmp_path, ran_ahead):
    stock = course.copy(tmp_path / "stock")
    del stock.config.Autograde, stock.config.GradingExporter
    (course.root / "submitted/s001/numpy/datos.csv").write_text("1,2")  # files come along
    assert course.grade() == ALL
    assert ran_ahead == [True] * 4
    assert stock.grade() == ALL
    assert course.scores() == stock.scores()
    totals = [sum(v[0] or 0 for k, v in s.items() if k != "late") for s in course.scores().values()]
    assert len(set(totals)) == 4
    assert (course.root / "autograded/s001/numpy/datos.csv").read_text() == "1,2"
    # formgrader's way, one submission and always: in this process
    before = course.scores()
    from nbgrader.apps.api import NbGraderAPI

    done = NbGraderAPI(config=course.config).autograde("numpy", "s002")
    assert done["success"], done["log"]
    assert course.scores() == before
    assert course.grade() == []


def test_a_crash_and_a_loop_end_in_their_own_failure(course):
    course.hand_in("s000", 0, "import os\nos._exit(1)")
    course.hand_in("s001", 0, "sum(range(10**15))")  # in C, where no interrupt is looked for
    course.config.Execute.timeout = 2
    assert course.grade() == ["s002", "s003"]
    assert not course.autograded("s000").exists()
    course.hand_in("s000", 0)
    assert course.grade() == ["s000"]  # and s001 fails again


def test_a_worker_that_dies_takes_nothing_with_it(course, monkeypatch):
    lanes, submit = [], workers.Workers.submit

    def kill_one(self, job):
        if not lanes:
            lanes.extend(self._lanes)
            group = psutil.Process(lanes[0]._group.pid)
            limit = time.monotonic() + 60
            while len(group.children()) < 2 and time.monotonic() < limit:
                time.sleep(0.05)
            group.children()[0].kill()
        return submit(self, job)

    monkeypatch.setattr(workers.Workers, "submit", kill_one)
    assert course.grade() == ALL


def test_killed_half_way_the_second_run_does_the_rest(course):
    for number in range(4):  # slow enough to be caught in the middle
        course.hand_in(f"s00{number}", number, "import time\ntime.sleep(2)")
    process = course.command("--workers", "1", start_new_session=True)
    limit = time.monotonic() + 120
    while not course.autograded("s001").exists() and time.monotonic() < limit:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(children, 60)
    assert not [child for child in children if child.is_running()]
    left = course.grade()
    assert "s000" not in left and left == ALL[ALL.index(left[0]) :]
    assert set(course.scores()) == set(ALL)
    assert course.grade() == []


def test_interrupted_it_says_how_to_go_on_and_leaves_no_process(course, monkeypatch):
    course.hand_in("s002", 2, "import time\ntime.sleep(50)")
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    process = course.command("--workers", "2", start_new_session=True)
    limit = time.monotonic() + 120
    while not course.autograded("s001").exists() and time.monotonic() < limit:
        time.sleep(0.05)
    threading.Event().wait(1)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, said = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:  # Python drops one that comes while it frees an object
        os.killpg(process.pid, signal.SIGINT)
        try:
            _, said = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # faulthandler says where each thread is
            pytest.fail(process.communicate(timeout=60)[1])
    assert process.returncode == 130, said
    assert "La misma orden sigue" in said or "la misma orden sigue" in said
    assert re.search(r"numpy: +\d+%", said)  # the bar
    psutil.wait_procs(children, 60)
    assert not [child for child in children if child.is_running()]
    assert not Path(course.root, "autograded/s002/numpy/numpy.ipynb").exists()
