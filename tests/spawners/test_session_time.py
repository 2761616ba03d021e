"""The time limit is kind: warned, saved, made longer, and afterwards told why."""

import asyncio
import dataclasses
import json
import re
import time

import pytest
import requests

from spawners.endings import AFTER
from spawners.lesson_session import InLesson
from spawners.messages import SessionError
from spawners.queue import Job, SiteQueue
from spawners.session_extension import Extension
from spawners.session_time import SENTENCES, Ending, TimedSession, _open
from spawners.sites import SchedulerError
from spawners.slurm import MingaSpawner
from tests.conftest import Minga, Person, in_a_loop_of_its_own
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


class Site:
    """A site whose queue has one job; what it is asked to lengthen is written down."""

    scheduler = "slurm"

    def __init__(self, job: Job | None, refuses: str = ""):
        self.asked, self.refuses = [], refuses

        async def jobs() -> list[Job]:
            if job is None:
                raise SchedulerError("Unable to contact slurm controller")
            return [job]

        self.queue = SiteQueue("chile", jobs)

    def __deepcopy__(self, memo):
        return self

    async def longest_hours(self):
        return None

    async def reserved_from(self, node, until):
        return None

    async def extend(self, job_id, minutes, prefix):
        if self.refuses:
            raise SchedulerError(self.refuses)
        self.asked.append((job_id, minutes, prefix))


def session(site: Site, **terms) -> MingaSpawner:
    """A running session on `site` that may be extended, kept in no database."""
    spawner = MingaSpawner(
        sites={"chile": site},
        extension_on_site=lambda name: Extension(**terms),
        translations=lambda message: {"es": message.render()},
    )
    spawner.site_name, spawner.job_id, spawner.job_started = "chile", "7", "1000"
    spawner._title, spawner._save_state = str.upper, lambda: None
    return spawner


NOW = int(time.time())
HOUR = Job("7", "RUNNING", node="n0", started=str(NOW), ends=str(NOW + 3600))


@in_a_loop_of_its_own
async def test_two_wishes_at_once_are_no_more_than_allowed():
    site = Site(HOUR)
    spawner = session(site, minutes=45, times=2, operator_prefix=["sudo", "-n", "-u", "op", "--"])
    results = await asyncio.gather(*(spawner.extend() for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results].count(SessionError) == 3
    assert site.asked == [("7", 105, ["sudo", "-n", "-u", "op", "--"])] * 2
    assert (await spawner.session_time())["extension"] is None


@in_a_loop_of_its_own
async def test_what_was_refused_does_not_count():
    for site, why in [
        (Site(HOUR, refuses="Access/permission denied"), "no aceptó alargar"),
        (Site(None), "no responde en este momento"),
        (Site(HOUR._replace(state="TIMEOUT")), "no responde en este momento"),
        (Site(HOUR._replace(ends="")), "no responde en este momento"),
    ]:
        spawner = session(site)
        with pytest.raises(SessionError, match=why):
            await spawner.extend()
        assert spawner.extended == 0 and site.asked == []


@in_a_loop_of_its_own
async def test_a_lesson_ends_when_it_ends():
    site = Site(HOUR)
    spawner = session(site, minutes=30)
    lesson = InLesson(float(HOUR.ends) + 60, 60, False, "11:00", "Santiago")
    spawner.in_lesson = lesson
    with pytest.raises(SessionError, match=r"hasta las 11:00 \(hora de Santiago\)"):
        await spawner.extend()
    spawner.in_lesson = dataclasses.replace(lesson, ends=float(HOUR.ends) + 1800)
    await spawner.extend()
    assert site.asked == [("7", 90, [])]


@in_a_loop_of_its_own
async def test_where_it_is_not_offered():
    spawner = session(Site(HOUR))
    spawner.extension_on_site = lambda name: None
    assert (await spawner.session_time())["extension"] is None
    with pytest.raises(SessionError, match="no permite alargar"):
        await spawner.extend()


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
def test_never_into_a_reservation_of_its_machine(minga, student):
    student.start(**CHOICE | {"site": "chile", "profile": "cpu"})
    environment = session_environment(minga, student.name)
    here = environment["SLURMD_NODENAME"]
    there = {"chile-n0": "chile-n1", "chile-n1": "chile-n0"}[here]
    made = []

    def reserve(node: str, start: str) -> None:
        made.append(f"mantenimiento{len(made)}")
        words = [f"StartTime={start}", "Duration=30", "Users=root", "Flags=maint,ignore_jobs"]
        create = ["scontrol", "create", "reservation", f"ReservationName={made[-1]}"]
        slurm(minga, "chile", *create, *words, f"Nodes={node}")

    try:
        reserve(there, "now+70minutes")
        reserve(here, "now+130minutes")
        reserve("chile-n[0-1]", "now+90minutes")
        refused = clock(student, "POST")
        assert refused.status_code == 409
        minutes = re.search(
            r"reservado para otro uso dentro de (\d+) minutos", refused.json()["why"]["es"]
        )
        assert int(minutes[1]) in (88, 89, 90)
        slurm(minga, "chile", "scontrol", "delete", f"ReservationName={made.pop()}")
        assert clock(student, "POST").status_code == 200  # until before the other one
        assert clock(student, "POST").status_code == 409
    finally:
        for name in made:
            slurm(minga, "chile", "scontrol", "delete", f"ReservationName={name}")
    assert limit(minga, "chile", environment["SLURM_JOB_ID"]) == "02:00:00"


@pytest.mark.slow
def test_afterwards_the_page_says_who_ended_it_and_starts_the_same_again(minga, student):
    choice = CHOICE | {"site": "chile", "profile": "cpu", "hours": 2}
    student.start(**choice)
    slurm(minga, "chile", "scancel", job_of(minga, student))
    end = time.monotonic() + 30
    while student.http.get(f"{student.hub}/minga-session/{student.name}").json()["there"]:
        assert time.monotonic() < end, hub_log(minga)
        time.sleep(0.5)
    while (answer := page_of(minga, student, "es"))[0] == 503:  # the hub is clearing up
        assert time.monotonic() < end, hub_log(minga)
        time.sleep(0.5)
    status, page = answer
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
    home = student.http.get(student.hub + "/home").content.decode()
    assert "se detuvo desde Minga" not in home  # who stopped it knows
