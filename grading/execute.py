"""nbgrader's Execute, with the student's code in the sandbox and a warm kernel.

c.Autograde.autograde_preprocessors = ["grading.execute.SandboxedExecute", …]
"""

import functools
import os
import stat
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_locked
from traitlets import Dict, List, Unicode

from .errors import SubmissionFailed
from .hidden import HideTests
from .jobs import Job
from .kernels import failed, imports_of, run_notebook
from .sandbox import Limits


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
        about = resources.get("nbgrader", {})
        files = read_files(resources.get("metadata", {}).get("path") or "")
        imports = self.imports_for(about.get("assignment", ""))
        run_ahead = getattr(self.parent, "run_ahead", None)  # grading.exporter's
        done = run_ahead(self.job(nb, files, imports)) if run_ahead else None
        return done or self.run(nb, files, imports), resources

    def run(self, nb: NotebookNode, files: dict[str, bytes], imports: tuple[str, ...]):
        """Run the notebook with `files` beside it and return it; raises GradingError."""
        limits = Limits(**self.limits)
        return run_notebook(nb, files=files, limits=limits, imports=imports, executor=self)

    def job(self, nb: NotebookNode, files: dict[str, bytes], imports: tuple[str, ...]) -> Job:
        """Return what another process needs to `run` the notebook as this one would."""
        kinds = [*type(self).mro(), *HideTests.mro()]
        names = {kind.__name__ for kind in kinds} & set(self.config)
        return Job.of({name: self.config[name] for name in names}, nb, files, imports)

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
        if not assignment:
            return ()
        course = self._course()
        for step in (course.source_directory, course.release_directory):
            folder = Path(course.format_path(step, ".", assignment))
            notebooks = sorted(folder.glob("*.ipynb"))
            if notebooks:
                return _imports_in(tuple((str(n), n.stat().st_mtime_ns) for n in notebooks))
        return ()

    def _course(self) -> CourseDirectory:
        parent = self.parent
        while parent is not None:
            if isinstance(getattr(parent, "coursedir", None), CourseDirectory):
                return parent.coursedir
            parent = parent.parent
        return CourseDirectory(parent=self)


@functools.lru_cache(maxsize=64)
def _imports_in(notebooks: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """Return the imports of notebooks, given by path and time of change."""
    cells = []
    for path, _ in notebooks:
        cells += nbformat.read(path, as_version=4).cells
    return imports_of(cells)


def read_files(folder: str) -> dict[str, bytes]:
    """Return the files below `folder` by relative path, without notebooks, links and devices.

    Raises SubmissionFailed if they are more than fits into the work folder.
    """
    paths = {}
    for place, _, names in os.walk(folder) if folder else ():
        for path in (os.path.join(place, name) for name in names):
            if not path.endswith(".ipynb") and stat.S_ISREG(os.lstat(path).st_mode):
                paths[os.path.relpath(path, folder)] = path
    return read_paths(paths)


def read_paths(paths: dict[str, str], most: int = Limits.tmp_bytes // 2) -> dict[str, bytes]:
    """Return the content of files given by name and path; raises SubmissionFailed past `most`."""
    if sum(os.stat(path).st_size for path in paths.values()) > most:
        raise failed("files")
    return {name: Path(path).read_bytes() for name, path in paths.items()}


__all__ = ["SandboxedExecute", "SubmissionFailed", "read_files", "read_paths"]
