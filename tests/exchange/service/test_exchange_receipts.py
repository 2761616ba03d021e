"""Receipts: what they say, that they can be checked, and that a retry gets the same one."""

import concurrent.futures
import subprocess
from datetime import UTC, datetime

import pytest

from tests.exchange.service.exchange_server import COURSE, problem

pytestmark = pytest.mark.slow

SHA256SUM = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"


def test_a_student_can_check_the_receipt_with_sha256sum(served, tmp_path):
    files = {"nb.ipynb": b"{}", "datos/ñ 1.csv": b"1", "Z.txt": b"z", "a/b/c": b""}
    receipt = served.person("student").submit(files).json()
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    said = subprocess.run(
        ["bash", "-c", SHA256SUM], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert receipt["sha256"] == said.split()[0]
    assert (receipt["files"], receipt["bytes"]) == (4, 4)


def test_what_a_receipt_says(served, fake_hub):
    fake_hub.user("ana", [f"nbgrader-{COURSE}"])
    before = datetime.now(UTC)
    receipt = served.person("ana").submit({"nb.ipynb": b"{}"}).json()
    when = datetime.fromisoformat(receipt["timestamp"])
    assert before <= when <= datetime.now(UTC)
    assert receipt["clock"] == receipt["timestamp"]
    assert (receipt["course"], receipt["assignment"]) == (COURSE, "a1")
    assert (receipt["student"], receipt["attempt"]) == ("ana", 1)
    assert (receipt["late_seconds"], receipt["due"]) == (0, None)
    detailed = served.person("ana").get(f"submissions/{receipt['id']}").json()
    assert {name: detailed[name] for name in receipt} == receipt


def test_what_was_handed_in_before_is_kept(served, fake_hub):
    fake_hub.user("berta", [f"nbgrader-{COURSE}"])
    person = served.person("berta")
    made = [person.submit({"nb.ipynb": f"{n}".encode()}).json() for n in range(3)]
    assert [receipt["attempt"] for receipt in made] == [1, 2, 3]
    for n, receipt in enumerate(made):
        answer = person.get(f"submissions/{receipt['id']}/files/nb.ipynb")
        assert answer.content == f"{n}".encode()
    address = f"courses/{COURSE}/assignments/a1/submissions"
    listed = served.person("instructor").get(f"{address}?student=berta").json()
    assert [item["id"] for item in listed] == [receipt["id"] for receipt in made]
    (latest,) = served.person("instructor").get(f"{address}?student=berta&latest=true").json()
    assert latest["id"] == made[-1]["id"]


def test_the_same_again_is_one_more_attempt_without_a_key(served, fake_hub):
    fake_hub.user("carla", [f"nbgrader-{COURSE}"])
    person = served.person("carla")
    address = f"courses/{COURSE}/assignments/a1/submissions"
    files = [("files", ("a.txt", b"x"))]
    first, second = (person.post(address, files=files).json() for _ in range(2))
    assert first["id"] != second["id"] and second["attempt"] == 2


def test_a_retry_gets_the_first_receipt(served, fake_hub):
    fake_hub.user("dora", [f"nbgrader-{COURSE}"])
    person = served.person("dora")
    first = person.submit({"a.txt": b"x"}, key="una-clave")
    again = person.submit({"a.txt": b"x"}, key="una-clave")
    assert again.status_code == 201 and again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    problem(person.submit({"a.txt": b"y"}, key="una-clave"), 422, "key_reused")
    assert len(person.get(f"courses/{COURSE}/assignments/a1/submissions").json()) == 1
    # A key is its student's: nobody learns or loses anything by another's.
    other = served.person("classmate").submit({"a.txt": b"x"}, key="una-clave")
    assert other.json()["id"] != first.json()["id"]


def test_retries_at_the_same_time_are_one_submission(served, fake_hub):
    fake_hub.user("elsa", [f"nbgrader-{COURSE}"])

    def send(_):
        return served.person("elsa").submit({"a.txt": b"x"}, key="k")

    with concurrent.futures.ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(send, range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_many_at_the_same_time_are_numbered_and_ordered(served, fake_hub):
    fake_hub.user("flor", [f"nbgrader-{COURSE}"])

    def send(n):
        return served.person("flor").submit({"a.txt": f"{n}".encode()}).json()

    with concurrent.futures.ThreadPoolExecutor(12) as threads:
        made = list(threads.map(send, range(24)))
    assert sorted(receipt["attempt"] for receipt in made) == list(range(1, 25))
    assert len({receipt["timestamp"] for receipt in made}) == 24


@pytest.mark.parametrize("key", ["x" * 201, "con espacio"])
def test_keys_that_are_none(served, key):
    problem(served.person("student").submit({"a": b""}, key=key), 400, "bad_request")


def test_releases_in_languages(served):
    person = served.person("student")
    address = f"courses/{COURSE}/assignments/a1/release"
    for language, holds in [("es", b'{"es": 1}'), ("en", b'{"en": 1}'), ("pt", b'{"es": 1}')]:
        told = person.get(f"{address}?language={language}").json()
        assert [file["path"] for file in told["files"]] == ["data/x.csv", "nb.ipynb"]
        assert told["languages"] == ["es", "en"]
        assert told["language"] == ("en" if language == "en" else "es")
        file = person.get(f"{address}/files/nb.ipynb?language={language}")
        assert file.content == holds
        assert file.headers["ETag"].strip('"') == told["files"][1]["sha256"]
    problem(person.get(f"{address}/files/.languages/en/nb.json"), 404, "no_such_file")
    (listed,) = [
        item
        for item in person.get(f"courses/{COURSE}/assignments").json()
        if item["assignment"] == "a1"
    ]
    assert (listed["notebooks"], listed["languages"]) == (["nb"], ["es", "en"])


def test_a_release_is_replaced_whole_and_fetched_whole(served):
    instructor, student = served.person("instructor"), served.person("student")
    address = f"courses/{COURSE}/assignments/tarea 2/release"
    first = instructor.release({"a.txt": b"1", "b.txt": b"1"}, "tarea 2").json()
    instructor.release({"a.txt": b"2"}, "tarea 2")
    assert student.get(f"{address}/files/a.txt").content == b"2"
    problem(student.get(f"{address}/files/b.txt"), 404, "no_such_file")
    # Who began before gets all of what they began with.
    pinned = f"{address}/files/b.txt?release={first['release']}"
    assert student.get(pinned).content == b"1"
    assert instructor.delete(address).status_code == 204
    problem(student.get(address), 404, "no_such_assignment")
    problem(student.get(pinned), 404, "no_such_assignment")
    problem(student.submit({"a.txt": b""}, "tarea 2"), 404, "no_such_assignment")


def test_removing_a_release_keeps_what_was_handed_in(served):
    instructor, student = served.person("instructor"), served.person("student")
    instructor.release({"a.txt": b"1"}, "a3")
    made = student.submit({"a.txt": b"mine"}, "a3", key="k").json()
    instructor.delete(f"courses/{COURSE}/assignments/a3/release")
    listed = instructor.get(f"courses/{COURSE}/assignments/a3/submissions").json()
    assert [item["id"] for item in listed] == [made["id"]]
    assert instructor.get(f"submissions/{made['id']}/files/a.txt").content == b"mine"


def test_the_name_of_a_release_number_is_of_its_assignment(served):
    """The number of another assignment's release gives nothing of it."""
    instructor = served.person("instructor")
    other = instructor.release({"secreto.txt": b"x"}, "a4").json()["release"]
    address = f"courses/{COURSE}/assignments/a1/release/files/secreto.txt?release={other}"
    problem(served.person("student").get(address), 404, "no_such_assignment")
