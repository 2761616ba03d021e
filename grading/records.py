"""What each submission was graded from, kept in the gradebook: only what changed is graded anew.

A table beside nbgrader's own holds, for each submission, one digest each of what was handed in, of
the tests, of the settings and of the environment. It is written when all of a submission is in
the gradebook and in its folder, so whatever was interrupted has none.
"""

import functools
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbgrader.api import Gradebook, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from sqlalchemy import Column, MetaData, String, Table, Text, delete, insert, select
from traitlets.config import Config

PARTS = ("submission", "tests", "settings", "environment")
_table = Table(
    "minga_autograded",
    MetaData(),
    # nbgrader's own id: a submission that is removed and comes back has another one.
    Column("submission_id", String(32), primary_key=True),
    Column("digests", Text, nullable=False),
)


class Records:
    """The records of one assignment's submissions, and what the next ones will say."""

    def __init__(self, coursedir: CourseDirectory, assignment: str, settings: Mapping):
        """`settings` is all of the configuration that counts."""
        self._coursedir, self._assignment = coursedir, assignment
        self._shared = {"settings": _digest(settings), "environment": environment()}
        with self._gradebook() as book:
            _table.metadata.create_all(book.engine)
            self._shared["tests"] = self._tests(book)
            self._ids, self._extensions = {}, {}
            for each in book.db.query(SubmittedAssignment).filter_by(
                assignment_id=book.find_assignment(assignment).id
            ):
                self._ids[each.student_id] = each.id
                self._extensions[each.student_id] = str(each.extension or "")
            rows = book.db.execute(select(_table.c.submission_id, _table.c.digests))
            self._known = {key: json.loads(digests) for key, digests in rows}

    def inputs(self, student: str) -> dict[str, str]:
        """Return the digests of what a submission would be graded from now."""
        folder = self._coursedir.format_path(
            self._coursedir.submitted_directory, student, self._assignment
        )
        own = [_files(folder, self._coursedir.ignore), self._extensions.get(student, "")]
        return {"submission": _digest(own), **self._shared}

    def changed(self, student: str, inputs: Mapping[str, str]) -> list[str]:
        """Return which of PARTS are not as they were when it was graded; all if it never was."""
        known = self._known.get(self._ids.get(student), {})
        return [part for part in PARTS if known.get(part) != inputs[part]]

    def write(self, student: str, inputs: Mapping[str, str]) -> None:
        """Note that all of a submission has been graded from `inputs`."""
        with self._gradebook() as book:
            key = book.find_submission(self._assignment, student).id
            book.db.execute(delete(_table).where(_table.c.submission_id == key))
            book.db.execute(
                insert(_table).values(submission_id=key, digests=json.dumps(dict(inputs)))
            )
            book.db.commit()
        self._ids[student], self._known[key] = key, dict(inputs)

    def _gradebook(self) -> Gradebook:
        return Gradebook(self._coursedir.db_url, self._coursedir.course_id)

    def _tests(self, book: Gradebook) -> str:
        """Return the digest of what the instructor wrote: cells, points, files, when it is due."""
        assignment = book.find_assignment(self._assignment)
        cells = [
            [notebook.name, notebook.kernelspec]
            + sorted(
                [cell.name, cell.cell_type, cell.source, cell.locked, cell.checksum]
                for cell in notebook.source_cells
            )
            + sorted(
                [cell.name, cell.max_score]
                for cell in (*notebook.grade_cells, *notebook.task_cells)
            )
            for notebook in sorted(assignment.notebooks, key=lambda notebook: notebook.name)
        ]
        folder = self._coursedir.format_path(
            self._coursedir.source_directory, ".", self._assignment
        )
        files = _files(folder, [*self._coursedir.ignore, "*.ipynb"])
        return _digest([cells, files, str(assignment.duedate or "")])


def environment() -> str:
    """Return the digest of the programs that grade: Python, packages, this room's own code."""
    own = {path.name: _file(str(path)) for path in Path(__file__).parent.glob("*.py")}
    return _digest([platform.python_version(), platform.machine(), _packages(), own])


@functools.cache
def _packages() -> list[str]:
    """Return the names of the installed packages' records, which have their versions in them.

    importlib.metadata would open and read each package's description: 0.3 s of CPU in all.
    """
    folders = [Path(folder) for folder in sys.path]
    return sorted({path.name for folder in folders for path in folder.glob("*.*-info")})


def sections_of(config: Config, classes: Iterable[type]) -> dict:
    """Return the sections of a configuration that are about some classes."""
    names = {kind.__name__ for each in classes for kind in each.mro()}
    return {name: config[name] for name in names & set(config)}


def _files(folder: str, ignore: list[str]) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder; of a link, where it points to."""
    return {os.path.relpath(path, folder): _file(path) for path in find_all_files(folder, ignore)}


def _file(path: str) -> str:
    if os.path.islink(path):
        return "-> " + os.readlink(path)
    if not os.path.isfile(path):
        return "special"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(value) -> str:
    # A callable's text has its address, which is another one in each process.
    text = json.dumps(value, sort_keys=True, default=lambda v: re.sub(r" at 0x\w+", "", repr(v)))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
