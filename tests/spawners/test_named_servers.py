"""One student, two sites at once: sessions that know nothing of each other."""

import os
import signal
import time

import psutil
import pytest
import requests

from tests.conftest import Minga, free_port
from tests.spawners.test_sessions import CHOICE, announce, hub_log, nothing_left, queue, slurm

pytestmark = pytest.mark.slow

HERE = CHOICE | {"site": "chile", "course": "ai-foundations"}
THERE = CHOICE | {"site": "colombia", "course": "supercomputing", "profile": "cpu"}


class Sessions:
    """The sessions of one person, by name; "" is the one without a name."""

    def __init__(self, person):
        self.person = person
        self.path = f"/users/{person.name}/server"

    def all(self) -> dict:
        return self.person.api("GET", f"/users/{self.person.name}").json()["servers"]

    def start(self, name: str, **choice) -> requests.Response:
        path = f"/users/{self.person.name}/servers/{name}" if name else self.path
        return self.person.api("POST", path, json=choice)

    def wait(self, name: str, seconds: float = 60) -> dict:
        end = time.monotonic() + seconds
        while not self.all().get(name, {}).get("ready"):
            assert time.monotonic() < end, hub_log(self.person.minga)
            time.sleep(0.2)
        return self.all()[name]

    def stop(self, name: str, remove: bool = False) -> None:
        path = f"/users/{self.person.name}/servers/{name}" if name else self.path
        self.person.api("DELETE", path)
        end = time.monotonic() + 60
        while self.all().get(name, {}).get("ready") or self.all().get(name, {}).get("pending"):
            assert time.monotonic() < end, self.all()
            time.sleep(0.2)
        if remove:
            self.person.api("DELETE", path, json={"remove": True})

    def answer(self, name: str) -> int:
        """What the person's browser gets from the session itself, through the proxy."""
        url = f"{self.person.minga.url}/user/{self.person.name}/{name + '/' if name else ''}"
        headers = {"Authorization": f"token {self.person.token}"}
        return requests.get(url + "api/status", headers=headers, timeout=10).status_code

    def environment(self, name: str) -> dict[str, str]:
        """What the code in a session can read."""
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                command = process.cmdline()
            except psutil.Error:
                continue
            if (
                environment.get("MINGA_SESSION_OF") == str(self.person.minga.state)
                and environment.get("JUPYTERHUB_USER") == self.person.name
                and environment.get("JUPYTERHUB_SERVER_NAME", "") == name
                and "jupyterhub-singleuser" in " ".join(command)
            ):
                return environment
        raise AssertionError(f"no session «{name}»")


def test_two_sessions_on_two_sites_live_and_end_apart(tmp_path):
    minga = Minga(tmp_path / "state", free_port()).start()
    try:
        sessions = Sessions(minga.login("estudiante1"))
        assert sessions.start("", **HERE).status_code in (201, 202)
        assert sessions.start("segunda", **THERE).status_code in (201, 202)
        for name in ("", "segunda"):
            sessions.wait(name)
            assert sessions.answer(name) == 200
        # Each in its own site's queue, as what was chosen for it. The ids may be the same.
        first, second = sessions.environment(""), sessions.environment("segunda")
        assert [line.split() for line in queue(minga, "chile")] == [
            [first["SLURM_JOB_ID"], "RUNNING"]
        ]
        assert [line.split() for line in queue(minga, "colombia")] == [
            [second["SLURM_JOB_ID"], "RUNNING"]
        ]
        assert (first["MINGA_SITE"], first["MINGA_COURSE"]) == ("chile", "ai-foundations")
        assert (second["MINGA_SITE"], second["MINGA_COURSE"]) == ("colombia", "supercomputing")
        assert "CUDA_VISIBLE_DEVICES" in first and "CUDA_VISIBLE_DEVICES" not in second
        for own in ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_SERVICE_URL"):
            assert first[own] != second[own]
        log = (minga.state / "log" / "hub.log").read_text()
        assert "user=estudiante1 session=- site=chile" in log
        assert "user=estudiante1 session=segunda site=colombia" in log
        logs = sorted(
            file.name for file in (minga.state / "homes/estudiante1/.minga").glob("*.log")
        )
        assert logs == sorted(
            [f"session-chile-{first['SLURM_JOB_ID']}.log"]
            + [f"session-colombia-{second['SLURM_JOB_ID']}.log"]
        )

        os.kill(minga.hub_pid, signal.SIGKILL)
        minga.launcher.wait(timeout=60)
        minga.start()
        for name in ("", "segunda"):
            sessions.wait(name, 20)
            assert sessions.answer(name) == 200

        sessions.stop("segunda")
        assert queue(minga, "colombia") == []
        assert sessions.answer("") == 200
        assert [line.split()[0] for line in queue(minga, "chile")] == [first["SLURM_JOB_ID"]]
    finally:
        minga.interrupt()
    nothing_left(minga)


@pytest.fixture
def sessions(minga):
    """A student's sessions, none before or after."""
    sessions = Sessions(minga.login("estudiante2"))
    yield sessions
    for name in sessions.all():
        sessions.stop(name, remove=bool(name))


def test_a_token_announces_for_its_own_session_only(minga, sessions):
    """Both wait for their port; the token of one must not give the other an address."""
    sessions.start("", **HERE)
    sessions.wait("")
    token = sessions.environment("")["JUPYTERHUB_API_TOKEN"]
    # The second session has no place to start, so it waits for a port all the time.
    blocked = CHOICE | {"site": "chile", "profile": "gpu2"}
    slurm(minga, "chile", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    try:
        assert sessions.start("segunda", **blocked).status_code == 202
        assert announce(minga, token, json={"port": 4711}).status_code == 409
        assert not sessions.all()["segunda"]["ready"]
    finally:
        slurm(minga, "chile", "scontrol", "update", "PartitionName=gpu", "State=UP")
    sessions.wait("segunda")
    assert sessions.answer("segunda") == sessions.answer("") == 200
    own = sessions.environment("segunda")["JUPYTERHUB_API_TOKEN"]
    assert own != token
    assert announce(minga, own, json={"port": 4711}).status_code == 409


@pytest.mark.parametrize(
    "name", ["a b", "..", "%2e%2e", "a%2Fb", "a;id", "A", "ñ", "x" * 300, "a%0Ab", "-a"]
)
def test_a_name_is_a_plain_word(minga, sessions, name):
    assert sessions.start(name, **HERE).status_code in (400, 404)
    assert queue(minga, "chile") == []
    assert set(sessions.all()) <= {""}


def test_there_is_a_limit_for_each_person(minga, sessions):
    """sessions_per_person is 2 by default: one without a name and one with."""
    sessions.start("segunda", **HERE)
    answer = sessions.start("tercera", **HERE)
    assert answer.status_code == 400
    assert "maximum of 1 named" in answer.json()["message"]
    assert set(sessions.all()) <= {"", "segunda"}
