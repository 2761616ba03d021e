"""The typed description of a course: `courses/<course>/course.yaml`."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from courses.calendar import Dated

COURSES = Path(__file__).resolve().parent

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A short name that is safe in a path, a URL and a group name."""

Text = Annotated[str, Field(min_length=1)]


class CourseError(Exception):
    """A course is not as it should be; the text says in which file, where and why."""


class _Model(BaseModel):
    """All parts of a course refuse keys that they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Texts(_Model):
    """The same text in each language."""

    es: Text
    en: Text


class Assignment(_Model):
    """One assignment: a notebook of the same name in `assignments/<assignment>/`."""

    title: Texts
    book: Id = Field(description="the page of the book that leads to this assignment")


class Course(Dated, _Model):
    """One course, as students and instructors read about it."""

    id: Id
    titles: Texts = Field(alias="title")
    descriptions: Texts = Field(alias="description")
    hours: int = Field(ge=1, le=500, description="hours of a student's work")
    assignments: dict[Id, Assignment] = Field(min_length=1)

    @property
    def title(self) -> dict[Literal["es", "en"], str]:
        """The course's name by language."""
        return self.titles.model_dump()

    @property
    def description(self) -> dict[Literal["es", "en"], str]:
        """What the course is about, by language."""
        return self.descriptions.model_dump()

    @property
    def folder(self) -> Path:
        """Where the course's files are."""
        return COURSES / self.id


def load_course(name: str, root: Path = COURSES) -> Course:
    """Read and check `<root>/<name>/course.yaml`.

    Raises CourseError naming file, key and reason if there is none or it is wrong.
    """
    path = root / name / "course.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(p.parent.name for p in root.glob("*/course.yaml")))
        raise CourseError(f"{path}: there is no course {name!r}; there are: {known}") from None
    except (OSError, yaml.YAMLError) as error:
        raise CourseError(f"{path}: {error}") from error
    try:
        course = Course.model_validate(content)
    except ValidationError as error:
        reasons = [
            f"{path}: {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}"
            for e in error.errors()
        ]
        raise CourseError("\n".join(reasons)) from None
    if course.id != name:
        raise CourseError(f"{path}: id: {course.id!r} must be the folder's name, {name!r}")
    for assignment in course.assignments:
        notebook = root / name / "assignments" / assignment / f"{assignment}.ipynb"
        if not notebook.is_file():
            raise CourseError(f"{path}: assignments.{assignment}: there is no {notebook}")
    return course
