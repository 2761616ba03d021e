"""People come from a learning platform to a real hub, and their grades go back to it."""

import html
import subprocess
import sys
import time

import jwt
import pytest
import requests
import yaml
from nbgrader.api import Gradebook

from hub_config.deployment import DEFAULT
from tests.conftest import ROOT, Minga, free_port
from tests.hub_config.lti_campus import COURSE, Campus
from tests.hub_config.lti_platform import CLAIM, INSTITUTION, MEMBERSHIP, Platform, new_key
from tests.hub_config.pages.conftest import SIZES, Reader

pytestmark = pytest.mark.slow

OTHER, ASSIGNMENT = "ai-foundations", "escalamiento-fuerte"
CONTACT = "soporte@minga.example"
STATE = "minga-lti-state"
LEARNER, TEACHER = [MEMBERSHIP + "Learner"], [MEMBERSHIP + "Instructor"]
# Who teaches at the institution, or runs the platform, has no part in this course.
ELSEWHERE = [INSTITUTION + "Instructor", INSTITUTION + "Administrator"]
PEOPLE = {
    "ana": LEARNER,
    "beto": LEARNER,
    "clara": LEARNER,
    "profe": TEACHER,
    "jefa": ELSEWHERE,
    "ajena": ELSEWHERE,
}


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    """A hub with two courses, one of them joined to a course of the platform."""
    folder, port = tmp_path_factory.mktemp("lti"), free_port()
    platform = Platform(f"http://127.0.0.1:{port}", "minga", "42")
    platform.people = {who: {"name": who.title(), "roles": r} for who, r in PEOPLE.items()}
    platform.links = {
        "tarea": {"custom": {"assignment": ASSIGNMENT}, "grades": "77"},
        "curso": {},
        "otra": {"target": "/hub/?assignment=no-existe"},
    }
    deployment = yaml.safe_load(DEFAULT.read_text())
    own = platform.settings({"42": COURSE})
    title = {"es": "Universidad de Chile", "en": "University of Chile"}
    deployment["authentication"] = {
        "method": "lti13",
        "platforms": {"uchile": own | {"title": title, "country": "CL"}},
        "contact": CONTACT,
        "admins": ["uchile:sub-jefa"],
    }
    # Also in a course that no platform has, which the start page would have chosen otherwise.
    deployment["courses"] = {OTHER: {"students": ["uchile:sub-ana"]}, COURSE: {}}
    deployment["profiles"] = dict(reversed(deployment["profiles"].items()))
    file = folder / "lti.yaml"
    file.write_text(yaml.safe_dump(deployment, sort_keys=False))
    minga = Minga(folder / "state", port)
    minga.environment |= {"MINGA_DEPLOYMENT": str(file), "MINGA_SLURM": "none"}
    try:
        minga.start()
        yield Campus(minga, platform)
    finally:
        if minga.launcher and minga.launcher.poll() is None:
            minga.interrupt()
        platform.stop()


@pytest.mark.parametrize("language", ["en", "es"])  # the last one starts a session
def test_a_link_leads_to_the_assignment_with_its_machine_chosen(campus, chromium, language):
    reader = Reader(chromium, campus.hub.removesuffix("/hub"), language)
    try:
        reader.go("/hub/login")
        told = {"es": "Aquí se entra desde el curso", "en": "You come in here from your course"}
        assert told[language] in reader.page.inner_text("main")
        for reader.size, (width, height) in SIZES.items():
            for reader.scheme in ("light", "dark"):
                reader.page.set_viewport_size({"width": width, "height": height})
                reader.page.emulate_media(color_scheme=reader.scheme)
                reader.look("lti-login")
        reader.page.goto(campus.platform.login_url("ana", "tarea"))
        reader.page.wait_for_selector("#spawn_form")
        reader.look("lti-start")
        assert reader.page.is_checked(f"input[name=course][value={COURSE}]")
        assert reader.page.is_checked("input[name=profile][value=cpu]")
        assert reader.page.locator("body").get_attribute("data-user") == campus.name("ana")
        assert not reader.problems, "\n".join(reader.problems)
        if language == "es":
            reader.page.click("#spawn_form button[type=submit]")
            path = f"/user/{campus.name('ana')}/lab/tree/{COURSE}/{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
            reader.page.wait_for_url(lambda url: path in url, timeout=120_000)
    finally:
        reader.context.close()


def hs256(claims: dict) -> str:
    return jwt.encode(claims, "minga" * 10, algorithm="HS256", headers={"kid": "x"})


def unsigned(claims: dict) -> str:
    return jwt.encode(claims, None, algorithm="none", headers={"kid": "x"})


