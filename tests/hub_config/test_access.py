"""The access table of the docs is true, from outside, and there are no doors beside it."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
import requests
import yaml
from jupyterhub import apihandlers, handlers
from nbgrader.server_extensions.formgrader import apihandlers as formgrader_api
from nbgrader.server_extensions.formgrader import handlers as formgrader_pages

from hub_config.deployment import DEFAULT
from hub_config.pages.handlers import HANDLERS
from tests.conftest import ROOT, Minga, free_port

pytestmark = pytest.mark.slow
COURSE, OTHER = "ai-foundations", "supercomputing"
ASSIGNMENT = "descenso-de-gradiente"  # of COURSE
# The columns of the table, in its order; "" has no account.
PEOPLE = ["", "luis", "ana", "eva", "profesora", "profesor", "admin"]
DOCS = [ROOT / "docs" / "operators" / name for name in ("accesos.md", "access.en.md")]
ROW = re.compile(r"^\| `(?P<address>[^`]+)` \|(?P<cells>.*)\|$", re.MULTILINE)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def table(page: Path) -> dict[str, dict[str, bool]]:
    """Return who opens what, by what the page says."""
    rows = {}
    for row in ROW.finditer(page.read_text(encoding="utf-8")):
        cells = [cell.strip() for cell in row["cells"].split("|")][1:]  # the first one describes it
        assert len(cells) == len(PEOPLE), row[0]
        rows[row["address"]] = dict(zip(PEOPLE, [cell == "✓" for cell in cells], strict=True))
    return rows


TABLE = table(DOCS[0])


@pytest.fixture(scope="module")
def minga():
    deployment = yaml.safe_load(DEFAULT.read_text())
    names = [name for name in PEOPLE if name]
    deployment["authentication"]["people"] = {n: {"admin": n == "admin"} for n in names}
    deployment["courses"] = {
        COURSE: {"instructors": ["profesora"], "students": ["ana", "eva"]},
        OTHER: {"instructors": ["profesor"], "students": ["luis"]},
    }
    folder = Path(tempfile.mkdtemp(prefix="minga-access-"))
    file = folder / "access.yaml"
    file.write_text(yaml.safe_dump(deployment))
    minga = Minga(folder / "state", free_port())
    minga.environment = minga.environment | {"MINGA_DEPLOYMENT": str(file)}
    try:
        yield minga.start()
    finally:
        if minga.launcher and minga.launcher.poll() is None:
            minga.interrupt()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def people(minga):
    """Everybody, logged in; Ana has a session and has handed something in."""
    found = {name: minga.login(name) if name else None for name in PEOPLE}
    ana = found["ana"]
    ana.start(course=COURSE, site="chile", profile="cpu", hours=1, language="es")
    handed_in = requests.post(
        f"{minga.url}/services/exchange/v1/courses/{COURSE}/assignments/{ASSIGNMENT}/submissions",
        headers={"Authorization": f"token {ana.token}"},
        files=[("files", (f"{ASSIGNMENT}.ipynb", b"{}"))],
        timeout=60,
    )
    assert handed_in.status_code == 201, handed_in.text
    found["submission"] = handed_in.json()["id"]
    yield found
    ana.stop()


def address(row: str, people: dict) -> tuple[str, str]:
    """Return method and path of a row, with Ana's things in it."""
    method, _, path = row.rpartition(" ")
    path = path.replace("<curso>", COURSE).replace("<persona>", "ana")
    path = path.replace("<tarea>", ASSIGNMENT).replace("<entrega>", people["submission"])
    return method or "GET", path


def ask(minga, person, method: str, path: str) -> list[tuple[int, str]]:
    """Return status and address of each answer: with a token of one's own, and in the browser."""
    arguments = {"timeout": 30, **({} if method == "GET" else {"json": {}})}
    url, asked = minga.url + path, []
    if person is None:
        asked.append(requests.request(method, url, **arguments))
    else:
        headers = {"Authorization": f"token {person.token}"}
        asked.append(requests.request(method, url, headers=headers, **arguments))
        headers = {"X-XSRFToken": person.xsrf(), "Referer": f"{minga.url}/hub/home"}
        asked.append(person.http.request(method, url, headers=headers, **arguments))
    return [(answer.status_code, answer.url.removeprefix(minga.url)) for answer in asked]


