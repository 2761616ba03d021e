"""Grades on their way to a learning platform: once, again when they change, and never silently."""

import stat

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config import lti_services
from hub_config.lti_grades import Grade, Sender
from hub_config.lti_launch import read
from hub_config.lti_platforms import Lti13
from hub_config.lti_records import Records, Sent
from hub_config.lti_services import Key, Service, ServiceError
from tests.hub_config.lti_platform import MEMBERSHIP, NRPS, Platform

COURSE, ASSIGNMENT, OTHER = "ai-foundations", "descenso-de-gradiente", "aprender-de-datos"
PLACE = "77"


@pytest.fixture(scope="module")
def key(tmp_path_factory) -> Key:
    return Key(tmp_path_factory.mktemp("key") / "lti-key.pem")


@pytest.fixture
def platform(key, monkeypatch):
    """A platform that knows the hub's key, with a student, an instructor and two links."""
    running = Platform("https://minga.example", "minga", "42")
    running.tool_keys = lambda: [key.public]
    for who, part in {"ana": "Learner", "beto": "Learner", "profe": "Instructor"}.items():
        running.people[who] = {"name": who.title(), "roles": [MEMBERSHIP + part]}
    running.links["tarea"] = {"custom": {"assignment": ASSIGNMENT}, "grades": PLACE}
    running.links["curso"] = {}
    yield running
    running.stop()


@pytest.fixture
def settings(platform) -> Lti13:
    described = platform.settings({"42": COURSE})
    own = described | {"title": {"es": "U. de Chile"}, "country": "CL"}
    return Lti13.model_validate(
        {"method": "lti13", "platforms": {"uchile": own}, "contact": "ayuda@minga.example"}
    )


@pytest.fixture
def records(tmp_path) -> Records:
    return Records(f"sqlite:///{tmp_path}/lti.sqlite")


@pytest.fixture
def sender(settings, records, key) -> Sender:
    return Sender(settings, records, key, "es")


@pytest.fixture
def arrive(platform, settings, records):
    """A function by which somebody comes by a link; returns their login name."""

    def come(who: str, link: str) -> str:
        said = platform.claims(who, link, "n")
        found = read(settings, "uchile", "minga", said, lambda course: [ASSIGNMENT, OTHER])
        records.note(found)
        return found.username

    return come


def grade(student: str, points: float, assignment: str = ASSIGNMENT) -> Grade:
    return Grade(student=student, assignment=assignment, points=points, maximum=10)


def logged(records: Records) -> list[tuple]:
    with Session(records.engine) as session:
        rows = session.scalars(select(Sent).order_by(Sent.id))
        return [(row.username, row.points, bool(row.problem)) for row in rows]


def test_the_hubs_key_is_made_once_and_nobody_elses(tmp_path):
    file = tmp_path / "lti-key.pem"
    one, again = Key(file), Key(file)
    assert one.public == again.public and "d" not in one.public
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_grade_goes_out_once_and_again_when_it_changed(platform, records, sender, arrive):
    ana, beto = arrive("ana", "tarea"), arrive("beto", "tarea")
    report = sender.send(COURSE, [grade(ana, 7.5), grade(beto, 0)])
    assert (report["sent"], report["unchanged"], report["failed"]) == (2, 0, [])
    sent = {score["userId"]: score for place, score in platform.scores if place == PLACE}
    assert set(sent) == {"sub-ana", "sub-beto"}
    assert (sent["sub-ana"]["scoreGiven"], sent["sub-ana"]["scoreMaximum"]) == (7.5, 10)
    assert sent["sub-ana"]["gradingProgress"] == "FullyGraded"

    report = sender.send(COURSE, [grade(ana, 7.5), grade(beto, 0)])
    assert (report["sent"], report["unchanged"]) == (0, 2) and len(platform.scores) == 2
    assert sender.send(COURSE, [grade(ana, 8), grade(beto, 0)])["sent"] == 1
    assert sender.send(COURSE, [grade(ana, 7.5)])["sent"] == 1  # back to what it was
    times = [score["timestamp"] for _, score in platform.scores if score["userId"] == "sub-ana"]
    assert times == sorted(set(times)) and len(times) == 3
    assert logged(records) == [
        (ana, 7.5, False), (beto, 0, False), (ana, 8, False), (ana, 7.5, False)
    ]  # fmt: skip