REFUSED = {
    "another key": (
        {"sign": lambda campus: lambda claims: campus.platform.sign(claims, new_key())},
        {"es": "La firma de este ingreso", "en": "not signed by your learning platform"},
    ),
    "a changed token": (
        {"sign": lambda campus: lambda claims: tampered(campus.platform.sign(claims))},
        {"es": "La firma de este ingreso", "en": "not signed by your learning platform"},
    ),
    "a shared secret": (
        {"sign": lambda campus: hs256},
        {"es": "La firma de este ingreso", "en": "not signed by your learning platform"},
    ),
    "no signature": (
        {"sign": lambda campus: unsigned},
        {"es": "La firma de este ingreso", "en": "not signed by your learning platform"},
    ),
    "no token": (
        {"sign": lambda campus: lambda claims: "x"},
        {"es": "le falta algo", "en": "something is missing"},
    ),
    "wrong nonce": ({"nonce": "x"}, {"es": "venció o ya se usó", "en": "expired or was used"}),
    "wrong state": ({"state": "ñ"}, {"es": "venció o ya se usó", "en": "expired or was used"}),
    "expired": (
        {"iat": int(time.time()) - 400, "exp": int(time.time()) - 200},
        {"es": "venció o ya se usó", "en": "expired or was used"},
    ),
    "issued long ago": (
        {"iat": int(time.time()) - 4000, "exp": int(time.time()) + 4000},
        {"es": "venció o ya se usó", "en": "expired or was used"},
    ),
    "another tool's": ({"aud": "otra"}, {"es": "no es para Minga", "en": "is not for Minga"}),
    "no audience": ({"aud": None}, {"es": "no es para Minga", "en": "is not for Minga"}),
    "another platform's": (
        {"iss": "https://otra.example"},
        {"es": "(https://otra.example) no está registrada", "en": "is not registered with Minga"},
    ),
    "another deployment": (
        {CLAIM + "deployment_id": "2"},
        {"es": "no acepta la instalación «2»", "en": "does not accept the deployment “2”"},
    ),
    "another course": (
        {CLAIM + "context": {"id": "43", "label": "X", "title": "Otro"}},
        {"es": "«Otro» de tu plataforma (número 43)", "en": "“Otro” of your platform"},
    ),
    "no part in the course": (
        {"sub": "sub-ajena", CLAIM + "roles": ELSEWHERE},
        {"es": "no está inscrita en ningún curso", "en": "is not enrolled in any course"},
    ),
    "another message": (
        {CLAIM + "message_type": "LtiDeepLinkingRequest"},
        {"es": "le falta algo", "en": "something is missing"},
    ),
}


def tampered(token: str) -> str:
    """Another person's token, with the signature of this one."""
    head, _, signature = token.split(".")
    said = jwt.decode(token, options={"verify_signature": False}) | {"sub": "sub-jefa"}
    return ".".join([head, jwt.encode(said, "x" * 32, algorithm="HS256").split(".")[1], signature])


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_the_platforms_word_is_refused_with_a_sentence(campus, why):
    changes, words = REFUSED[why]
    if "sign" in changes:
        changes = {"sign": changes["sign"](campus)}
    for language in ("es", "en"):
        person, answer, _ = campus.come("clara", "tarea", language, **changes)
        text = html.unescape(answer.text)
        assert answer.status_code in (400, 403), text
        assert words[language] in text
        home = person.get(campus.hub + "/home", allow_redirects=False)
        assert "/hub/login" in home.headers["Location"]


def test_a_link_to_an_assignment_that_is_not_there_says_so(campus):
    _, answer, _ = campus.come("ana", "otra", "en")
    text = html.unescape(answer.text)
    assert answer.status_code == 400 and "“no-existe”" in text and "your instructor" in text


def test_a_login_that_no_platform_of_ours_began_is_refused(campus):
    other = campus.platform.login_url("ana", "tarea", iss="https://otra.example")
    answer = requests.get(other, allow_redirects=False)
    assert answer.status_code == 400 and CONTACT in answer.text
    assert requests.get(campus.hub + "/lti13/oauth_login").status_code == 400
    # Somebody else's answer, sent along to be logged in as them.
    _, asked = campus.begin("clara")
    claims = campus.platform.claims("clara", "tarea", asked["nonce"])
    form = {"state": asked["state"], "id_token": campus.platform.sign(claims)}
    answer = campus.send(requests.Session(), form)
    assert answer.status_code == 400
    # A form with a name in it is nobody's login.
    person = requests.Session()
    person.get(campus.hub + "/login")
    xsrf = next(c.value for c in person.cookies if c.name == "_xsrf")
    data = {"username": campus.name("jefa"), "password": "x", "launch": "x", "_xsrf": xsrf}
    person.post(campus.hub + "/login", data=data)
    home = person.get(campus.hub + "/home", allow_redirects=False)
    assert "/hub/login" in home.headers["Location"]


def test_a_token_counts_once(campus):
    person, asked = campus.begin("ana")
    claims = campus.platform.claims("ana", "tarea", asked["nonce"])
    form = {"state": asked["state"], "id_token": campus.platform.sign(claims)}
    cookie = next(c for c in person.cookies if c.name == STATE)
    assert campus.send(person, form).status_code == 303
    again = campus.send(person, form)  # the browser's "back"
    assert again.status_code == 400 and "ya se usó" in again.text
    thief = requests.Session()
    thief.cookies.set_cookie(cookie)  # with all that the browser had
    stolen = campus.send(thief, form)
    assert stolen.status_code == 400 and "ya se usó" in html.unescape(stolen.text)


