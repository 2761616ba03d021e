"""The hub is killed with a whole class in session, and comes back.

MINGA_RESTART_SESSIONS sets how many; what was promised is 300.
"""

import os
import time

import pytest

from .rig import FaultyHub

pytestmark = pytest.mark.slow

SESSIONS = int(os.environ.get("MINGA_RESTART_SESSIONS", "20"))


@pytest.mark.timeout(300 + 5 * SESSIONS)
def test_a_killed_hub_finds_all_sessions_again(broken_site, tmp_path):
    with FaultyHub(broken_site, tmp_path, seconds=20) as hub:
        names = hub.grow(SESSIONS)
        jobs = hub.jobs()
        assert len(jobs) == SESSIONS
        hub.kill()
        assert hub.jobs() == jobs
        began = time.monotonic()
        hub.start()
        answering = time.monotonic() - began
        hub.until(lambda: hub.ready_servers() == SESSIONS, 120)
        known = time.monotonic() - began
        hub.until(lambda: all(map(hub.session_answers, names)), 60)
        print(
            f"{SESSIONS} sessions: the hub answers after {answering:.1f} s, knows all after "
            f"{known:.1f} s, all reachable after {time.monotonic() - began:.1f} s"
        )
        assert hub.jobs() == jobs
        assert not hub.said("orphan job")
        users = {user["name"]: user for user in hub.api("GET", "/users")}
        assert all(users[name]["servers"][""]["ready"] for name in names)


def test_a_killed_hub_whose_scheduler_is_silent_keeps_its_sessions(broken_site, tmp_path):
    """Both at once: the hub cannot ask anybody when it comes back."""
    with FaultyHub(broken_site, tmp_path) as hub:
        names = [f"s{number}" for number in range(5)]
        hub.start_session(*names)
        jobs = hub.jobs()
        hub.break_commands("noise")
        hub.kill()
        hub.start()
        hub.until(lambda: all(hub.server(name).get("ready") for name in names), 60)
        assert all(map(hub.session_answers, names))
        hub.settle()
        time.sleep(6)
        assert hub.jobs() == jobs
        assert all(hub.server(name).get("ready") for name in names)
