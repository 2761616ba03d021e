"""Due dates, grace, lateness, attempts, extensions; and feedback."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.exchange.service.exchange_server import COURSE, parts, problem

pytestmark = pytest.mark.slow


def moment(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


@pytest.fixture
def course(served, fake_hub, request):
    """An assignment of its own: policy(…) sets its policy, submit(who) hands in."""
    name = request.node.name[:60].replace("[", "-").rstrip("]")
    instructor = served.person("instructor")
    assert instructor.release({"nb.ipynb": b"{}"}, name).status_code == 200

    class Course:
        assignment = name
        address = f"courses/{COURSE}/assignments/{name}"

        def policy(self, **policy):
            answer = instructor.policy(name, **policy)
            assert answer.status_code == 200, answer.text
            return answer.json()

        def submit(self, who="student", key=None):
            return served.person(who).submit({"nb.ipynb": b"{}"}, name, key=key)

        def listed(self, who="student"):
            all_of_them = served.person(who).get(f"courses/{COURSE}/assignments").json()
            return next(item for item in all_of_them if item["assignment"] == name)

    return Course()


def test_without_a_policy_all_is_taken(course):
    assert course.submit().json()["late_seconds"] == 0
    listed = course.listed()
    assert listed["due"] is None and listed["attempts_left"] is None and not listed["closed"]


def test_late_is_counted_from_the_due_date(course):
    course.policy(due=moment(hours=2), late_policy="accept")
    late = course.submit().json()["late_seconds"]
    assert 7200 <= late < 7200 + 600


def test_within_the_grace_nobody_is_late(course):
    course.policy(due=moment(minutes=10), grace_seconds=3600, late_policy="reject")
    assert course.submit().json()["late_seconds"] == 0
    assert not course.listed()["closed"]


def test_after_the_grace_the_delay_counts_from_the_due_date(course):
    course.policy(due=moment(hours=3), grace_seconds=3600)
    assert course.submit().json()["late_seconds"] >= 3 * 3600


def test_closed(course):
    course.policy(due=moment(seconds=2), late_policy="reject")
    said = problem(course.submit(), 409, "closed")
    assert "plazo" in said["detail"]
    assert course.listed()["closed"]


def test_an_extension_is_its_students_alone(course):
    ahead = moment(hours=-5)
    course.policy(due=moment(hours=1), late_policy="reject", extensions={"student": {"due": ahead}})
    receipt = course.submit("student").json()
    assert receipt["late_seconds"] == 0
    assert datetime.fromisoformat(receipt["due"]) == datetime.fromisoformat(ahead)
    problem(course.submit("classmate"), 409, "closed")
    assert course.listed("student")["extension"]["due"] == receipt["due"]
    assert course.listed("classmate")["extension"] is None


def test_a_student_reads_no_other_students_extension(course, served):
    course.policy(extensions={"classmate": {"attempts": 9}, "student": {"attempts": 2}})
    told = served.person("student").get(f"{course.address}/policy").json()
    assert told["extensions"] == {"student": {"due": None, "attempts": 2}}
    told = served.person("instructor").get(f"{course.address}/policy").json()
    assert set(told["extensions"]) == {"classmate", "student"}


def test_attempts(course):
    course.policy(attempts=2, extensions={"student": {"attempts": 3}})
    assert course.submit("classmate").status_code == 201
    assert course.listed("classmate")["attempts_left"] == 1
    assert course.submit("classmate").status_code == 201
    said = problem(course.submit("classmate"), 409, "no_attempts_left")
    assert "2" in said["detail"]
    assert [course.submit().status_code for _ in range(4)] == [201, 201, 201, 409]


def test_a_retry_is_answered_after_the_end(course):
    """The answer was lost, the deadline passes, the client tries again: the receipt is theirs."""
    course.policy(due=moment(hours=-1), attempts=1, late_policy="reject")
    first = course.submit(key="k").json()
    course.policy(due=moment(hours=1), attempts=1, late_policy="reject")
    assert course.submit(key="k").json() == first
    problem(course.submit(key="another"), 409, "closed")


def test_a_policy_is_replaced_whole_and_may_come_before_the_release(served):
    instructor = served.person("instructor")
    instructor.policy("antes", due=moment(hours=-2), attempts=1)
    answer = instructor.policy("antes", grace_seconds=5)
    assert answer.json()["due"] is None and answer.json()["attempts"] is None
    problem(
        served.person("student").get(f"courses/{COURSE}/assignments/antes/policy"),
        404,
        "no_such_assignment",
    )
    assert instructor.release({"a": b""}, "antes").status_code == 200
    address = f"courses/{COURSE}/assignments/antes/policy"
    assert served.person("student").get(address).json()["grace_seconds"] == 5


def test_a_new_due_date_leaves_receipts_as_they_are(course, served):
    course.policy(due=moment(hours=1))
    receipt = course.submit().json()
    course.policy(due=moment(hours=-9))
    again = served.person("student").get(f"submissions/{receipt['id']}").json()
    assert again["late_seconds"] == receipt["late_seconds"] >= 3600


@pytest.mark.parametrize(
    "policy",
    [
        {"due": "mañana"},
        {"due": "2026-11-23T10:00:00"},  # no time zone: nobody knows when that is
        {"due": "0001-01-01T00:00:00+14:00"},
        {"due": "9999-12-31T23:59:59-14:00"},
        {"grace_seconds": -1},
        {"attempts": -1},
        {"late_policy": "sometimes"},
        {"dew": None},
        {"extensions": {"ana": {"dew": None}}},
        {"extensions": {"a\x00b": {}}},
        [],
    ],
)
def test_policies_that_are_none(served, policy):
    answer = served.person("instructor").put(f"courses/{COURSE}/assignments/a1/policy", json=policy)
    problem(answer, 400, "bad_request")


def test_feedback_is_its_owners_and_the_latest_counts(course, served):
    number = course.submit().json()["id"]
    student, formgrader = served.person("student"), served.person("formgrader")
    address = f"submissions/{number}/feedback"
    problem(student.get(address), 404, "no_feedback")
    (before,) = student.get(f"{course.address}/submissions").json()
    assert not before["has_feedback"] and before["feedback_sha256"] is None
    for page in (b"<p>primero</p>", b"<p>segundo</p>"):
        given = formgrader.put(address, files=parts({"nb.html": page}))
        assert given.status_code == 200
    assert student.get(address).json() == given.json()
    answer = student.get(f"{address}/files/nb.html")
    assert answer.content == b"<p>segundo</p>"
    # It is HTML with a student's own output: never to be run in the hub's name.
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    (after,) = student.get(f"{course.address}/submissions").json()
    assert after["has_feedback"] and after["feedback_sha256"] == given.json()["sha256"]
    for other in ("classmate", "stranger", "other-instructor"):
        problem(served.person(other).get(address), 404, "no_such_submission")
        problem(served.person(other).get(f"{address}/files/nb.html"), 404, "no_such_submission")
