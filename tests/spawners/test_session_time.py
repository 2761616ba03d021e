"""The time limit is kind: warned, saved, made longer, and afterwards told why."""

import json
import re
import time

import pytest
import requests

from spawners.endings import AFTER
from spawners.queue import Job
from spawners.session_time import SENTENCES, Ending, TimedSession, _open
from spawners.slurm import MingaSpawner
from tests.conftest import Minga, Person
from tests.spawners.test_sessions import CHOICE, hub_log, session_environment, slurm

# --- without Slurm ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_keeps_its_places_for_whoever_shows_it(name):
    message = SENTENCES[name]
    assert _open(message).render() == message.text


def test_what_a_notification_says_is_not_cut():
    """JupyterLab cuts one at 140 characters."""
    longest = SENTENCES["minutes"].filled(minutes=15, time="23:59").render()
    assert len(f"{longest} {SENTENCES['will_save'].render()}") <= 140


def test_how_a_session_ended_survives_the_hub_and_the_end_of_its_state():
    spawner = MingaSpawner()
    spawner.ending, spawner.extended = Ending("timeout", "chile", 1795439152.0), 1
    restarted = MingaSpawner()
    restarted.load_state(json.loads(json.dumps(spawner.get_state())))
    assert (restarted.ending, restarted.extended) == (spawner.ending, 1)
    spawner.clear_state()  # what JupyterHub does when a session is over
    assert spawner.ending.state == "timeout" and spawner.extended == 0
    assert restarted.ended() == AFTER["TIMEOUT"]


def test_a_start_that_failed_is_no_session_that_ended():
    spawner = MingaSpawner()
    spawner.site_name, spawner.job_id = "chile", "1"
    spawner._note_end("failed")
    assert spawner.ending is None


@pytest.mark.parametrize(
    ("job", "left"),
    [
        (None, None),
        (Job("1", "RUNNING"), None),  # no time limit
        (Job("1", "PENDING", ends="99999999999"), None),  # an estimate
        (Job("1", "RUNNING", ends="1"), 0),  # Slurm looks every half minute
    ],
)
def test_seconds_left(job, left):
    spawner = MingaSpawner()
    spawner.job = job
    assert TimedSession.seconds_left(spawner) == left


# --- with Slurm, hub and browser ----------------------------------------------------------------


def clock(person: Person, method: str = "GET") -> requests.Response:
    """What JupyterLab asks its own server."""
    return requests.request(
        method,
        f"{person.minga.url}/user/{person.name}/minga/session",
        headers={"Authorization": f"token {person.token}"},
        timeout=60,
    )


def job_of(minga: Minga, person: Person) -> str:
    return session_environment(minga, person.name)["SLURM_JOB_ID"]


def limit(minga: Minga, site: str, job: str) -> str:
    shown = slurm(minga, site, "scontrol", "show", "job", job, "--oneliner")
    return re.search(r" TimeLimit=(\S+)", shown)[1]


def asked_by_the_session(person: Person, at_most: float) -> None:
    """Wait until the hub tells a session that it has `at_most` seconds left."""
    token = session_environment(person.minga, person.name)["JUPYTERHUB_API_TOKEN"]
    headers = {"Authorization": f"token {token}"}
    end = time.monotonic() + 40
    while True:
        answer = requests.get(f"{person.hub}/api/minga/session", headers=headers, timeout=10)
        if answer.json()["seconds_left"] <= at_most:
            return
        assert time.monotonic() < end, answer.json()
        time.sleep(1)


def page_of(minga: Minga, person: Person, language: str) -> tuple[int, str]:
    """What the address of the session shows: the hub's page when it is not running."""
    answer = person.http.get(
        f"{minga.url}/user/{person.name}/lab",
        headers={"Accept": "text/html", "Accept-Language": language},
    )
    return answer.status_code, answer.content.decode()


@pytest.fixture
def student(minga):
    """A student with no session before or after."""
    person = minga.login("estudiante2")
    yield person
    person.stop()


@pytest.mark.slow
def test_a_session_is_made_longer_as_often_as_its_site_allows(minga, student):
    student.start(**CHOICE)
    job = job_of(minga, student)
    assert limit(minga, "colombia", job) == "01:00:00"
    told = clock(student).json()
    assert 3400 < told["seconds_left"] <= 3600
    assert told["extension"] == {"minutes": 30, "left": 1}
    longer = clock(student, "POST")
    assert longer.status_code == 200, longer.text
    assert 5200 < longer.json()["seconds_left"] <= 5401
    assert longer.json()["extension"] is None
    assert limit(minga, "colombia", job) == "01:30:00"
    refused = clock(student, "POST")
    assert refused.status_code == 409
    assert refused.json()["why"] == {
        "es": "Ya alargaste esta sesión todo lo que la sede Bogotá, Colombia permite.",
        "en": "You have already made this session as much longer as Bogotá, Colombia allows.",
    }
    assert limit(minga, "colombia", job) == "01:30:00"
    # Only the session's own token asks the hub; the student's own, or none, does not.
    for headers in ({"Authorization": f"token {student.token}"}, {}):
        for method in ("GET", "POST"):
            answer = requests.request(
                method, f"{student.hub}/api/minga/session", headers=headers, timeout=10
            )
            assert answer.status_code == 403
    # An operator's own change is noticed.
    slurm(minga, "colombia", "scontrol", "update", f"JobId={job}", "TimeLimit=30")
    asked_by_the_session(student, 1800)


@pytest.mark.slow
def test_never_longer_than_the_sites_partition_lets_it(minga, student):
    student.start(**CHOICE | {"site": "chile", "profile": "cpu", "hours": 8})
    job = job_of(minga, student)
    refused = clock(student, "POST")
    assert refused.status_code == 409
    assert refused.json()["why"]["en"] == (
        "It cannot be made longer: Santiago, Chile does not let a session last more than 8 hours."
    )
    assert limit(minga, "chile", job) == "08:00:00"


@pytest.mark.slow
def test_afterwards_the_page_says_who_ended_it_and_starts_the_same_again(minga, student):
    choice = CHOICE | {"site": "chile", "profile": "cpu", "hours": 2}
    student.start(**choice)
    slurm(minga, "chile", "scancel", job_of(minga, student))
    end = time.monotonic() + 30
    while student.http.get(f"{student.hub}/minga-session/{student.name}").json()["there"]:
        assert time.monotonic() < end, hub_log(minga)
        time.sleep(0.5)
    status, page = page_of(minga, student, "es")
    assert status == 424
    assert "Tu sesión fue cancelada en la sede Santiago, Chile, no desde Minga" in page
    assert "Your session was cancelled at Santiago, Chile" in page_of(minga, student, "en")[1]
    assert "Tu sesión fue cancelada" in student.http.get(student.hub + "/home").content.decode()
    form = re.search(r'<form action="([^"]+)" method="post".*?</form>', page, re.DOTALL)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    assert {name: fields[name] for name in choice} == {k: str(v) for k, v in choice.items()}
    # A form of another site, without our token, starts nothing.
    without = {name: value for name, value in fields.items() if name != "_xsrf"}
    student.http.post(minga.url + form[1].replace("&amp;", "&"), data=without)
    assert not student.server()
    answer = student.http.post(minga.url + form[1].replace("&amp;", "&"), data=fields)
    assert answer.ok, answer.text
    student.wait_for_server()
    assert student.server()["user_options"] == choice
    student.stop()
    assert "Tu sesión se detuvo desde Minga." in page_of(minga, student, "es")[1]
