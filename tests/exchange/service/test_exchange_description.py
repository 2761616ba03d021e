"""The OpenAPI description: tried by a machine, complete, shown without foreign programs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.service.problems import PROBLEMS
from tests.exchange.service.exchange_server import COURSE, ExchangeServer, FakeHub, parts
from translation.sentences import translate

pytestmark = pytest.mark.slow

EXAMPLES = 15  # for each operation, besides the edges that Schemathesis takes from the description
SEED = 20261123
# The rest of a body's rules, e.g. that no name is there twice, cannot be said in a description.
NOT_CHECKED = "positive_data_acceptance"


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """A service of its own, with something of everything: what is tried changes it."""
    hub = FakeHub()
    server = ExchangeServer(tmp_path_factory.mktemp("tried") / "store", hub).start()
    instructor = server.person("instructor")
    assert instructor.release({"nb.ipynb": b"{}"}).status_code == 200
    server.number = server.person("student").submit({"nb.ipynb": b"{}"}).json()["id"]
    page = parts({"nb.html": b"<p>"})
    assert instructor.put(f"submissions/{server.number}/feedback", files=page).status_code == 200
    yield server
    server.stop()
    hub.close()


@pytest.mark.parametrize(
    ("who", "fixed"),
    [("instructor", True), ("student", True), ("student", False), ("stranger", False)],
    ids=["instructor", "student", "student, invented names", "stranger"],
)
def test_schemathesis_finds_nothing(tried, tmp_path, who, fixed):
    """No answer of 500 and above, and each is one that the description has."""
    program = Path(sys.executable).with_name("schemathesis")
    assert program.is_file() or shutil.which("schemathesis")
    settings = f'[parameters]\ncourse = "{COURSE}"\n'
    if fixed:
        settings += f'assignment = "a1"\nnumber = "{tried.number}"\n'
    (tmp_path / "schemathesis.toml").write_text(settings)
    done = subprocess.run(
        [str(program), "run", tried.url + "openapi.json"]
        + ["-H", f"Authorization: token {who}", "--seed", str(SEED)]
        + ["--max-examples", str(EXAMPLES), "--exclude-checks", NOT_CHECKED]
        + ["--suppress-health-check", "all", "--warnings", "off"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 15" in done.stdout, done.stdout
    assert "[E " not in tried.said(), tried.said()


def test_every_operation_says_how_it_fails(tried):
    described = tried.person("anonymous").get("openapi.json").json()
    codes = set()
    for path, item in described["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            expected = {"400", "500", "503"}
            if not path.endswith("/health"):
                expected |= {"401", "403"}
                assert operation["security"], (method, path)
            assert expected <= set(answers), (method, path)
            for status, answer in answers.items():
                if status >= "400" and status != "416":
                    assert list(answer["content"]) == ["application/problem+json"]
                    codes |= set(answer["description"].rpartition(": ")[2].split(", "))
    assert codes == set(PROBLEMS) - {"method_not_allowed"}
    assert "HTTPValidationError" not in json.dumps(described)


@pytest.mark.parametrize("page", ["docs", "redoc", "v1/docs", ""])
def test_there_are_no_pages_that_load_programs(tried, page):
    answer = tried.person("instructor").get(tried.url.removesuffix("v1/") + page)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_problems_are_in_both_languages():
    for code, (status, *sentences) in PROBLEMS.items():
        assert 400 <= status < 600, code
        for said in sentences:
            assert translate(said, "en") != said, code


def test_what_a_405_allows(tried):
    answer = tried.person("student").post(f"courses/{COURSE}/assignments/a1/release")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, PUT")
