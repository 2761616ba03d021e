"""Every attack in cases/ is handed in, graded with the whole of nbgrader, and gets nothing."""

import attack_harness
import pytest

CASES = attack_harness.load()
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", CASES)
def test_the_attack_gets_nothing(grader, name):
    verdict = grader.attack(CASES[name])
    assert not verdict.succeeded, (verdict, CASES[name].__doc__)


@pytest.mark.parametrize("assignment", ["tarea", "tensores"])
def test_honest_work_is_graded_after_all_that(grader, assignment):
    assert grader.honest(assignment, "luz") == ""


def test_a_leak_would_be_seen():
    """The search finds what attacks print in other ways than plainly."""
    import base64

    text = attack_harness.CANARY
    page = "<pre>" + base64.b64encode(f"assert f(1)\n# {text}\nassert g(2)".encode()).decode()
    assert attack_harness.encodings_of(text, page) == ["base64"]
    numbers = "".join(f"<i>{ord(letter)}</i>" for letter in text)
    assert attack_harness.encodings_of(text, numbers) == ["numbers"]
    assert attack_harness.encodings_of(text, f"<b>{text[::-1]}</b>") == ["reversed"]
    assert attack_harness.encodings_of(text, "<p>zanahoria</p> 48271") == []
