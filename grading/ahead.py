"""The submissions that one call of nbgrader's Autograde grades, run before it comes to them."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.utils import find_all_files
from traitlets.utils.importstring import import_item

from . import jobs
from .execute import SandboxedExecute
from .hidden import HideTests
from .jobs import Job
from .progress import Progress
from .records import Records, sections_of
from .workers import Workers


class Batch:
    """What there is to grade, in the converter's order, and the pool that runs it.

    Takes out of the converter's list what has not changed since it was graded.
    """

    @classmethod
    def of(cls, exporter, converter: Autograde) -> "Batch | None":
        """Return the batch; None where the submissions are not run by SandboxedExecute.

        Raises MissingEntry if the gradebook does not know the assignment.
        """
        kinds = [_class(each) for each in converter.autograde_preprocessors]
        return cls(exporter, converter) if SandboxedExecute in kinds else None

    def __init__(self, exporter, converter: Autograde):
        self._exporter, self._converter = exporter, converter
        self._coursedir = converter.coursedir
        self._assignment = self._coursedir.assignment_id
        kinds = [*converter.sanitize_preprocessors, *converter.autograde_preprocessors]
        settings = sections_of(converter.config, [HideTests, *map(_class, kinds)])
        asked = {"kinds": list(map(str, kinds)), "not over": converter.exclude_overwriting}
        self._records = Records(self._coursedir, self._assignment, asked | settings)
        names = ("directory_structure", "source_directory", "release_directory")
        self._settings = settings | {
            "CourseDirectory": {name: getattr(self._coursedir, name) for name in names}
            | {"root": os.path.abspath(self._coursedir.root)}
        }
        with Gradebook(self._coursedir.db_url, self._coursedir.course_id) as book:
            self._known = {n.name for n in book.find_assignment(self._assignment).notebooks}
        self._inputs: dict[str, dict] = {}
        self._leave_out_unchanged()
        self._folders = sorted(converter.assignments)
        self._next = 0  # the first folder that was not prepared
        self._outputs: dict[str, tuple] = {}
        self._futures: dict[str, Future] = {}
        self._pool = None
        if len(self._folders) > 1 or exporter.slurm:
            self._pool = self._open_pool()
        self._progress = Progress(self._assignment, len(self._folders), exporter.progress)
        self._users_hook = converter.post_convert_hook
        converter.post_convert_hook = self._finished

    def _open_pool(self):
        if self._exporter.slurm:
            from .array import SlurmArray

            return SlurmArray(self._exporter, self._coursedir.root, self._assignment)
        executor = SandboxedExecute(parent=self._exporter)
        count = self._exporter.workers or len(os.sched_getaffinity(0))
        return Workers(count, executor.imports_for(self._assignment))

    def _leave_out_unchanged(self) -> None:
        converter, skipped = self._converter, 0
        for folder in sorted(converter.assignments):
            student = self._student(folder)
            self._inputs[student] = self._records.inputs(student)
            graded = self._coursedir.format_path(
                self._coursedir.autograded_directory, student, self._assignment
            )
            if converter.force or not os.path.isdir(graded):
                continue
            changed = self._records.changed(student, self._inputs[student])
            if changed:
                converter.log.info("%s is graded anew: %s", student, ", ".join(changed))
            else:
                del converter.assignments[folder]
                skipped += 1
        if skipped:
            converter.log.info("%d submissions have not changed since they were graded", skipped)
        converter.force = True  # what is left is done, also where there is a result of before

    def _student(self, path: str) -> str:
        """Return whose submission a folder or a file in it is."""
        pattern = self._coursedir.format_path(
            self._coursedir.submitted_directory,
            "(?P<student>[^/]*)",
            self._assignment,
            escape=True,
        )
        return re.match(pattern, path)["student"]

    @contextmanager
    def one(self, student: str) -> Iterator[None]:
        """Count a submission that fails in here as done."""
        try:
            yield
        except BaseException:
            self._done(student)
            raise

    def sanitized(self, filename: str) -> tuple | None:
        """Return what sanitizing a notebook gave, if it was done ahead, and look further ahead."""
        if self._pool is None:
            return None
        folder = os.path.dirname(filename)
        here = self._folders.index(folder) if folder in self._folders else self._next
        while self._next < min(len(self._folders), here + self._pool.ahead):
            self._next += 1
            self._prepare(self._folders[self._next - 1])
        return self._outputs.pop(filename, None)

    def _prepare(self, folder: str) -> None:
        """Sanitize a submission's notebooks and have them run."""
        for filename in sorted(self._converter.assignments[folder]):
            if os.path.splitext(os.path.basename(filename))[0] not in self._known:
                continue
            try:
                resources = self._converter.init_single_notebook_resources(filename)
                output = NotebookExporter.from_filename(self._exporter, filename, resources)
                nb = nbformat.reads(output[0], as_version=4)
                job = self._job(nb, resources, self._files(folder))
            except Exception as error:  # the converter meets it again, and says it
                self._converter.log.debug("%s is not run ahead: %r", filename, error)
                continue
            self._outputs[filename] = output
            self._futures[job.digest] = self._pool.submit(job)

    def _files(self, folder: str) -> dict[str, str]:
        """Return the files that will lie beside a notebook and where each one is now.

        They are what was handed in, and the source's over it.
        """
        source = self._coursedir.format_path(
            self._coursedir.source_directory, ".", self._assignment
        )
        kept = self._converter.exclude_overwriting.get(self._assignment, [])
        found = _beside(folder, self._coursedir.ignore)
        ours = _beside(source, self._coursedir.ignore)
        return found | {name: path for name, path in ours.items() if name not in kept}

    def _job(self, nb: NotebookNode, resources: dict, paths: dict[str, str]) -> Job:
        return Job.of(nb, resources["nbgrader"], self._settings, paths)

    def result(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict] | None:
        """Return what running a notebook gave, if just this was run ahead; raises GradingError."""
        if self._pool is None:
            return None
        job = self._job(nb, resources, _beside(resources["metadata"]["path"], []))
        future = self._futures.pop(job.digest, None)
        if future is None:
            self._converter.log.debug("%s was not run ahead", job.about)
            return None
        self._pool.flush()
        return jobs.result(future.result(), resources)

    def _finished(self, assignment: str, student: str, notebooks: list[str]) -> None:
        """Be nbgrader's post_convert_hook: all of a submission is in its place."""
        if self._users_hook:
            self._users_hook(assignment=assignment, student=student, notebooks=notebooks)
        student = self._student(notebooks[0])
        self._records.write(student, self._inputs[student])
        self._done(student)

    def _done(self, student: str) -> None:
        count = [self._student(folder) for folder in self._folders].index(student) + 1
        self._progress.to(count)
        if count == len(self._folders):
            self.close()

    def close(self) -> None:
        """End the pool and the bar."""
        self._progress.close()
        if self._pool:
            self._pool.close()


def _beside(folder: str, ignore: list[str]) -> dict[str, str]:
    """Return the regular files below a folder that are no notebooks, by relative path."""
    paths = [p for p in find_all_files(folder, [*ignore, "*.ipynb"]) if os.path.isfile(p)]
    return {os.path.relpath(path, folder): path for path in paths}


def _class(kind) -> type:
    return import_item(kind) if isinstance(kind, str) else kind
