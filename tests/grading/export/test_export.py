"""Grades leave: rows, the three formats, both commands."""

import argparse
import csv
import io
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from small_class import COURSE, DUE, STUDENTS

from grading.export import add_arguments, cell, main
from grading.scores import Status, scores

ROOT = Path(__file__).resolve().parents[3]
BOM = b"\xef\xbb\xbf"


def rows_of(root, **only):
    with Gradebook(f"sqlite:///{root}/gradebook.db", COURSE) as book:
        coursedir = CourseDirectory(root=str(root), course_id=COURSE)
        return {(r.assignment, r.student.id): r for r in scores(book, coursedir, **only)}


def run(root, *arguments) -> int:
    """Run the command in this process; return its exit status."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    target = str(root / "out.csv")
    return main(parser.parse_args(["--course-root", str(root), COURSE, "-o", target, *arguments]))


def export(root, *arguments) -> tuple[bytes, list[list[str]]]:
    """Run the command; return the file's bytes and lines."""
    assert run(root, *arguments) == 0
    raw = (root / "out.csv").read_bytes()
    return raw, list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_a_row_for_each_assignment_and_student(course_root):
    rows = rows_of(course_root)
    assert set(rows) == {(a, s) for a in ("tarea 1", "tarea-2") for s in STUDENTS}
    ana = rows["tarea 1", "ana"]
    assert (ana.status, ana.raw_score, ana.penalty) == (Status.GRADED, 4.25, 0.5)
    assert (ana.score, ana.maximum) == (3.75, 5.5)
    assert (ana.late_seconds, ana.late_days) == (25 * 3600, 2)


def test_an_extension_moves_the_due_date(course_root):
    beto = rows_of(course_root)["tarea 1", "beto"]
    assert beto.due == DUE + timedelta(days=1)
    assert (beto.late_seconds, beto.late_days) == (0, 0)


def test_states(course_root):
    rows = rows_of(course_root)
    assert rows["tarea 1", "beto"].status is Status.NEEDS_MANUAL_GRADE
    assert rows["tarea 1", "eve"].status is Status.MISSING
    assert rows["tarea 1", "sin-nombre"].status is Status.MISSING  # has only an extension
    assert rows["tarea-2", "ana"].status is Status.UNGRADED
    again = rows["tarea-2", "beto"]  # the grade is of what was handed in before
    assert (again.status, again.score) == (Status.UNGRADED, None)
    assert again.submitted == DUE + timedelta(minutes=1)


def test_scores_are_those_of_nbgrader(course_root):
    rows = rows_of(course_root)
    with Gradebook(f"sqlite:///{course_root}/gradebook.db", COURSE) as book:
        for (assignment, student), row in rows.items():
            if row.raw_score is not None:
                stock = book.find_submission(assignment, student)
                assert row.raw_score == stock.score
                assert row.maximum == stock.max_score
                assert row.penalty == stock.late_submission_penalty
                assert row.late_seconds == stock.total_seconds_late


def test_only_some(course_root):
    rows = rows_of(course_root, assignments={"tarea 1"}, students={"ana"})
    assert set(rows) == {("tarea 1", "ana")}


def test_csv(course_root):
    raw, (header, *lines) = export(course_root, "--assignment", "tarea 1")
    assert raw.startswith(BOM)
    by_student = {line[4]: dict(zip(header, line, strict=True)) for line in lines}
    ana = by_student["ana"]
    assert (ana["last_name"], ana["first_name"]) == ("Núñez Ñandú", "Ana María")
    assert (ana["score"], ana["max_score"], ana["late_days"]) == ("3.75", "5.5", "2")
    assert ana["timestamp"] == "2026-11-22 00:59:00"
    assert by_student["beto"]["last_name"] == "Núñez, hijo"
    assert (by_student["eve"]["status"], by_student["eve"]["score"]) == ("missing", "")


def test_moodle(course_root):
    raw, (header, *lines) = export(course_root, "--format", "moodle")
    assert raw.startswith(BOM)
    assert header == [
        "First name", "Last name", "ID number", "Username", "Email address", "tarea 1", "tarea-2",
    ]  # fmt: skip
    by_student = {line[3]: line[5:] for line in lines}
    # What is not final stays empty: Moodle's import reads that as no grade.
    assert by_student == {
        "ana": ["3.75", ""], "beto": ["", ""], "eve": ["", ""], "sin-nombre": ["", ""],
    }  # fmt: skip
    _, (_, *lines) = export(course_root, "--format", "moodle", "--percentages")
    assert next(line[5] for line in lines if line[3] == "ana") == "68.1818"


def test_canvas(course_root):
    raw, (header, maxima, *lines) = export(course_root, "--format", "canvas", "--zero-for-missing")
    assert not raw.startswith(BOM)
    assert header[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert maxima == ["    Points Possible", "", "", "", "", "5.5", "5.5"]
    by_student = {line[3]: line for line in lines}
    assert by_student["ana"][:3] == ["Núñez Ñandú, Ana María", "101", ""]
    assert by_student["eve"][1:3] == ["", "12ab"]  # no number of Canvas's
    assert by_student["eve"][5:] == ["0", "0"]
    assert by_student["beto"][5:] == ["", ""]  # waits for a person; handed in anew
    assert by_student["sin-nombre"][0] == "sin-nombre"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "\0=1"],
)
def test_no_text_is_a_formula(text):
    assert cell(text).startswith("'")


def test_plain_text_and_numbers_stay_as_they_are():
    assert [cell(x) for x in ("María-José", "a=b", -0.5, 3, 2 / 3, 1e-9, None)] == [
        "María-José", "a=b", "-0.5", "3", "0.6667", "0", "",
    ]  # fmt: skip


@pytest.mark.parametrize("layout", ["csv", "moodle", "canvas"])
def test_names_of_the_malicious_are_neutralised(course_root, layout):
    _, lines = export(course_root, "--format", layout)
    cells = [value for line in lines for value in line]
    assert any("HYPERLINK" in value for value in cells)
    assert not [value for value in cells if value.lstrip().startswith(tuple("=+@"))]


def test_an_unknown_assignment_is_named_and_nothing_is_written(course_root, capsys):
    assert run(course_root, "--assignment", "nada") == 1
    assert "nada" in capsys.readouterr().err
    assert not (course_root / "out.csv").exists()


def test_without_a_gradebook_none_is_made(tmp_path, capsys):
    assert run(tmp_path) == 2
    assert "libro de notas" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CsvGrades", "MoodleGrades", "CanvasGrades"])
def test_through_nbgraders_own_command(course_root, name):
    target = course_root / "nb.csv"
    done = subprocess.run(
        [
            sys.executable, "-m", "nbgrader", "export", f"--exporter=grading.export.{name}",
            "--to", str(target), "--course", COURSE,
        ],
        cwd=course_root, env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(course_root)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    layout = name.removesuffix("Grades").lower()
    assert target.read_bytes() == export(course_root, "--format", layout)[0]
