"""Grades as files: CSV for people, and what Moodle and Canvas import.

    python -m grading export --course-root DIR COURSE [--format csv|moodle|canvas] -o FILE
    nbgrader export --exporter=grading.export.MoodleGrades --to FILE

Both run the same nbgrader export plugins. What is not final is never sent to a learning
platform: its cell stays empty, which Moodle and Canvas read as "no grade".
"""

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExportPlugin
from sqlalchemy import make_url
from traitlets import Bool, Unicode

from courses.gradebook import address
from translation.sentences import Message
from translation.sentences import in_all as _

from .errors import GradingError
from .scores import Person, Score, Status, scores

BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for the machine's old encoding
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection"); the last four
# are the full-width forms that some spreadsheets fold into the first.
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class _Grades(ExportPlugin):
    """What the three formats share: rows in, a file that is whole or absent out."""

    zero_for_missing = Bool(
        False, help="Write 0, not an empty cell, for work never handed in."
    ).tag(config=True)
    default_name = Unicode("grades.csv")
    byte_order_mark = True

    def export(self, gradebook: Gradebook) -> None:
        """Write the grades to `self.to`.

        Raises `GradingError` when an assignment is not in the gradebook.
        """
        wanted = {str(name) for name in self.assignment}
        unknown = wanted - {assignment.name for assignment in gradebook.assignments}
        if unknown:
            names = ", ".join(sorted(unknown))
            what = Message("El libro de notas no tiene estas tareas: {names}.")
            raise GradingError(what.filled(names=names))
        rows = scores(
            gradebook,
            getattr(self.parent, "coursedir", None),
            assignments=wanted,
            students={str(name) for name in self.student},
        )
        target = Path(self.to or self.default_name)
        write(target, self.table(list(rows)), self.byte_order_mark)
        self.log.info("Exported grades to %s", target)

    def table(self, rows: list[Score]) -> Iterator[list]:
        """Yield the header and the lines of the file."""
        raise NotImplementedError

    def final(self, row: Score) -> float | None:
        """Return the points that may leave, or None."""
        if row.status is Status.GRADED:
            return row.score
        return 0.0 if row.status is Status.MISSING and self.zero_for_missing else None

    def wide(self, rows: list[Score]) -> tuple[dict[str, float], dict[Person, dict[str, Score]]]:
        """Return the maxima by assignment, and the rows by student and assignment."""
        maxima, people = {}, {}
        for row in rows:
            maxima[row.assignment] = row.maximum
            people.setdefault(row.student, {})[row.assignment] = row
        held_back = sum(row.status is Status.NEEDS_MANUAL_GRADE for row in rows)
        if held_back:
            left_out = Message("{count} puntajes esperan revisión y no se exportan")
            self.log.warning(left_out.filled(count=held_back).in_all())
        return maxima, people


class CsvGrades(_Grades):
    """One line for each student and assignment, for people and their spreadsheets.

    The columns of nbgrader's own export come with its names; ours are status and lateness.
    """

    columns = (
        "course assignment duedate timestamp student_id last_name first_name email status "
        "raw_score late_submission_penalty score max_score late_seconds late_days"
    ).split()

    def table(self, rows: list[Score]) -> Iterator[list]:
        """Yield a line for each row; a score that waits for a person is shown as it stands."""
        yield self.columns
        for row in rows:
            points = self.final(row) if row.status is Status.MISSING else row.score
            yield [
                row.course,
                row.assignment,
                row.due,
                row.submitted,
                row.student.id,
                row.student.last_name,
                row.student.first_name,
                row.student.email,
                str(row.status),
                points if row.raw_score is None else row.raw_score,
                row.penalty,
                points,
                row.maximum,
                row.late_seconds,
                row.late_days,
            ]


class MoodleGrades(_Grades):
    """What Moodle's "Import > CSV file" takes: a line for each student, a column an assignment.

    Moodle asks which column names the student and which is which grade item: map "Username",
    "ID number" or "Email address", and each assignment to its item.
    """

    default_name = Unicode("grades-moodle.csv")
    percentages = Bool(
        False, help="Write percentages: an item that Moodle's import makes is out of 100."
    ).tag(config=True)

    def table(self, rows: list[Score]) -> Iterator[list]:
        """Yield a line for each student, with Moodle's own names of the user columns."""
        maxima, people = self.wide(rows)
        yield ["First name", "Last name", "ID number", "Username", "Email address", *maxima]
        for person, results in people.items():
            yield [
                person.first_name,
                person.last_name,
                person.lms_user_id,
                person.id,
                person.email,
                *(self._points(results[name]) for name in maxima),
            ]

    def _points(self, row: Score) -> float | None:
        points = self.final(row)
        if points is None or not self.percentages or not row.maximum:
            return points
        return 100 * points / row.maximum