def is_open(answers: list[tuple[int, str]], path: str) -> bool:
    """Whether one of the answers is what was asked for, and not a way to somewhere else."""
    places = {path.partition("?")[0].rstrip("/")}
    if path.startswith("/hub/spawn"):  # of a session that runs already
        places.add("/user/ana/lab")
    return any(s < 300 and where.partition("?")[0].rstrip("/") in places for s, where in answers)


def test_both_languages_say_the_same():
    assert table(DOCS[0]) == table(DOCS[1]) and len(TABLE) > 20


@pytest.mark.parametrize("row", TABLE)
def test_a_door_is_open_to_whom_the_table_says(row, minga, people):
    method, path = address(row, people)
    answers = {name: ask(minga, people[name], method, path) for name in PEOPLE}
    found = {name: is_open(answers[name], path) for name in PEOPLE}
    assert found == TABLE[row], json.dumps(answers)


def filled(pattern: str) -> str:
    """Return an address that a route's pattern matches, with Ana's name wherever one goes."""
    pattern = re.sub(r"\(\?:[^()]*\([^()]*\)[^()]*\)\?", "", pattern)  # what may be left out
    pattern = re.sub(r"\((?:\?P<\w+>)?\\d\+\)", "404", pattern)
    pattern = re.sub(r"\(\?P<user_path>[^()]*\)\?", "/api/contents", pattern)
    pattern = re.sub(r"\((?:\?P<\w+>)?[^()]*\)\??", "ana", pattern)
    return pattern.rstrip("$").replace("/?", "/").replace("\\", "")


def routes(minga) -> list[str]:
    """Return every address of the hub, a formgrader, the exchange, and some of a session."""
    hub = [*handlers.default_handlers, *apihandlers.default_handlers, *HANDLERS]
    formgrader = [*formgrader_pages.default_handlers, *formgrader_api.default_handlers]
    described = requests.get(f"{minga.url}/services/exchange/v1/openapi.json", timeout=30).json()
    exchange = [
        re.sub(r"\{(\w+)\}", lambda m: {"course": COURSE}.get(m[1], "ana"), path)
        for path in described["paths"]
    ]
    session = ["", "lab", "tree", "api/contents", "api/kernels", "api/terminals", "api/sessions"]
    return [
        *(f"/hub{filled(route[0])}" for route in hub),
        *(f"/services/{COURSE}{filled(route[0])}" for route in formgrader),
        *(path if path.startswith("/") else f"/services/exchange/{path}" for path in exchange),
        *(f"/user/ana/{path}" for path in session),
    ]


@pytest.mark.parametrize("who", ["", "luis"])
def test_no_route_opens_anything_that_the_table_does_not(who, minga, people):
    listed = {address(row, people) for row, open_to in TABLE.items() if open_to[who]}
    places = {path.partition("?")[0].rstrip("/") for method, path in listed if method == "GET"}
    others = {(method, path.rstrip("/")) for method, path in listed if method != "GET"}
    tried = sorted(set(routes(minga)))
    assert len(tried) > 100
    found = []
    for path in tried:
        for method in METHODS:
            known = (path.rstrip("/") in places) if method == "GET" else (method, path) in others
            if not known and is_open(ask(minga, people[who], method, path), path):
                found.append(f"{method} {path}")
    assert not found, "\n".join(found)
    # And nobody's session ended, nobody is another than before.
    assert people["ana"].server()["ready"]
    names = {user["name"] for user in people["admin"].api("GET", "/users").json()}
    assert names == {name for name in PEOPLE if name}
    groups = {g["name"]: g["users"] for g in people["admin"].api("GET", "/groups").json()}
    assert groups[f"formgrade-{COURSE}"] == ["profesora"], json.dumps(groups)
