"""What a learning platform's claims mean, who is refused, and a deployment that is wrong."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub_config.deployment import DEFAULT, DeploymentError, load
from hub_config.institutions import login_name
from hub_config.lti_launch import CLAIM, INSTRUCTOR, STUDENT, active, read, role, start_page
from hub_config.lti_platforms import Lti13
from hub_config.members import Refused
from tests.hub_config.lti_platform import INSTITUTION, MEMBERSHIP
from tests.hub_config.test_institutions import JSON

COURSE, ASSIGNMENT = "ai-foundations", "descenso-de-gradiente"
MOODLE = {
    "title": {"es": "U. de Chile"},
    "country": "CL",
    "issuer": "https://moodle.example",
    "client_ids": ["minga"],
    "deployment_ids": [1],  # as YAML reads it
    "authorize_url": "https://moodle.example/mod/lti/auth.php",
    "jwks_url": "https://moodle.example/mod/lti/certs.php",
    "token_url": "https://moodle.example/mod/lti/token.php",
    "courses": {42: COURSE},
}


def lti(**changes) -> dict:
    return {
        "method": "lti13",
        "platforms": {"uchile": MOODLE},
        "contact": "ayuda@minga.example",
        **changes,
    }


SETTINGS = Lti13.model_validate(lti())
SAID = {
    "sub": "7",
    "name": "Ana\nPérez",
    CLAIM + "deployment_id": "1",
    CLAIM + "context": {"id": "42", "title": "IA"},
    CLAIM + "roles": [MEMBERSHIP + "Learner"],
}


def launch(**changes):
    return read(SETTINGS, "uchile", "minga", SAID | changes, lambda course: [ASSIGNMENT])


def test_claims_become_a_person_in_a_course():
    ana = launch()
    assert ana.username == login_name("uchile", "7", "https://moodle.example")
    assert SETTINGS.login_name("uchile:7") == ana.username
    assert (ana.course, ana.assignment, ana.role, ana.name) == (COURSE, "", STUDENT, "Ana Pérez")
    other = Lti13.model_validate(lti(platforms={"uchile": MOODLE | {"issuer": "https://m2.cl"}}))
    assert other.login_name("uchile:7") != ana.username


@pytest.mark.parametrize(
    ("roles", "meant"),
    [
        ([MEMBERSHIP + "Instructor"], INSTRUCTOR),
        (["Learner"], STUDENT),
        ([MEMBERSHIP + "Learner", MEMBERSHIP + "Instructor"], INSTRUCTOR),
        # Who teaches somewhere, or runs the platform, does not teach this course.
        ([INSTITUTION + "Instructor", MEMBERSHIP + "Learner"], STUDENT),
        ([INSTITUTION + "Instructor", INSTITUTION + "Administrator"], ""),
        ([MEMBERSHIP + "Mentor", "instructor", "X" + MEMBERSHIP + "Instructor"], ""),
        ([7, None], ""),
        ("Instructor", ""),
        (None, ""),
    ],
)
def test_only_roles_in_the_course_count(roles, meant):
    assert role(roles) == meant


def test_a_link_names_its_assignment_and_never_another_course():
    custom = {CLAIM + "custom": {"assignment": ASSIGNMENT, "course": "supercomputing"}}
    address = {CLAIM + "target_link_uri": f"https://minga.example/hub/?assignment={ASSIGNMENT}"}
    for named in (custom, address):
        found = launch(**named)
        assert (found.course, found.assignment) == (COURSE, ASSIGNMENT)
        page = urlsplit(start_page(found, "en"))
        query = {name: values[0] for name, values in parse_qs(page.query).items()}
        assert page.path == "/hub/spawn"
        assert (query["course"], query["assignment"]) == (COURSE, ASSIGNMENT)
        opened = urlsplit(query["next"])
        assert opened.path == "/hub/user-redirect/minga/open"
        assert parse_qs(opened.query) == {"course": [COURSE], "assignment": [ASSIGNMENT]}
    with pytest.raises(Refused) as refused:
        launch(**{CLAIM + "custom": {"assignment": "../x"}})
    assert "«../x»" in refused.value.text.render()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sub": None}, "«sub»"),
        ({"sub": " "}, "«sub»"),
        ({CLAIM + "deployment_id": "2"}, "«2»"),
        ({CLAIM + "deployment_id": None}, "deployment_id"),
        ({CLAIM + "context": {"id": "43", "title": "Otro\ncurso"}}, "«Otro curso» de tu"),
        ({CLAIM + "context": None}, "no está unido"),
    ],
)
def test_who_is_refused_reads_why_and_whom_to_ask(change, words):
    with pytest.raises(Refused) as refused:
        launch(**change)
    sentence = refused.value.text.render()
    assert words in sentence and "ayuda@minga.example" in sentence and "\n" not in sentence


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first one, on a busy machine
@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*SAID, CLAIM + "custom"], JSON)))
def test_whatever_a_platform_says_is_a_launch_or_a_refusal(said):
    try:
        found = launch(**said)
    except Refused:
        return
    assert re.fullmatch(r"uchile-[a-z0-9-]+", found.username)
    assert found.course == COURSE and found.role in (INSTRUCTOR, STUDENT, "")


def test_a_roster_has_who_takes_part_now():
    learner = {"roles": ["Learner"], "name": "B"}
    listed = [
        {"user_id": "1", "roles": [MEMBERSHIP + "Instructor"], "status": "Active"},
        {"user_id": "2", **learner},
        {"user_id": "3", "status": "Inactive", **learner},
        {"user_id": "4", "roles": [MEMBERSHIP + "Mentor"]},
        {"user_id": 5, **learner},
        "6",
    ]
    assert active(listed) == {"1": (INSTRUCTOR, ""), "2": (STUDENT, "B")}


@pytest.fixture
def changed(tmp_path):
    """Return a function that loads local.yaml with LTI and one change."""

    def load_changed(change):
        data = yaml.safe_load(DEFAULT.read_text())
        data["authentication"] = lti(platforms={"uchile": dict(MOODLE)})
        data["courses"] = {COURSE: {"students": ["uchile:7"]}}
        change(data)
        file = tmp_path / "changed.yaml"
        file.write_text(yaml.safe_dump(data, sort_keys=False))
        return load(file)

    return load_changed


def platform(**keys):
    return lambda data: data["authentication"]["platforms"]["uchile"].update(keys)


def method(**keys):
    return lambda data: data["authentication"].update(keys)


def test_people_are_enrolled_by_the_platforms_name_of_them(changed):
    def there(data):
        method(admins=["uchile:1"])(data)
        data["hub"] = {"url": "https://minga.example/"}

    deployment = changed(there)
    assert deployment.courses[COURSE].students == [SETTINGS.login_name("uchile:7")]
    assert deployment.authentication.admins == [SETTINGS.login_name("uchile:1")]
    assert deployment.all_institutions["uchile"].country == "CL"
    assert deployment.grades_url == "https://minga.example/hub/api/minga-grades/"
    assert changed(method()).url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (platform(issuers="x"), ["platforms.uchile.issuers", "no such key", "issuer, jwks_url"]),
        (method(issuer="x"), ["authentication.issuer", "no such key", "method, platforms"]),
        (platform(issuer="http://moodle.example"), ["uchile.issuer", "https://"]),
        (platform(token_url="moodle.example"), ["uchile.token_url", "https://"]),
        (platform(deployment_ids=[]), ["uchile.deployment_ids", "at least 1"]),
        (platform(courses={42: "alquimia"}), ["uchile.courses.42", "«alquimia»", COURSE]),
        (platform(courses={1: COURSE, 2: COURSE}), ["uchile.courses", "there twice"]),
        (method(platforms={}), ["authentication.platforms", "at least 1"]),
        (
            method(platforms={"uchile": MOODLE, "uc": MOODLE}),
            ["authentication.platforms", "uchile and uc", "same issuer"],
        ),
        (
            lambda d: d["courses"][COURSE].update(institutions=["uandes"]),
            ["institutions", "«uandes»", "allowed: uchile"],
        ),
        (
            lambda d: d["courses"][COURSE].update(students=["uc:7"]),
            ["students", "«uc:7» is of no institution"],
        ),
    ],
)
def test_a_wrong_deployment_is_told_where_and_why(changed, change, words):
    with pytest.raises(DeploymentError) as error:
        changed(change)
    for word in words:
        assert word in str(error.value)


def test_a_hub_for_others_says_its_address(changed):
    def change(data):
        data["hub"]["address"], data["accounts"] = "10.0.0.1", "personal"
        data["authentication"]["url"] = ""

    with pytest.raises(DeploymentError, match=r"authentication\.url"):
        changed(change)
