"""course.yaml: what is right is read, what is wrong is refused with file, key and reason."""

import shutil

import pytest
import yaml

from courses.models import COURSES, CourseError, course_names, load_course

NAMES = course_names()


@pytest.fixture
def broken(tmp_path):
    """Return a function that changes a copy of a course.yaml and loads it."""

    def load(change, name="supercomputing"):
        shutil.copytree(COURSES / name, tmp_path / name)
        path = tmp_path / name / "course.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        with pytest.raises(CourseError) as caught:
            load_course(name, tmp_path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return load


@pytest.mark.parametrize("name", NAMES)
def test_the_courses_are_right(name):
    course = load_course(name)
    assert set(course.title) == set(course.description) == {"es", "en"}
    assert course.title["es"] != course.title["en"]


@pytest.mark.parametrize("name", NAMES)
def test_each_assignment_has_its_page_in_the_book(name):
    for assignment in load_course(name).assignments.values():
        assert (COURSES.parent / "book" / f"{assignment.book}.md").is_file()


def test_unknown_key(broken):
    assert "hourz: Extra inputs are not permitted" in broken(lambda c: c.update(hourz=3))


def test_unknown_language(broken):
    said = broken(lambda c: c["title"].update(French="Supercalcul"))
    assert "title.French: String should match pattern" in said


def test_a_third_language_beside_the_two(tmp_path):
    shutil.copytree(COURSES / "supercomputing", tmp_path / "supercomputing")
    path = tmp_path / "supercomputing" / "course.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["title"]["fr"] = "Supercalcul"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert load_course("supercomputing", tmp_path).title["fr"] == "Supercalcul"


def test_missing_translation(broken):
    assert "title.en: Field required" in broken(lambda c: c["title"].pop("en"))


def test_id_is_the_folder(broken):
    assert "id: 'other'" in broken(lambda c: c.update(id="other"))


def test_a_path_is_no_assignment(broken):
    def change(content):
        content["assignments"]["../x"] = content["assignments"]["escalamiento-fuerte"]

    assert "assignments.../x" in broken(change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["units"][1].pop("assignment"), "an assignment, or planned: true, is missing"),
        (lambda c: c["units"][1].update(planned=True), "a planned unit has no assignment"),
        (lambda c: c["units"][-1].update(id=c["units"][-2]["id"]), "is there twice"),
        (lambda c: c["units"].pop(1), "assignments.escalamiento-fuerte: no unit has it"),
        (lambda c: c.update(hours=10), "hours: 10, but the units add up to 40"),
        (lambda c: c.pop("prerequisites"), "prerequisites: Field required"),
        (
            lambda c: c["assignments"]["escalamiento-fuerte"].update(due_days=0),
            "assignments.escalamiento-fuerte.due_days: Input should be greater",
        ),
    ],
)
def test_the_programme_fits_together(broken, change, said):
    assert said in broken(change)


def test_assignment_without_notebook(broken):
    def change(content):
        content["assignments"]["otra"] = content["assignments"]["escalamiento-fuerte"]

    assert "assignments.otra: there is no" in broken(change)


def test_unknown_course_names_the_known_ones():
    with pytest.raises(CourseError, match="ai-foundations, .*supercomputing"):
        load_course("cocina")
