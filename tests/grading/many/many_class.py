"""A course in a temporary folder, and what its gradebook says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from benchmarks.grade_class import answered, hand_in, source
from courses.nbgrader import instructor_config

ROOT = Path(__file__).resolve().parents[3]


class Class:
    """Four submissions of the assignment `numpy`: right, mistaken, late, incomplete."""

    assignment = "numpy"

    def __init__(self, root: Path):
        self.root = root
        self.config = instructor_config("banco", root)
        self.config.GradingExporter.workers = 2

    def grade(self, force: bool = False, **exporter) -> list[str]:
        """Autograde all as `nbgrader autograde` does; return who was graded, in order."""
        config = Config(self.config)
        config.CourseDirectory.assignment_id = self.assignment
        config.GradingExporter.update(exporter)
        graded = []

        def note(assignment, student, notebooks):
            graded.append(Path(notebooks[0]).parts[-3])

        config.Autograde.post_convert_hook = note
        course = CourseDirectory(config=config)
        self.converter = Autograde(coursedir=course, config=config)
        self.converter.force = force
        try:
            self.converter.start()
        except NbGraderException:
            pass
        return graded

    def command(self, *more: str, **options) -> subprocess.Popen:
        """Start our command line on this course."""
        command = [sys.executable, "-m", "grading", "autograde", str(self.root), "numpy", *more]
        environment = {**os.environ, **options.pop("env", {})}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, **options
        )

    def book(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.root}/gradebook.db", "banco")

    def scores(self) -> dict[str, dict]:
        """Return each graded student's cells: automatic, manual, waits for a person; and late."""
        with self.book() as book:
            return {
                each.student.id: {
                    (notebook.name, grade.name): (
                        grade.auto_score,
                        grade.manual_score,
                        grade.needs_manual_grade,
                    )
                    for notebook in each.notebooks
                    for grade in notebook.grades
                }
                | {"late": each.total_seconds_late}
                for each in book.assignment_submissions(self.assignment)
            }

    def autograded(self, student: str) -> Path:
        return self.root / "autograded" / student / "numpy" / "numpy.ipynb"

    def hand_in(self, student: str, kind: int, code: str = "") -> None:
        """Hand in one of the four kinds, with `code` before its first answer."""
        nb, when = answered(self.root / "release/numpy/numpy.ipynb", "numpy", kind)
        if code:
            nb.cells[1].source = f"{code}\n\n{nb.cells[1].source}"
        hand_in(self.root, "numpy", student, (nb, when))

    def change_test(self, before: str, after: str) -> None:
        """Let the author correct a test and release the assignment again."""
        nb = source("numpy")
        assert sum(before in cell.source for cell in nb.cells)
        for cell in nb.cells:
            cell.source = cell.source.replace(before, after)
        nbformat.write(nb, self.root / "source/numpy/numpy.ipynb")
        done = NbGraderAPI(config=self.config).generate_assignment("numpy")
        assert done["success"], done["log"]

    def copy(self, to: Path) -> "Class":
        return Class(shutil.copytree(self.root, to))
