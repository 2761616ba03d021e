"""Releasing: complete, without secrets, and only when something changed."""

import json
import shutil

import nbformat
import pytest
from classrooms import run_publish
from notebooks import ANSWER, ASSIGNMENTS, cell, source

from courses import publish as publishing
from courses.models import COURSES, load_course
from courses.variants import FOLDER

pytestmark = pytest.mark.slow


def released_files(published, assignment):
    return [p for p in published.release(assignment).rglob("*") if p.is_file()]


def secrets(assignment) -> set[str]:
    """Return the lines that only the author and the graders may see."""
    hidden, shown = set(), set()
    for c in source(assignment).cells:
        region = False
        for line in c.source.splitlines():
            if "### BEGIN" in line or "### END" in line:
                region = "### BEGIN" in line
            elif line.strip():
                (hidden if region or c.id == ANSWER else shown).add(line.strip())
    return {line for line in hidden - shown if len(line) > 12}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_release_holds_both_languages_and_no_secret(published, assignment):
    files = released_files(published, assignment)
    assert {str(p.relative_to(published.release(assignment))) for p in files} == {
        f"{assignment}.ipynb",
        f"{FOLDER}/en/{assignment}.json",
    }
    wanted = secrets(assignment)
    assert len(wanted) > 25
    for path in files:
        nb = nbformat.read(path, as_version=4)
        text = "\n".join(c.source for c in nb.cells)
        assert not wanted & {line.strip() for line in text.splitlines()}
        for marker in ("BEGIN ", "END SOLUTION", "Pauta"):
            assert marker not in text


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_languages_differ_in_words_only(published, assignment):
    spanish = nbformat.read(published.release(assignment) / f"{assignment}.ipynb", 4)
    english = nbformat.read(published.release(assignment) / FOLDER / f"en/{assignment}.json", 4)
    assert english.metadata.minga.language == "en" and spanish.metadata.minga.language == "es"
    assert [c.id for c in spanish.cells] == [c.id for c in english.cells]
    for one, other in zip(spanish.cells, english.cells, strict=True):
        a, b = dict(one.metadata.get("nbgrader", {})), dict(other.metadata.get("nbgrader", {}))
        a.pop("checksum", None), b.pop("checksum", None)
        assert a == b
    assert cell(spanish, ANSWER).source == "TU RESPUESTA AQUÍ"
    assert cell(english, ANSWER).source == "YOUR ANSWER HERE"
    for text in ("TU CÓDIGO", "Devuelve", " puntos"):
        assert not [c.id for c in english.cells if text in c.source]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_instructors_page_is_in_the_working_folder_and_in_no_release(published, assignment):
    root = published.root(ASSIGNMENTS[assignment])
    spanish, english = (
        (root / "instructors" / f"{assignment}.{language}.md").read_text(encoding="utf-8")
        for language in ("es", "en")
    )
    assert "Pauta" in spanish and "Rubric" in english
    assert not [p for p in (root / "release").rglob("*") if "instructors" in str(p)]
    assert {p.name for p in (root / "release").iterdir()} <= set(ASSIGNMENTS)


def test_a_second_time_changes_nothing(published):
    course = "supercomputing"
    before = {p: p.stat().st_mtime_ns for p in published.folder.rglob("*") if p.is_file()}
    done = run_publish(course, published.root(course))
    assert (done.returncode, done.stdout) == (0, "")
    assert before == {p: p.stat().st_mtime_ns for p in published.folder.rglob("*") if p.is_file()}


@pytest.fixture
def own_course(tmp_path, monkeypatch):
    """A course that may be changed: (course, its source notebook, working folder)."""
    shutil.copytree(COURSES, tmp_path / "courses", ignore=publishing.IGNORED)
    for module in ("courses.models.COURSES", "courses.variants.COURSES"):
        monkeypatch.setattr(module, tmp_path / "courses")
    name = "escalamiento-fuerte"
    course = load_course("supercomputing", tmp_path / "courses")
    course = course.model_copy(update={"assignments": {name: course.assignments[name]}})
    notebook = course.folder / "assignments" / name / f"{name}.ipynb"
    root = tmp_path / "root"
    root.mkdir()
    assert publishing.publish(course, root) == [name]
    return course, notebook, root


def change(notebook, edit):
    nb = json.loads(notebook.read_text(encoding="utf-8"))
    edit(nb)
    notebook.write_text(json.dumps(nb), encoding="utf-8")


def test_a_changed_source_is_released_again(own_course):
    course, notebook, root = own_course
    change(notebook, lambda nb: nb["cells"][0].update(source="# Título nuevo"))
    assert publishing.publish(course, root) == ["escalamiento-fuerte"]
    made = root / "release" / "escalamiento-fuerte" / "escalamiento-fuerte.ipynb"
    assert "Título nuevo" in made.read_text()
    assert publishing.publish(course, root) == []


def test_a_release_that_was_interrupted_is_made_up_for(own_course):
    course, _, root = own_course
    (root / publishing.RECORD).unlink()
    assert publishing.publish(course, root) == ["escalamiento-fuerte"]


def test_an_instructors_edit_stays(own_course):
    course, notebook, root = own_course
    edited = root / "source" / "escalamiento-fuerte" / "escalamiento-fuerte.ipynb"
    change(edited, lambda nb: nb["cells"][0].update(source="# Editado en formgrader"))
    change(notebook, lambda nb: nb["cells"][0].update(source="# Título nuevo"))
    said = []
    assert publishing.publish(course, root, said.append) == []
    assert "was edited" in said[0] and str(edited.parent) in said[0]
    assert "Editado en formgrader" in edited.read_text()


def test_a_refused_release_leaves_the_one_before(own_course):
    course, notebook, root = own_course
    made = root / "release" / "escalamiento-fuerte" / "escalamiento-fuerte.ipynb"
    before = made.read_text()

    def forget_to_close(nb):
        nb["cells"][-1]["source"] = "### BEGIN SOLUTION"

    change(notebook, forget_to_close)
    with pytest.raises(publishing.PublishError, match="no end solution"):
        publishing.publish(course, root)
    assert made.read_text() == before
    kept = root / "source" / "escalamiento-fuerte" / "escalamiento-fuerte.ipynb"
    assert json.loads(kept.read_text())["cells"][-1]["source"] != "### BEGIN SOLUTION"


def test_students_are_registered_by_name(published):
    course = "ai-foundations"
    names = ("--student=ana=Ana María Rojas", "--student=luis")
    done = run_publish(course, published.root(course), *names)
    assert done.returncode == 0, done.stderr
    with published.api("descenso-de-gradiente").gradebook as gradebook:
        ana, luis = gradebook.find_student("ana"), gradebook.find_student("luis")
        assert (ana.first_name, ana.last_name) == ("Ana", "María Rojas")
        assert luis.first_name == "luis"


def test_wrong_course_is_an_error_for_people(tmp_path):
    done = run_publish("cocina", tmp_path / "root")
    assert done.returncode == 1
    assert "there is no course 'cocina'" in done.stderr and "Traceback" not in done.stderr