class CanvasGrades(_Grades):
    """What Canvas's gradebook imports: the shape of its own export.

    Canvas finds a student by "ID" (its own number), then "SIS User ID", then "SIS Login ID".
    """

    default_name = Unicode("grades-canvas.csv")
    byte_order_mark = False  # Canvas's own export has none unless a user asks for it
    section = Unicode("", help="The Section column; Canvas ignores it.").tag(config=True)

    def table(self, rows: list[Score]) -> Iterator[list]:
        """Yield the header, the line of maxima and a line for each student."""
        maxima, people = self.wide(rows)
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *maxima]
        yield ["    Points Possible", "", "", "", "", *maxima.values()]
        for person, results in people.items():
            number = person.lms_user_id
            own = number.isascii() and number.isdigit()  # Canvas reads "12ab" as the student 12
            yield [
                _sortable(person),
                number if own else "",
                "" if own else number,
                person.id,
                self.section,
                *(self.final(results[name]) for name in maxima),
            ]


FORMATS = {"csv": CsvGrades, "moodle": MoodleGrades, "canvas": CanvasGrades}


def _sortable(person: Person) -> str:
    return ", ".join(filter(None, (person.last_name, person.first_name))) or person.id


def cell(value) -> str:
    """Return a value as a CSV cell: points with a decimal point, text that is never a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, int | float):
        return format(round(value, 4), ".15g")
    text = value.replace("\0", "")
    return "'" + text if text.lstrip(" ").startswith(FORMULA) else text


def write(target: Path, table: Iterable[list], byte_order_mark: bool) -> None:
    """Write a table as CSV (RFC 4180, UTF-8) under a temporary name, then rename it."""
    handle, temporary = tempfile.mkstemp(dir=target.absolute().parent, prefix=f".{target.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(BYTE_ORDER_MARK if byte_order_mark else "")
            csv.writer(file).writerows([cell(value) for value in line] for line in table)
        os.replace(temporary, target)  # mode 600: grades are nobody else's
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class _Course(CourseDirectory):
    """A course's folder, as the parent that an export plugin asks for it."""

    @property
    def coursedir(self) -> CourseDirectory:
        return self


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("course", metavar="COURSE", help=_("el curso"))
    parser.add_argument(
        "--course-root", required=True, type=Path, metavar="DIR",
        help=_("la carpeta del curso, con gradebook.db"),
    )  # fmt: skip
    parser.add_argument("--db", metavar="URL", help=_("otro libro de notas"))
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument(
        "--assignment", action="append", default=[], metavar="NAME",
        help=_("solo esta; se puede repetir"),
    )  # fmt: skip
    parser.add_argument(
        "--student", action="append", default=[], metavar="ID",
        help=_("solo esta persona; se puede repetir"),
    )  # fmt: skip
    parser.add_argument(
        "--zero-for-missing", action="store_true",
        help=_("0 para lo no entregado, en vez de vacío"),
    )  # fmt: skip
    parser.add_argument(
        "--percentages", action="store_true",
        help=_("moodle: porcentajes en vez de puntos"),
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE",
        help=_("el archivo que se escribe"),
    )  # fmt: skip


def main(arguments: argparse.Namespace) -> int:
    """Export as the command line says; return the exit status."""
    course = _Course(root=str(arguments.course_root.resolve()), course_id=arguments.course)
    course.db_url = arguments.db or address(course.root)
    url = make_url(course.db_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        # nbgrader would make an empty one.
        print(_("No hay libro de notas en {place}.", place=url.database), file=sys.stderr)
        return 2
    plugin = FORMATS[arguments.format](
        parent=course,
        to=str(arguments.output),
        assignment=arguments.assignment,
        student=arguments.student,
        zero_for_missing=arguments.zero_for_missing,
    )
    if arguments.percentages and isinstance(plugin, MoodleGrades):
        plugin.percentages = True
    try:
        with Gradebook(course.db_url, arguments.course) as gradebook:
            plugin.export(gradebook)
    except (GradingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(arguments.output)
    return 0
