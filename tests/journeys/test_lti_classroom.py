"""A class whose people come from a learning platform, and whose grades go back to it."""

import sqlite3
from contextlib import closing

import pytest
import yaml

from hub_config.deployment import DEFAULT
from tests.conftest import Minga, free_port
from tests.hub_config.lti_campus import Campus
from tests.hub_config.lti_platform import MEMBERSHIP, Platform
from tests.journeys.classroom import Visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COURSE, ASSIGNMENT = "ai-foundations", "descenso-de-gradiente"
PLACE = "77"  # of the assignment's grades, at the platform


@pytest.fixture
def campus(tmp_path_factory):
    """A hub whose only course is one of the platform's, with a link to it and one to its task."""
    folder, port = tmp_path_factory.mktemp("lti"), free_port()
    platform = Platform(f"http://127.0.0.1:{port}", "minga", "42")
    platform.people = {
        "ana": {"name": "Ana", "roles": [MEMBERSHIP + "Learner"]},
        "profe": {"name": "Profe", "roles": [MEMBERSHIP + "Instructor"]},
    }
    platform.links = {
        "curso": {},
        "tarea": {"custom": {"assignment": ASSIGNMENT}, "grades": PLACE},
    }
    own = platform.settings({"42": COURSE}) | {"title": {"es": "U. de Chile"}, "country": "CL"}
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["authentication"] = {
        "method": "lti13",
        "platforms": {"uchile": own},
        "contact": "soporte@minga.example",
    }
    deployment["courses"] = {COURSE: {}}
    file = folder / "lti.yaml"
    file.write_text(yaml.safe_dump(deployment, sort_keys=False))
    minga = Minga(folder / "state", port)
    minga.environment |= {"MINGA_DEPLOYMENT": str(file)}
    try:
        yield Campus(minga.start(), platform)
    finally:
        if minga.launcher and minga.launcher.poll() is None:
            minga.interrupt()
        platform.stop()


def by_link(platform: Platform, who: str, link: str):
    """How somebody comes who has the course open at the platform: a click on one of its links."""

    def come(visit: Visit) -> None:
        visit.page.goto(platform.course_url(who))
        visit.picture("platform")
        visit.page.get_by_role("button", name=link, exact=True).click()

    return come


def test_a_class_from_a_platforms_link_to_its_grade(campus, chromium, artifacts):
    ana = campus.name("ana")
    student = Visit(chromium, campus.minga, ana, artifacts)
    teacher = Visit(chromium, campus.minga, campus.name("profe"), artifacts)

    student.log_in(by_link(campus.platform, "ana", "tarea"))
    assert student.page.is_checked(f"input[name=course][value={COURSE}]")
    assert student.page.is_checked("input[name=profile][value=cpu]")
    student.send_start_form()
    assert f"/lab/tree/{COURSE}/{ASSIGNMENT}/{ASSIGNMENT}.ipynb" in student.page.url
    student.page.wait_for_selector(".jp-Notebook .jp-Cell")
    student.picture("assignment")
    student.solve(COURSE, ASSIGNMENT)
    student.submit(ASSIGNMENT)

    teacher.log_in(by_link(campus.platform, "profe", "curso"))
    teacher.open_formgrader(COURSE)
    teacher.collect(ASSIGNMENT)
    assert "85 / 100" in teacher.autograde(ASSIGNMENT, ana)
    teacher.grade_by_hand("pregunta-respuesta", 12, "Muy claro.")
    assert campus.platform.scores == []
    teacher.give_feedback(ASSIGNMENT)

    ((place, score),) = campus.platform.scores
    assert (place, score["userId"]) == (PLACE, "sub-ana")
    assert (score["scoreGiven"], score["scoreMaximum"]) == (97, 100)
    with closing(sqlite3.connect(campus.minga.state / "hub" / "lti.sqlite")) as records:
        log = records.execute("SELECT username, assignment, points, problem FROM lti_sent")
        assert log.fetchall() == [(ana, ASSIGNMENT, 97.0, "")]
    assert "97.0 / 100.0" in student.read_feedback(COURSE, ASSIGNMENT)
    student.stop_session()
    student.close()
    teacher.close()
