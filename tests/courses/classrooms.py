"""Courses in temporary folders, published by the command that `make hub` runs."""

import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.apps.api import NbGraderAPI
from notebooks import ASSIGNMENTS

from courses.nbgrader import instructor_config
from courses.variants import FOLDER

ROOT = Path(__file__).resolve().parents[2]


def run_publish(course: str, root: Path, *more: str):
    """Run the command that `make hub` runs first; return its completed process."""
    command = [sys.executable, "-m", "courses.publish", "--course", course]
    command += ["--course-root", str(root), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


class Published:
    """The working folders of all courses; what is sent to the exchange lies in them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def root(self, course: str) -> Path:
        return self.folder / course

    def release(self, assignment: str) -> Path:
        return self.root(ASSIGNMENTS[assignment]) / "release" / assignment

    def api(self, assignment: str) -> NbGraderAPI:
        course = ASSIGNMENTS[assignment]
        config = instructor_config(course, self.root(course))
        return NbGraderAPI(config=config)

    def notebook(self, assignment: str, language: str) -> NotebookNode:
        """Return the notebook that a student of this language gets."""
        name = {"es": f"{assignment}.ipynb"}.get(language, f"{FOLDER}/{language}/{assignment}.json")
        return nbformat.read(self.release(assignment) / name, as_version=4)
