"""A second run grades what changed, and only that; what a person gave stays."""

import pytest
from nbgrader.apps.api import NbGraderAPI

pytestmark = pytest.mark.slow

ALL = ["s000", "s001", "s002", "s003"]


def test_only_what_changed_is_graded_anew(course):
    assert course.grade() == ALL
    assert course.grade() == []
    with course.book() as book:  # a person reads an answer, and changes an automatic score
        book.find_grade("explica", "numpy", "numpy", "s000").manual_score = 2.5
        book.find_grade("suma-pruebas", "numpy", "numpy", "s001").manual_score = 0.5
        book.db.commit()

    # a submission
    course.hand_in("s003", 0)
    assert course.grade() == ["s003"]
    # a file beside it
    (course.root / "submitted/s002/numpy/datos.csv").write_text("1")
    assert course.grade() == ["s002"]
    # an extension, of which the penalty depends
    with course.book() as book:
        book.grant_extension("numpy", "s002", days=2)
    assert course.grade() == ["s002"]
    assert course.scores()["s002"]["late"] == 0
    # a setting that decides about outputs, and one that does not
    course.config.LimitOutput.max_lines = 500
    assert course.grade() == ALL
    course.config.GradingExporter.workers = 1
    assert course.grade() == []
    # a removed and repeated submission has no grades: its record is not believed
    with course.book() as book:
        book.remove_submission("numpy", "s000")
    assert course.grade() == ["s000"]
    with course.book() as book:
        book.find_grade("explica", "numpy", "numpy", "s000").manual_score = 2.5
        book.db.commit()

    # a test that was wrong: everybody
    course.change_test(
        "assert_allclose(suma(np.array([1., 2., 3.])), 6)",
        "assert_allclose(suma(np.array([1., 2., 3.])), 7)",
    )
    assert course.grade() == ALL
    scores = course.scores()
    assert all(s["numpy", "suma-pruebas"][0] == 0 for s in scores.values())
    assert scores["s000"]["numpy", "explica"][1:] == (2.5, True)
    assert scores["s001"]["numpy", "suma-pruebas"] == (0, 0.5, True)
    # --force, and formgrader's button, grade what has not changed too
    assert course.grade(force=True) == ALL
    course.autograded("s001").unlink()
    done = NbGraderAPI(config=course.config).autograde("numpy", "s001")
    assert done["success"] and course.autograded("s001").exists()
    assert course.grade() == []
