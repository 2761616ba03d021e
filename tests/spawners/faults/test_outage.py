"""slurmctld is down for minutes under a class: nobody's session ends, nobody reads «stopped».

MINGA_OUTAGE_SESSIONS and MINGA_OUTAGE_SECONDS set the size; what was promised is 100 and 600.
"""

import os
import time

import pytest

from benchmarks import machine
from spawners.cluster import processes
from tests.spawners.private_slurm import wait_until

from .rig import FaultyHub, end_of_process

pytestmark = pytest.mark.slow

SESSIONS = int(os.environ.get("MINGA_OUTAGE_SESSIONS", "12"))
SECONDS = float(os.environ.get("MINGA_OUTAGE_SECONDS", "25"))


@pytest.mark.timeout(SECONDS + 5 * SESSIONS + 300)
def test_an_outage_of_slurmctld_ends_no_session_and_no_page_says_so(broken_site, tmp_path):
    interval = 20 if SECONDS > 120 else 3  # an installation's own, where there is time for it
    with FaultyHub(broken_site, tmp_path, seconds=interval) as hub:
        names = hub.grow(SESSIONS)
        jobs = hub.jobs()
        assert len(jobs) == SESSIONS
        browsers = {name: hub.browser(name) for name in names[:: max(1, SESSIONS // 5)]}
        for browser in browsers.values():
            assert "En marcha" in hub.page(browser)

        time.sleep(8)  # slurmctld writes jobs down 5 s later; those it had not, Slurm itself loses
        end_of_process(hub.daemon("slurmctld"))
        end, looks = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            everybody_is_there(hub, names, browsers)
            looks += 1
            time.sleep(min(5, SECONDS / 10))
        assert hub.said("does not answer")  # the hub did ask, and got none
        print(f"{SESSIONS} sessions, {SECONDS:.0f} s without slurmctld, {looks} looks")

        broken_site.start()
        wait_until(lambda: hub.said(r"answers, \d+ jobs"), 120, every=1)
        everybody_is_there(hub, names, browsers)
        assert hub.jobs() == jobs
        # And it is no blindness: what really ends now is noticed.
        machine.slurm(broken_site, "scancel", hub.job_of(names[0]))
        wait_until(lambda: not hub.server(names[0]), 90, every=1)
        assert "En marcha" not in hub.page(browsers[names[0]])
    assert set(processes.daemons(broken_site.folder)) >= {"munged", "slurmctld"}


def everybody_is_there(hub: FaultyHub, names: list[str], browsers: dict) -> None:
    users = {user["name"]: user for user in hub.api("GET", "/users")}
    for name in names:
        server = users[name]["servers"][""]
        assert server["ready"] and not server["pending"], (name, server, hub.log()[-3000:])
        assert hub.session_answers(name), name
    for name, browser in browsers.items():
        began = time.monotonic()
        page = hub.page(browser)
        assert time.monotonic() - began < 5  # nobody's page waits for a scheduler
        assert "En marcha" in page, (name, page)
        assert "Detenida" not in page and "no está en marcha" not in page, (name, page)
