"""Which points are handed to the hub for a learning platform, and what people read of it."""

from datetime import timedelta

import httpx
import pytest
from nbgrader.coursedir import CourseDirectory
from small_class import COURSE, DUE

from grading.errors import GradingError
from grading.platforms import final, in_words, send

URL = "http://127.0.0.1:1/hub/api/minga-grades/"
HANDED_IN = (DUE + timedelta(hours=25)).isoformat(timespec="milliseconds") + "+00:00"


class Exchange:
    """What the exchange's client says of releases and receipts; its connection is a hub's."""

    def __init__(self, *receipts: dict, answer=lambda request: httpx.Response(500)):
        self.receipts = receipts
        self.http = httpx.Client(transport=httpx.MockTransport(answer))

    def assignments(self, course):
        return [{"assignment": name} for name in ("tarea 1", "tarea-2")]

    def submissions(self, course, assignment):
        return [receipt for receipt in self.receipts if receipt["assignment"] == assignment]


def receipt(student="ana", assignment="tarea 1", timestamp=HANDED_IN, has_feedback=True) -> dict:
    return {
        "student": student,
        "assignment": assignment,
        "timestamp": timestamp,
        "has_feedback": has_feedback,
    }


@pytest.fixture
def directory(course_root) -> CourseDirectory:
    return CourseDirectory(root=str(course_root), course_id=COURSE)


def test_points_leave_when_their_student_has_read_them(directory):
    everything = Exchange(
        receipt(),
        receipt("beto"),  # a cell waits for a person
        receipt("beto", "tarea-2"),  # what was graded was replaced
        receipt("eve"),  # handed nothing in
    )
    expected = {"student": "ana", "assignment": "tarea 1", "points": 3.75, "maximum": 5.5}
    assert final(directory, everything) == [expected]
    assert final(directory, everything, ["tarea-2"]) == []
    assert final(directory, Exchange(receipt(has_feedback=False))) == []
    earlier = receipt(timestamp=DUE.isoformat() + "+00:00")
    assert final(directory, Exchange(earlier)) == []


def test_the_hubs_report_is_said_in_words(directory):
    report = {"sent": 1, "unchanged": 2, "unknown": ["x"], "no_place": ["tarea 1"]}
    report["failed"] = [{"student": "ana", "assignment": "tarea 1", "problem": "HTTP 500"}]
    asked = []

    def hub(request):
        asked.append((str(request.url), request.read()))
        return httpx.Response(200, json=report)

    assert send(directory, Exchange(receipt(), answer=hub), URL) == report
    assert asked[0][0] == URL + COURSE and b'"ana"' in asked[0][1]
    said = " ".join(text.said_in("es") for text in in_words(report))
    for words in ("notas enviadas: 1;", "ya tenía: 2.", "vienen de", "tarea 1", "HTTP 500"):
        assert words in said


def test_a_hub_that_does_not_take_them_is_a_sentence(directory):
    with pytest.raises(GradingError, match="No se perdió nada"):
        send(directory, Exchange(receipt()), URL)


def test_without_a_gradebook_none_is_made(tmp_path):
    with pytest.raises(GradingError, match="No hay libro de notas"):
        final(CourseDirectory(root=str(tmp_path), course_id=COURSE), Exchange())
    assert not list(tmp_path.iterdir())
