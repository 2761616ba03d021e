"""A course's gradebook on PostgreSQL: nbgrader and our large-class queries agree there too."""

import nbformat
import pytest
from classrooms import run_publish
from notebooks import solve

from courses import gradebook
from courses.nbgrader import instructor_config
from tests.postgresql import new_database, postgres, rows  # noqa: F401 (postgres is a fixture)

pytestmark = pytest.mark.slow

COURSE, ASSIGNMENT = "supercomputing", "escalamiento-fuerte"


def test_publish_autograde_and_formgraders_questions(postgres, tmp_path):  # noqa: F811
    from nbgrader.apps.api import NbGraderAPI

    from grading.large_class import LargeClassAPI

    *_, server = postgres
    url = new_database(server, "minga-supercomputing")
    url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    root = tmp_path / "course"
    done = run_publish(COURSE, root, f"--gradebook={url}", "--student=ana=Ana Pérez")
    assert done.returncode == 0, done.stderr
    released = nbformat.read(root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", 4)
    handed_in = root / "submitted" / "ana" / ASSIGNMENT
    handed_in.mkdir(parents=True)
    nbformat.write(solve(released, ASSIGNMENT), handed_in / f"{ASSIGNMENT}.ipynb")
    api = NbGraderAPI(config=instructor_config(COURSE, root))
    graded = api.autograde(ASSIGNMENT, "ana")
    assert graded["success"], graded["log"]
    assert api.generate_feedback(ASSIGNMENT, "ana")["success"]

    assert rows(url, "SELECT id, first_name FROM student") == [("ana", "Ana")]
    large = LargeClassAPI(config=instructor_config(COURSE, root))
    (ours,) = large.get_submissions(ASSIGNMENT)
    (stock,) = api.get_submissions(ASSIGNMENT)
    assert ours == stock and ours["score"] > 0
    assert large.get_notebook_submissions(ASSIGNMENT, ASSIGNMENT) == api.get_notebook_submissions(
        ASSIGNMENT, ASSIGNMENT
    )
    assert not (root / "gradebook.db").exists()

    done = run_publish(COURSE, root, "--gradebook=")  # back to SQLite: the grades would be gone
    assert done.returncode == 1 and "minga-supercomputing" in done.stderr
    assert gradebook.address(root) == url


def test_grades_in_sqlite_are_not_left_behind(tmp_path):
    (tmp_path / "gradebook.db").write_text("grades")
    with pytest.raises(gradebook.GradebookMoved, match="does not have its grades"):
        gradebook.choose(tmp_path, "postgresql+psycopg:///minga-x")
    assert not gradebook.choose(tmp_path, "")
    assert gradebook.address(tmp_path) == f"sqlite:///{tmp_path / 'gradebook.db'}"
