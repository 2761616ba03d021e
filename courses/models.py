"""The typed description of a course: `courses/<course>/course.yaml`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from courses.calendar import Dated
from translation.languages import CODE

COURSES = Path(__file__).resolve().parent
RESERVED = ("instructors",)  # in locale/<language>/, where assignments have a folder each

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A short name that is safe in a path, a URL and a group name."""

Text = Annotated[str, Field(min_length=1)]


_Read = TypeVar("_Read", bound=BaseModel)


class CourseError(Exception):
    """A course is not as it should be; the text says in which file, where and why."""


class _Model(BaseModel):
    """All parts of a course refuse keys that they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Texts(_Model):
    """The same text in each language; others than these two may be in catalogs instead."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[Annotated[str, Field(pattern=rf"^{CODE.pattern}$")], Text]
    es: Text
    en: Text


class Assignment(_Model):
    """One assignment: a notebook of the same name in `assignments/<assignment>/`."""

    title: Texts
    book: Id = Field(description="the page of the book that leads to this assignment")
    profile: Id = Field("cpu", description="the deployment's profile that the work asks for")
    due_days: int | None = Field(
        None, ge=1, le=365, description="due at the end of so many days after the course starts"
    )
    hours: float = Field(2, gt=0, le=20, description="a student's time")


class Unit(_Model):
    """One unit of the programme: a chapter of the book and an assignment, or a plan of them."""

    id: Id
    title: Texts
    hours: float = Field(ge=1, le=60, description="a student's time, the assignment included")
    assignment: Id | None = None
    planned: bool = Field(False, description="named in the programme, not written yet")
    draft: bool = Field(False, description="being written: checked, but not released to students")

    @model_validator(mode="after")
    def _written_or_planned(self):
        if self.planned and (self.assignment or self.draft):
            raise ValueError("a planned unit has no assignment and no draft; remove planned: true")
        if not self.planned and not self.assignment:
            raise ValueError("an assignment, or planned: true, is missing")
        if self.assignment and self.assignment != self.id:
            raise ValueError(f"the assignment must have the unit's id, {self.id!r}")
        return self


class Course(Dated, _Model):
    """One course, as students and instructors read about it."""

    id: Id
    titles: Texts = Field(alias="title")
    descriptions: Texts = Field(alias="description")
    hours: int = Field(ge=1, le=500, description="hours of a student's work")
    prerequisites: Texts
    units: list[Unit] = Field(min_length=1, description="the whole programme, in order")
    assignments: dict[Id, Assignment] = Field(min_length=1)

    @property
    def written(self) -> list[Unit]:
        """The units that are there; the others are planned."""
        return [unit for unit in self.units if not unit.planned]

    @property
    def released(self) -> dict[str, Assignment]:
        """The assignments that students get: those of drafts are kept back."""
        drafts = {unit.assignment for unit in self.units if unit.draft}
        return {name: a for name, a in self.assignments.items() if name not in drafts}

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Yield (key, reason) for what does not fit together within the file."""
        ids = [unit.id for unit in self.units]
        named = [unit.assignment for unit in self.written]
        for number, unit in enumerate(self.units):
            if unit.id in ids[:number]:
                yield f"units.{number}.id", f"{unit.id!r} is there twice"
            if unit.assignment and unit.assignment not in self.assignments:
                yield f"units.{number}.assignment", f"{unit.assignment!r} is not in assignments"
        for name in self.assignments:
            if name not in named:
                yield f"assignments.{name}", "no unit has it"
            if name in RESERVED:
                yield f"assignments.{name}", "this name is that of a folder in locale/<language>/"
        total = sum(unit.hours for unit in self.units)
        if total > self.hours:
            yield "hours", f"{self.hours}, but the units add up to {total:g}"

    @property
    def title(self) -> dict[str, str]:
        """The course's name by language."""
        return self.titles.model_dump()

    @property
    def description(self) -> dict[str, str]:
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
    if not path.is_file():
        known = ", ".join(course_names(root))
        raise CourseError(f"{path}: there is no course {name!r}; there are: {known}")
    course = read_yaml(path, Course)
    if course.id != name:
        raise CourseError(f"{path}: id: {course.id!r} must be the folder's name, {name!r}")
    for assignment in course.assignments:
        notebook = root / name / "assignments" / assignment / f"{assignment}.ipynb"
        if not notebook.is_file():
            raise CourseError(f"{path}: assignments.{assignment}: there is no {notebook}")
    mistakes = [f"{path}: {key}: {reason}" for key, reason in course.mistakes()]
    if mistakes:
        raise CourseError("\n".join(mistakes))
    return course


def course_names(root: Path = COURSES) -> list[str]:
    """Return the courses that there are."""
    return sorted(path.parent.name for path in root.glob("*/course.yaml"))


def load_courses(root: Path = COURSES) -> list[Course]:
    """Read and check all courses. Raises CourseError."""
    return [load_course(name, root) for name in course_names(root)]


def read_yaml(path: Path, model: type[_Read]) -> _Read:
    """Read a YAML file into a model. Raises CourseError with file, key and reason."""
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CourseError(f"{path}: {error}") from error
    except ValidationError as error:
        reasons = [
            f"{path}: {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}"
            for e in error.errors()
        ]
        raise CourseError("\n".join(reasons)) from None
