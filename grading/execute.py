"""nbgrader's Execute, with the student's code in the sandbox and a warm kernel.

c.Autograde.autograde_preprocessors = ["grading.execute.SandboxedExecute", …]
"""

import copy
import functools
import os
import secrets
import stat
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_locked
from traitlets import Dict, List, Unicode

from . import integrity
from .errors import SubmissionFailed
from .flags import FINDINGS
from .hidden import HideTests
from .imports import imports_in
from .kernels import failed, run_notebook
from .sandbox import Limits

_controls: dict[tuple, integrity.Controls] = {}


class SandboxedExecute(Execute):
    """Execute a submission as nbgrader does, in the sandbox: same outputs, same timeouts.

    What the code writes to its folder is gone when the run ends. It sees the submission's and
    the source's other files there, but no notebook: the graded one holds the hidden tests.
    """

    limits = Dict(help="Limits of one run other than the default ones: see grading.Limits.").tag(
        config=True
    )
    imports = List(
        Unicode(),
        allow_none=True,
        default_value=None,
        help="Modules to import before the fork; None: what the assignment's source imports.",
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict, km=None):
        """Run the notebook; raises GradingError with the reason, never runs it unsandboxed."""
        if km is not None:  # run_notebook comes back with the sandboxed kernel
            self._hidden = HideTests(parent=self)
            return super().preprocess(nb, resources, km)
        run_ahead = getattr(self.parent, "run_ahead", None)  # grading.exporter's
        done = run_ahead(nb, resources) if run_ahead else None
        if done is not None:
            return done
        about = resources.get("nbgrader", {})
        assignment = about.get("assignment", "")
        run = functools.partial(
            self._run,
            files=read_files(resources.get("metadata", {}).get("path") or ""),
            imports=self.imports_for(assignment),
            seed=secrets.randbits(64),
        )
        before, asked = copy.deepcopy(nb), any(map(integrity.is_autograded, nb.cells))
        controls = self._controls(assignment, about.get("notebook", "")) if asked else None
        if controls:
            question = integrity.question(before, controls, self._again_seconds())
        else:
            question = integrity.Question()
        nb.cells.append(question.cell)
        nb = run(nb)
        question.cell = nb.cells.pop()
        if any(integrity.points_of(c) > 0 for c in nb.cells if integrity.is_autograded(c)):
            resources[FINDINGS] = [
                *question.findings(),
                *integrity.verify(before, nb, controls, run, question),
            ]
        return nb, resources

    def _run(self, nb: NotebookNode, files, imports, seed=None) -> NotebookNode:
        return run_notebook(
            nb,
            files=files,
            limits=Limits(**self.limits),
            imports=imports,
            executor=self,
            seed=seed,
        )

    def _again_seconds(self) -> float:
        """Return the seconds for all cells once more, in one cell, whose own time is longer."""
        return min(integrity.AGAIN_SECONDS, (self.timeout or integrity.AGAIN_SECONDS) / 2)

    def _controls(self, assignment: str, notebook: str) -> integrity.Controls:
        """Return the tests that must fail, tried once in this process on the solution."""
        path = self._sources(assignment).get(notebook)
        key = (path and (str(path), path.stat().st_mtime_ns), assignment, notebook)
        if key not in _controls:
            begin = HideTests(parent=self).begin_test_delimeter
            if path is None:
                _controls[key] = integrity.Controls(None, None, begin)
            else:
                run = functools.partial(
                    self._run,
                    files=read_files(str(path.parent)),
                    imports=self.imports_for(assignment),
                )
                solution = nbformat.read(path, as_version=4)
                seconds = self._again_seconds()
                _controls[key] = integrity.Controls(solution, run, begin, seconds)
        return _controls[key]

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int):
        """Run a cell; before the first one with hidden tests, note what is fit for students."""
        self._hidden.seal(self.nb.cells, index)
        if is_locked(cell):  # its text is the source's; its tags could say not to run it
            cell.metadata.pop("tags", None)
        return super().preprocess_cell(cell, resources, index)

    def imports_for(self, assignment: str) -> tuple[str, ...]:
        """Return what the source notebooks of an assignment import; empty without a source."""
        if self.imports is not None:
            return tuple(self.imports)
        course = self._course()
        for step in (course.source_directory, course.release_directory):
            if assignment and (found := imports_in(self._folder(assignment, step))):
                return found
        return ()

    def _sources(self, assignment: str) -> dict[str, Path]:
        """Return the author's notebooks of an assignment by name."""
        if not assignment:
            return {}
        folder = self._folder(assignment, self._course().source_directory)
        return {path.stem: path for path in folder.glob("*.ipynb")}

    def _folder(self, assignment: str, step: str) -> Path:
        return Path(self._course().format_path(step, ".", assignment))

    def _course(self) -> CourseDirectory:
        parent = self.parent
        while parent is not None:
            if isinstance(getattr(parent, "coursedir", None), CourseDirectory):
                return parent.coursedir
            parent = parent.parent
        return CourseDirectory(parent=self)


def read_files(folder: str, most: int = Limits.tmp_bytes // 2) -> dict[str, bytes]:
    """Return the files below `folder` by relative path, without notebooks, links and devices.

    Raises SubmissionFailed if they are more than `most` bytes.
    """
    found, size = {}, 0
    for place, _, names in os.walk(folder) if folder else ():
        for name in names:
            path = os.path.join(place, name)
            if name.endswith(".ipynb") or not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            size += os.lstat(path).st_size
            if size > most:
                raise failed("files")
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


__all__ = ["SandboxedExecute", "SubmissionFailed", "read_files"]
