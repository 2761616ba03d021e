"""Every address × everybody: who is answered, and how the others are turned away."""

import pytest

from tests.exchange.service.exchange_server import COURSE, parts

pytestmark = pytest.mark.slow

A1 = f"courses/{COURSE}/assignments/a1"
FILES = {"files": parts({"nb.ipynb": b"{}"})}
STAFF = {"instructor", "formgrader"}
MEMBERS = {"student", "classmate", *STAFF}
OWNER = {"student", *STAFF}
EVERYBODY = [
    "anonymous",
    "unknown-token",
    "no-scope",
    "stranger",
    "other-instructor",
    "classmate",
    "student",
    "instructor",
    "formgrader",
]

# method, address, arguments, who may, what the others get
TABLE = [
    ("GET", f"courses/{COURSE}/assignments", {}, MEMBERS, 403),
    ("PUT", f"{A1}/release", FILES, STAFF, 403),
    ("GET", f"{A1}/release", {}, MEMBERS, 403),
    ("GET", f"{A1}/release/files/nb.ipynb", {}, MEMBERS, 403),
    ("DELETE", f"courses/{COURSE}/assignments/brief/release", {}, STAFF, 403),
    ("POST", f"{A1}/submissions", FILES, {"student", "classmate"}, 403),
    ("GET", f"{A1}/submissions", {}, MEMBERS, 403),
    ("GET", f"{A1}/submissions?student=student", {}, OWNER, 403),
    ("GET", "submissions/ID", {}, OWNER, 404),
    ("GET", "submissions/ID/files/nb.ipynb", {}, OWNER, 404),
    ("PUT", "submissions/ID/feedback", FILES, STAFF, 404),
    ("GET", "submissions/ID/feedback", {}, OWNER, 404),
    ("GET", "submissions/ID/feedback/files/nb.html", {}, OWNER, 404),
    ("GET", f"{A1}/policy", {}, MEMBERS, 403),
    ("PUT", f"{A1}/policy", {"json": {}}, STAFF, 403),
]


@pytest.fixture(scope="module")
def submission(served) -> str:
    made = served.person("student").submit({"nb.ipynb": b"mine"}).json()["id"]
    given = served.person("formgrader").put(
        f"submissions/{made}/feedback", files=parts({"nb.html": b"<p>bien</p>"})
    )
    assert given.status_code == 200, given.text
    return made


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize(
    ("method", "address", "arguments", "may", "otherwise"),
    TABLE,
    ids=[f"{row[0]} {row[1].replace(A1, 'a1')}" for row in TABLE],
)
def test_rights(served, submission, who, method, address, arguments, may, otherwise):
    if address.endswith("brief/release"):
        assert served.person("instructor").release({"a.txt": b""}, "brief").status_code == 200
    if method == "PUT" and "feedback" in address:
        arguments = {"files": parts({"nb.html": b"<p>bien</p>"})}
    answer = served.person(who).request(method, address.replace("ID", submission), **arguments)
    if who in ("anonymous", "unknown-token"):
        otherwise = 401
    elif who == "no-scope" or (who == "student" and "feedback" in address):
        otherwise = 403
    if who in may:
        assert answer.status_code in (200, 201, 204), answer.text
    else:
        assert answer.status_code == otherwise, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert "bien" not in answer.text and "mine" not in answer.text


def test_the_table_has_every_operation_of_the_description(served):
    described = served.person("anonymous").get("openapi.json").json()["paths"]
    operations = {
        (method.upper(), path.rpartition("/v1/")[2])
        for path, item in described.items()
        for method in item
    }
    tried = {
        (
            method,
            address.partition("?")[0]
            .replace(COURSE, "{course}")
            .replace("/a1", "/{assignment}")
            .replace("/brief", "/{assignment}")
            .replace("submissions/ID", "submissions/{number}")
            .replace("nb.ipynb", "{path}")
            .replace("nb.html", "{path}"),
        )
        for method, address, *_ in TABLE
    }
    assert operations - tried == {("GET", "health")}
    assert tried <= operations


def test_a_student_lists_their_own_only(served, submission):
    served.person("classmate").submit({"nb.ipynb": b"other"})
    address = f"{A1}/submissions"
    assert {r["student"] for r in served.person("student").get(address).json()} == {"student"}
    everybody = {r["student"] for r in served.person("instructor").get(address).json()}
    assert everybody == {"student", "classmate"}


def test_who_left_the_course_sees_nothing_of_it(served, submission, fake_hub):
    """The same person with a token that the service has not seen: the hub says no group."""
    fake_hub.models["left"] = fake_hub.models["student"] | {"groups": []}
    answer = served.person("left").get(f"submissions/{submission}")
    assert answer.status_code == 404


def test_a_user_named_like_a_course_is_not_its_formgrader(served, fake_hub):
    fake_hub.user(COURSE, [])
    assert served.person(COURSE).get(f"{A1}/submissions").status_code == 403


def test_a_cookie_or_a_token_in_the_address_is_no_identity(served):
    anonymous = served.person("anonymous")
    address = f"courses/{COURSE}/assignments"
    cookie = {"Cookie": "jupyterhub-services=student"}
    assert anonymous.get(address, headers=cookie).status_code == 401
    assert anonymous.get(f"{address}?token=student").status_code == 401


def test_the_hub_is_asked_once_for_many_requests(served, fake_hub):
    fake_hub.user("keen", [f"nbgrader-{COURSE}"])
    before = fake_hub.asked
    for _ in range(20):
        assert served.person("keen").get(f"courses/{COURSE}/assignments").status_code == 200
    assert fake_hub.asked == before + 1
