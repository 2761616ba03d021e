"""One assignment graded by nbgrader itself, in the sandbox, as a course's formgrader does it."""

import time
import warnings
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from sqlalchemy.exc import SAWarning

from . import SOURCE_LANGUAGE
from .models import Course
from .notebooks import ANSWERS, cell_by_id, graded, parts, solve, source
from .publish import PublishError, publish
from .variants import FOLDER

SAYS = {"es": "Son dos cosas.", "en": "These are two things."}  # for the reader, not for tests
WIDGET = "application/vnd.jupyter.widget-view+json"


class RealGrading:
    """An assignment released into a folder; hand-ins of the author and of nobody are graded."""

    def __init__(self, course: Course, name: str, root: Path):
        self.course, self.name, self.root = course, name, root
        self.author = source(course.id, name)
        self.seconds: float | None = None  # the whole solved notebook, once
        self._api = None

    def problems(self) -> list[str]:
        """Release, grade in both languages, and return what is not as it should be."""
        from nbgrader.apps.api import NbGraderAPI

        from .nbgrader import instructor_config

        only = {
            "units": [],  # a draft is graded too
            "assignments": {self.name: self.course.assignments[self.name]},
        }
        try:
            publish(self.course.model_copy(update=only), self.root, lambda _: None)
        except PublishError as error:
            return [str(error)]
        self._api = NbGraderAPI(config=instructor_config(self.course.id, self.root))
        points, found = parts(self.author), []
        answers = {c.id: (None, True) for c in graded(self.author) if c.id in ANSWERS}
        for language in SAYS:
            released = self.released(language)
            solved = solve(released, self.author, answer=SAYS[language])
            full = {part: (maximum, False) for part, maximum in points.items()} | answers
            found += self._graded(f"solution-{language}", solved, full)
            nothing = {name: (0, False) for name in full}
            found += self._graded(f"empty-{language}", released, nothing)
        return found + self._outputs()

    def released(self, language: str) -> NotebookNode:
        """Return the notebook that a student of this language gets."""
        path = self.root / "release" / self.name / f"{self.name}.ipynb"
        if language != SOURCE_LANGUAGE:
            path = path.parent / FOLDER / language / f"{self.name}.json"
        return nbformat.read(path, as_version=4)

    def grade(self, student: str, nb: NotebookNode) -> dict[str, tuple[float | None, bool]]:
        """Hand in `nb` and grade it: by cell, its points and whether a person must read it.

        Raises PublishError with nbgrader's log when it cannot be graded.
        """
        folder = self.root / "submitted" / student / self.name
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / f"{self.name}.ipynb")
        with warnings.catch_warnings():
            # nbgrader's own, about the order in which it fills the gradebook.
            warnings.simplefilter("ignore", SAWarning)
            done = self._api.autograde(self.name, student)
        if not done["success"]:
            raise PublishError(f"{student}: nbgrader did not grade it:\n{done['log'][-2000:]}")
        with self._api.gradebook as gradebook:
            grades = gradebook.find_submission_notebook(self.name, self.name, student).grades
            return {
                grade.name.removesuffix("-pruebas"): (grade.auto_score, grade.needs_manual_grade)
                for grade in grades
            }

    def _graded(self, student: str, nb: NotebookNode, wanted: dict) -> list[str]:
        started = time.monotonic()
        try:
            got = self.grade(student, nb)
        except PublishError as error:
            return [str(error)]
        if self.seconds is None:
            self.seconds = time.monotonic() - started
        return [
            f"nbgrader, {student}: {name}: (points, for a reader) {got.get(name)}, not {value}"
            for name, value in wanted.items()
            if got.get(name) != value
        ]

    def _outputs(self) -> list[str]:
        """Check what a student sees when all is solved: nothing on stderr, and the widget."""
        path = self.root / "autograded" / "solution-en" / self.name / f"{self.name}.ipynb"
        if not path.is_file():
            return []
        nb = nbformat.read(path, as_version=4)
        found = [
            f"cell «{c.id}» writes to stderr: {output.text[:300]}"
            for c in nb.cells
            for output in c.get("outputs", [])
            if output.get("name") == "stderr"
        ]
        if not any(WIDGET in o.get("data", {}) for o in cell_by_id(nb, "control").outputs):
            found.append("cell «control» shows no widget")
        return found
