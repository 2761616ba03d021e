"""Out to students in two languages, back, graded in one gradebook, and back again."""

import json
import re
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook

from courses.models import COURSES
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

STUDENTS = {"estudiante1": "es", "estudiante2": "en"}
# What the score is called, and words of the page that are the other language's or nbgrader's.
FEEDBACK_WORDS = {
    "es": ("Puntos", ("Score", "Test cell", "Student's", "Grade cell", "Written", "(Top)")),
    "en": ("Score", ("Puntos", "Pruebas:", "Tu respuesta", "(Arriba)", "Grade cell")),
}


def words(room, student) -> str:
    return "\n".join(c.source for c in nbformat.read(room.notebook(student), 4).cells)


def answer(room, student, solved_until: str) -> None:
    """Solve the parts before `solved_until` as the author did, and answer the question."""
    path = room.notebook(student)
    author = COURSES / room.course / "assignments" / room.assignment / f"{room.assignment}.ipynb"
    solutions = {c.id: c.source for c in nbformat.read(author, 4).cells}
    nb = nbformat.read(path, 4)
    for cell in nb.cells:
        if cell.id == solved_until:
            break
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = re.sub(r"(?m)^.*### (BEGIN|END) SOLUTION\n?", "", solutions[cell.id])
    nb.cells[-1].source = f"{student}: 4"
    nbformat.write(nb, path)


def test_each_student_gets_their_language_under_the_same_name(classroom):
    for student, language in STUDENTS.items():
        done = classroom.student(
            student, language, "nbgrader", "fetch_assignment", classroom.assignment
        )
        assert done.returncode == 0, done.log
        assert [p.name for p in classroom.work(student).iterdir()] == [
            f"{classroom.assignment}.ipynb"
        ]
        metadata = json.loads(classroom.notebook(student).read_text())["metadata"]
        assert metadata["minga"]["language"] == language
    assert "# Escalamiento fuerte" in words(classroom, "estudiante1")
    assert "# Strong scaling" in words(classroom, "estudiante2")
    assert "TU CÓDIGO AQUÍ" not in words(classroom, "estudiante2")


def test_validation_finds_the_english_tests_unchanged(classroom):
    done = classroom.student("estudiante2", "en", "nbgrader", "validate", "--help")
    assert done.returncode == 0
    path = str(classroom.notebook("estudiante2"))
    done = classroom.student("estudiante2", "en", "nbgrader", "validate", path)
    assert "THE CONTENTS OF" not in done.log
    assert "NotImplementedError" in done.log


def test_a_second_fetch_leaves_the_students_work(classroom):
    path = classroom.notebook("estudiante1")
    nb = nbformat.read(path, 4)
    nb.cells[0].source = "mi trabajo"
    nbformat.write(nb, path)
    before = path.read_bytes()
    fetch = ("nbgrader", "fetch_assignment", classroom.assignment)
    refused = classroom.student("estudiante1", "es", *fetch)
    assert refused.returncode != 0 and "Ya tienes «escalamiento-fuerte»" in refused.log
    (path.parent / "extra.txt").write_text("mío")
    again = classroom.student("estudiante1", "es", *fetch, "--replace")
    assert again.returncode == 0, again.log
    (path.parent / "extra.txt").unlink()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_formgraders_buttons_release_all_languages(classroom):
    source = classroom.root / "source" / classroom.assignment / f"{classroom.assignment}.ipynb"
    nb = nbformat.read(source, 4)
    nb.cells[0].source += "\n\nCambiado en formgrader."
    nbformat.write(nb, source)
    classroom.instructor("nbgrader", "generate_assignment", classroom.assignment, "--force")
    classroom.instructor("nbgrader", "release_assignment", classroom.assignment)
    fetch = ("nbgrader", "fetch_assignment", classroom.assignment)
    for student, language, title in (("tarde", "es", "fuerte"), ("late", "en", "Strong scaling")):
        classroom.hub.groups[student] = [f"nbgrader-{classroom.course}"]
        done = classroom.student(student, language, *fetch)
        assert done.returncode == 0, done.log
        assert title in words(classroom, student)
    assert "Cambiado en formgrader." in words(classroom, "tarde")


