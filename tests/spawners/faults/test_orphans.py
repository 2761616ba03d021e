"""A hub that died at any moment adopts the jobs that it knows, and finds those that nobody has."""

import contextlib
import os
import signal
import sqlite3
import time

import psutil
import pytest
import requests

from benchmarks import machine
from tests.spawners.private_slurm import slurm, wait_until

from .rig import FaultyHub, everything

pytestmark = pytest.mark.slow

JOB = ("sbatch", "--parsable", "--output=/dev/null", "--chdir=/tmp", "--job-name=minga")


def test_a_hub_killed_while_it_hands_in_adopts_the_job(broken_site, tmp_path):
    """sbatch has not answered yet: no id was saved, but the tag was."""
    with FaultyHub(broken_site, tmp_path) as hub:
        hub.add_users(["ana"])
        hub.break_commands("slow", "sbatch")
        pressed = _press_and_leave(hub, "ana")
        wait_until(lambda: _saved_tag(hub), 20)
        wait_until(lambda: _handing_in(hub), 20)
        assert not hub.jobs()
        hub.kill()
        pressed.kill()
        hub.settle()
        hub.start()
        # What the dead hub began goes on without it.
        wait_until(hub.jobs, 20)
        hub.until(lambda: hub.server("ana").get("ready"), 60)
        (job,) = hub.jobs()
        assert hub.job_of("ana") == job
        assert hub.session_answers("ana")
        assert hub.said("adopted")
        time.sleep(13)  # two looks for orphans
        assert hub.jobs() == {job: "RUNNING"}
        assert not hub.said("orphan job")
        hub.stop_session("ana")


def _press_and_leave(hub: FaultyHub, name: str) -> psutil.Popen:
    """Press start in a process of its own, which does not wait for the answer."""
    return psutil.Popen(
        ["curl", "-s", "-X", "POST", f"{hub.url}/hub/api/users/{name}/server"]
        + ["-H", f"Authorization: token {hub.settings.token}", "-d", '{"profile": "cpu"}']
    )


def _handing_in(hub: FaultyHub) -> list[psutil.Process]:
    """Return the hub's children once the (slow) sbatch is among them: it starts after the tag."""
    children = hub.process.children(recursive=True)
    with contextlib.suppress(psutil.Error):
        if any("sbatch" in word for child in children for word in child.cmdline()):
            return children
    return []


def _saved_tag(hub: FaultyHub) -> bool:
    with sqlite3.connect(hub.folder / "jupyterhub.sqlite") as database:
        states = [state for (state,) in database.execute("SELECT state FROM spawners") if state]
    return any('"tag"' in state and '"job_id"' not in state for state in states)


def test_a_hub_killed_before_slurm_had_the_job_shows_no_session(broken_site, tmp_path):
    """Both the hub and its sbatch are gone: there is nothing to wait for."""
    with FaultyHub(broken_site, tmp_path) as hub:
        hub.add_users(["ana"])
        hub.break_commands("slow", "sbatch")
        pressed = _press_and_leave(hub, "ana")
        children = wait_until(lambda: _handing_in(hub), 20)
        hub.kill()
        for process in [pressed, *children]:
            with contextlib.suppress(psutil.Error):
                if "configurable-http-proxy" not in str(process.cmdline()):
                    process.kill()
        hub.settle()
        hub.start()
        wait_until(lambda: not hub.server("ana"), 60, every=0.5)
        assert not hub.jobs()
        hub.start_session("ana")
        hub.stop_session("ana")


@pytest.mark.parametrize("option", ["report", "cancel"])
def test_a_job_that_no_session_has_is_reported_or_cancelled(broken_site, tmp_path, option):
    """The database forgot one session (a backup was restored): its job is found at the start."""
    with FaultyHub(broken_site, tmp_path, orphans=option) as hub:
        hub.start_session("ana", "berta")
        theirs, forgotten = hub.job_of("ana"), hub.job_of("berta")
        # Another installation on the same cluster, and somebody who only calls a job so.
        script = "#!/bin/sh\nsleep 300\n"
        others = [
            machine.slurm(broken_site, *JOB, *words, text=script).strip()
            for words in (["--comment=minga:0123abcd:0123456789ab"], [], ["--comment=minga::"])
        ]
        hub.kill()
        with sqlite3.connect(hub.folder / "jupyterhub.sqlite") as database:
            database.execute(
                "UPDATE spawners SET state = '{}', server_id = NULL WHERE user_id = "
                "(SELECT id FROM users WHERE name = 'berta')"
            )
        hub.start()
        hub.until(lambda: hub.server("ana").get("ready"), 20)
        (line,) = wait_until(lambda: hub.said(r"site=bench.* orphan job=.*"), 40, every=0.5)
        assert f"job={forgotten} " in line and "account=" in line and "since=20" in line
        if option == "cancel":
            wait_until(lambda: forgotten not in hub.jobs(), 30)
        time.sleep(7)
        expected = {theirs, *others} | ({forgotten} if option == "report" else set())
        assert set(hub.jobs()) == expected
        assert len(hub.said("orphan job=")) == 1  # told once
        assert _orphans_counted(hub) == 1
        assert hub.server("ana")["ready"]
        slurm(broken_site, "scancel", *others)


def _orphans_counted(hub: FaultyHub) -> float:
    text = requests.get(f"{hub.url}/hub/metrics", timeout=10).text
    (line,) = (x for x in text.splitlines() if x.startswith("minga_orphaned_jobs_total{"))
    return float(line.split()[-1])


def test_sessions_that_start_and_stop_all_the_time_are_never_orphans(broken_site, tmp_path):
    """With orphans: cancel, a look in the middle of it must not end anybody's session."""
    with FaultyHub(broken_site, tmp_path, orphans="cancel", seconds=0.3) as hub:
        hub.add_users(["ana", "berta", "carla"])
        end = time.monotonic() + 12
        while time.monotonic() < end:
            hub.start_session("ana", "berta", "carla")
            assert hub.session_answers("berta")
            for name in ("ana", "berta", "carla"):
                hub.stop_session(name)
        assert not hub.said("orphan job")


@everything
def test_a_terminated_hub_while_it_hands_in_leaves_nothing_behind(broken_site, tmp_path):
    with FaultyHub(broken_site, tmp_path) as hub:
        hub.add_users(["ana"])
        hub.break_commands("slow", "sbatch")
        pressed = _press_and_leave(hub, "ana")
        wait_until(lambda: _saved_tag(hub), 20)
        os.kill(hub.process.pid, signal.SIGTERM)
        hub.process.wait(20)
        pressed.kill()
        hub.settle()
        hub.start()
        hub.until(lambda: hub.server("ana").get("ready") or not hub.server("ana"), 60)
        time.sleep(10)
        assert len(hub.jobs()) == (1 if hub.server("ana") else 0)