def test_a_platform_that_fails_once_is_asked_again(platform, sender, arrive):
    ana = arrive("ana", "tarea")
    platform.failures = 1
    assert sender.send(COURSE, [grade(ana, 5)])["sent"] == 1
    assert platform.asked == [f"POST /lineitems/{PLACE}/scores"] * 2


def test_what_failed_is_told_logged_and_sent_the_next_time(
    platform, records, sender, arrive, monkeypatch
):
    monkeypatch.setattr(lti_services, "TRIES", 1)
    ana, beto = arrive("ana", "tarea"), arrive("beto", "tarea")
    platform.failures = 1
    report = sender.send(COURSE, [grade(ana, 5), grade(beto, 6)])
    assert report["sent"] == 0 and platform.failures == 0
    assert [failed["student"] for failed in report["failed"]] == [ana, beto]
    assert "HTTP 500" in report["failed"][1]["problem"]  # and was not asked once more
    assert logged(records) == [(ana, 5, True), (beto, 6, True)]
    assert sender.send(COURSE, [grade(ana, 5), grade(beto, 6)])["sent"] == 2


def test_an_assignment_without_a_link_gets_one_place_of_its_own(platform, sender, arrive):
    ana, beto = arrive("ana", "curso"), arrive("beto", "curso")
    assert sender.send(COURSE, [grade(ana, 5, OTHER)])["sent"] == 1
    assert sender.send(COURSE, [grade(ana, 5, OTHER), grade(beto, 6, OTHER)])["sent"] == 1
    ((number, item),) = platform.line_items.items()
    assert (item["resourceId"], item["scoreMaximum"]) == (OTHER, 10)
    assert [place for place, _ in platform.scores] == [number, number]
    assert platform.asked.count("POST /lineitems") == 1


def test_a_place_that_is_there_already_is_found(platform, sender, arrive):
    ana = arrive("ana", "curso")
    platform.line_items["9"] = {"resourceId": OTHER, "label": "x", "scoreMaximum": 10}
    assert sender.send(COURSE, [grade(ana, 5, OTHER)])["sent"] == 1
    assert list(platform.line_items) == ["9"] and platform.scores[0][0] == "9"


def test_who_and_what_no_platform_has_is_told(sender, arrive, platform):
    report = sender.send(COURSE, [grade("uchile-nadie", 5)])
    assert report["unknown"] == ["uchile-nadie"]
    ana = arrive("ana", "tarea")
    report = sender.send("supercomputing", [grade(ana, 5)])  # its link is of another course
    assert report["no_place"] == [ASSIGNMENT] and platform.scores == []


def test_a_statement_by_another_key_gets_no_token(platform, settings, sender, tmp_path):
    stranger = Service(settings.platforms["uchile"], "minga", Key(tmp_path / "other.pem"))
    with pytest.raises(ServiceError) as refused:
        stranger.score(f"{platform.url}/lineitems/{PLACE}?type=1", "sub-ana", 10, 10)
    assert refused.value.whole and platform.scores == []


def test_a_roster_is_read_to_its_last_page(platform, settings, key):
    service = Service(settings.platforms["uchile"], "minga", key)
    members = service.members(platform.url + "/members")
    assert {member["user_id"] for member in members} == {"sub-ana", "sub-beto", "sub-profe"}
    assert len([asked for asked in platform.asked if asked == "GET /members"]) == 2
    assert set(platform.tokens.values()) == {NRPS + "scope/contextmembership.readonly"}