def test_an_unknown_language_gets_the_source(classroom):
    classroom.hub.groups["aluno"] = [f"nbgrader-{classroom.course}"]
    done = classroom.student("aluno", "pt", "nbgrader", "fetch_assignment", classroom.assignment)
    assert done.returncode == 0, done.log
    assert "# Escalamiento fuerte" in words(classroom, "aluno")


def test_a_stranger_gets_nothing(classroom):
    classroom.hub.groups["extrana"] = ["nbgrader-ai-foundations"]
    done = classroom.student("extrana", "es", "nbgrader", "fetch_assignment", classroom.assignment)
    assert done.returncode != 0 and "No tienes permiso" in done.log
    assert not classroom.work("extrana").exists()


def test_one_gradebook_grades_both_and_feedback_returns(classroom):
    # Both solve up to the same part: the rest stays as it was released.
    for student, language in STUDENTS.items():
        answer(classroom, student, solved_until="aceleracion")
        done = classroom.student(student, language, "nbgrader", "submit", classroom.assignment)
        assert done.returncode == 0, done.log
        for word in ("Faltan", "missing", "no son", "not the assignment's", "late", "tarde"):
            assert word not in done.log
    received = {"es": "Entrega recibida", "en": "Submission received"}
    assert received[language] in done.log

    classroom.instructor("nbgrader", "collect", classroom.assignment)
    assert {p.name for p in (classroom.root / "submitted").iterdir()} == set(STUDENTS)
    classroom.instructor("nbgrader", "autograde", classroom.assignment)
    url = f"sqlite:///{classroom.root}/gradebook.db"
    with Gradebook(url, classroom.course) as gradebook:
        scores = {}
        for student in STUDENTS:
            submission = gradebook.find_submission(classroom.assignment, student)
            scores[student] = {
                grade.name: (grade.auto_score, grade.needs_manual_grade)
                for grade in submission.notebooks[0].grades
            }
            grade = gradebook.find_grade(
                "pregunta-respuesta", classroom.assignment, classroom.assignment, student
            )
            grade.manual_score, grade.needs_manual_grade = 12, False
            gradebook.db.commit()
            assert gradebook.find_submission(classroom.assignment, student).score == 40 + 12
    assert scores["estudiante1"] == scores["estudiante2"]

    classroom.instructor("nbgrader", "generate_feedback", classroom.assignment)
    classroom.instructor("nbgrader", "release_feedback", classroom.assignment)
    read = {}
    for student, language in STUDENTS.items():
        done = classroom.student(
            student, language, "nbgrader", "fetch_feedback", classroom.assignment
        )
        assert done.returncode == 0, done.log
        (page,) = (classroom.work(student) / "feedback").rglob("*.html")
        read[student] = page.read_text(encoding="utf-8")
        label, others = FEEDBACK_WORDS[language]
        assert f"({label}: 52.0 / 100.0)" in read[student] and f'lang="{language}"' in read[student]
        said = BeautifulSoup(read[student], "html.parser").body.get_text()
        assert not [word for word in others if word in said]
    assert "Strong scaling" in read["estudiante2"]
    test_message = "Ninety minutes are written 01:30:00."
    assert test_message in read["estudiante2"] and test_message not in read["estudiante1"]
    assert "Noventa minutos se escriben 01:30:00." in read["estudiante1"]


OPEN = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from minga_open import fetch
print(asyncio.run(fetch(Path.cwd(), *sys.argv[2:])) or "fetched")
"""


def test_a_link_of_the_book_fetches_what_it_names(classroom):
    """As minga_open does in a session, with nbgrader's own command."""
    extension = str(ROOT / "hub_config" / "jupyter" / "open")
    command = (sys.executable, "-c", OPEN, extension, classroom.course)
    done = classroom.student("estudiante2", "en", *command, classroom.assignment, site="colombia")
    assert done.stdout.strip() == "fetched", done.log
    home = classroom.home("estudiante2", "colombia")
    notebook = home / classroom.course / classroom.assignment / f"{classroom.assignment}.ipynb"
    assert json.loads(notebook.read_text())["metadata"]["minga"]["language"] == "en"
    done = classroom.student("estudiante2", "en", *command, "no-such", site="colombia")
    assert done.returncode == 0 and "no-such" in done.stdout
