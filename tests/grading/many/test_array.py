"""The same work as a job array on a real Slurm: same scores, a lost task is run again."""

import json
import threading

import pytest

from grading import array
from spawners.cluster import packages
from tests.spawners.conftest import _cluster
from tests.spawners.private_slurm import slurm, wait_until

pytestmark = pytest.mark.slow

ALL = ["s000", "s001", "s002", "s003"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A running private cluster."""
    cluster = _cluster(packages.ensure(), tmp_path_factory.mktemp("slurm"), "chile")
    cluster.start()
    yield cluster
    cluster.stop()


def on(site) -> dict:
    return {
        "slurm": True,
        "chunk": 2,
        "environment": site.environment(),
        "sbatch": ["--mem=2G"],
    }


def test_the_same_scores_as_here_also_when_a_task_is_lost(course, site, tmp_path, monkeypatch):
    monkeypatch.setattr(array, "SETTLE", 0.2)
    monkeypatch.setattr(array, "LOOK_EVERY", 0.5)
    here = course.copy(tmp_path / "here")
    for number in range(4):
        course.hand_in(f"s00{number}", number, "import time\ntime.sleep(1)")
        here.hand_in(f"s00{number}", number, "import time\ntime.sleep(1)")
    assert here.grade() == ALL
    handed_in = []
    hand_in = array.SlurmArray._hand_in

    def noted(self, digests):
        handed_in.append(list(digests))
        hand_in(self, digests)
        if len(handed_in) == 1:
            task = next(iter(self._tasks))
            threading.Thread(target=cancel, args=(task,)).start()

    def cancel(task):  # as if its node had gone
        wait_until(lambda: running(site), 60)
        slurm(site, "scancel", task)

    monkeypatch.setattr(array.SlurmArray, "_hand_in", noted)
    assert course.grade(**on(site)) == ALL
    assert course.scores() == here.scores()
    assert len(handed_in[0]) == 4 and handed_in[1]
    assert set(handed_in[1]) <= set(handed_in[0][:2])
    wait_until(lambda: not running(site), 60)
    assert course.grade(**on(site)) == []


def running(site) -> list[str]:
    shown = slurm(site, "squeue", "--noheader", "--array", "--states=R", "--format=%i").stdout
    return shown.split()


def test_what_was_run_before_the_grader_ended_is_not_run_again(course, site, monkeypatch):
    """Results outlive the grader; the next one takes them from the shared folder."""
    monkeypatch.setattr(array, "LOOK_EVERY", 0.5)
    collect, marked = array.SlurmArray._collect, []

    def interrupted(self, digest, future, **options):
        done = collect(self, digest, future, **options)
        if done and self._tasks:
            marked.append(digest)
        return done

    monkeypatch.setattr(array.SlurmArray, "_collect", interrupted)
    monkeypatch.setattr(array.SlurmArray, "close", lambda self: self._stop.set())
    assert course.grade(**on(site)) == ALL
    assert len(marked) == 4
    results = sorted((course.root / ".minga-grading/numpy/results").glob("*.json"))
    assert len(results) == 4 and all("notebook" in json.loads(r.read_text()) for r in results)
    scores = course.scores()
    with course.book() as book:
        book.remove_submission("numpy", "s001")

    def refused(self, digests):
        assert not digests

    monkeypatch.setattr(array.SlurmArray, "_hand_in", refused)
    assert course.grade(**on(site)) == ["s001"]
    assert course.scores() == scores


def test_what_slurm_says_is_passed_on(course, site):
    options = on(site) | {"sbatch": ["--partition=no-such"]}
    assert course.grade(**options) == []
    assert course.grade(**on(site) | {"environment": {"PATH": "/nowhere"}}) == []