def test_the_platform_says_who_is_in_the_course_and_as_what(campus):
    admin = campus.token("jefa")
    names = {who: campus.name(who) for who in PEOPLE}
    campus.token("profe")
    wait_for(lambda: campus.members(admin, "nbgrader") >= {names["beto"], names["clara"]})
    assert campus.members(admin, "formgrade") == {names["profe"]}
    assert campus.members(admin, "nbgrader") == {names[who] for who in ("ana", "beto", "clara")}
    known = campus.api(admin, f"/users/{names['beto']}").json()  # was never here
    assert known["user_info"] == {
        "institution": "uchile", "country": "CL", "role": "student", "name": "Beto"
    }  # fmt: skip
    assert "institution-uchile" in known["groups"] and known["auth_state"] is None

    people = campus.platform.people
    try:
        people["beto"]["status"] = "Inactive"
        people["clara"] = {"name": "Clara", "roles": TEACHER}
        campus.token("profe")
        wait_for(lambda: names["beto"] not in campus.members(admin, "nbgrader"))
        assert campus.members(admin, "formgrade") == {names["profe"], names["clara"]}
        # What was given by a role goes with it.
        people["clara"] = {"name": "Clara", "roles": LEARNER}
        campus.token("clara")
        assert campus.members(admin, "formgrade") == {names["profe"]}
    finally:
        people["beto"].pop("status")
        people["clara"] = {"name": "Clara", "roles": LEARNER}


def wait_for(truth, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_only_the_courses_formgrader_hands_grades_in(campus):
    grades = [{"student": campus.name("ana"), "assignment": ASSIGNMENT, "points": 9, "maximum": 9}]
    path = f"/minga-grades/{COURSE}"
    tokens = {who: campus.token(who) for who in ("ana", "profe", "jefa")}
    for token in ("", "wrong", *tokens.values(), campus.formgrader_token(OTHER)):
        assert campus.api(token, path, "POST", json=grades).status_code == 403
    own = campus.formgrader_token()
    assert campus.api(own, path, "POST", json=[{"student": "x"}]).status_code == 400
    assert campus.api(own, path, "POST", json=[]).json()["sent"] == 0
    assert campus.platform.scores == []


def test_a_grade_returns_when_its_feedback_is_released(campus):
    ana, root = campus.name("ana"), campus.minga.state / "courses" / COURSE
    session = {"JUPYTERHUB_USER": ana, "JUPYTERHUB_API_TOKEN": campus.token("ana", "tarea")}
    campus.nbgrader("fetch_assignment", ASSIGNMENT, **session)
    campus.nbgrader("submit", ASSIGNMENT, **session)
    formgrader = {
        "JUPYTERHUB_API_TOKEN": campus.formgrader_token(),
        "MINGA_COURSE_ROOT": str(root),
        "MINGA_GRADES_URL": campus.hub + "/api/minga-grades/",
    }
    campus.nbgrader("collect", ASSIGNMENT, **formgrader)
    campus.nbgrader("autograde", ASSIGNMENT, **formgrader)
    given, maximum = by_hand(root, ana, 5)
    campus.nbgrader("generate_feedback", ASSIGNMENT, **formgrader)
    assert campus.platform.scores == []
    campus.platform.failures = 1  # the platform has a bad moment
    said = campus.nbgrader("release_feedback", ASSIGNMENT, **formgrader)
    assert "notas enviadas: 1;" in said
    ((place, score),) = campus.platform.scores
    assert (place, score["userId"]) == ("77", "sub-ana")
    assert (score["scoreGiven"], score["scoreMaximum"]) == (given, maximum)

    assert "notas enviadas: 0; las que ya tenía: 1." in operators_command(campus)
    given, _ = by_hand(root, ana, 7)
    assert "notas enviadas: 1;" in operators_command(campus)
    assert campus.platform.scores[-1][1]["scoreGiven"] == given


def by_hand(root, student: str, points: float) -> tuple[float, float]:
    """Give points for what a person has to grade; return the score and the maximum."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", COURSE) as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, student)
        grades = [g for g in submission.notebooks[0].grades if g.cell.cell_type == "markdown"]
        assert grades
        for grade in grades:
            grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()
        return submission.score, submission.max_score


def operators_command(campus) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hub_config.send_grades", COURSE],
        cwd=ROOT,
        env={
            **campus.minga.environment,
            "MINGA_STATE": str(campus.minga.state),
            "PORT": str(campus.minga.port),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_token_and_no_key_is_in_a_log_or_readable_by_others(campus):
    form = campus.come("ana", "curso")[2]
    state = campus.minga.state
    log = (state / "log" / "hub.log").read_text() + campus.minga.said()
    assert form["id_token"] not in log and form["state"] not in log
    assert "Uncaught exception" not in log
    keys = requests.get(campus.hub + "/lti13/jwks").json()["keys"]
    assert [sorted(key) for key in keys] == [["alg", "e", "kid", "kty", "n", "use"]]
    assert (state / "hub" / "lti-key.pem").stat().st_mode & 0o077 == 0
