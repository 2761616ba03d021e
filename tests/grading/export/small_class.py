"""A gradebook in which each state of a submission occurs, and names of all kinds."""

from datetime import datetime, timedelta
from pathlib import Path

from nbgrader.api import Gradebook

COURSE = "curso"
DUE = datetime(2026, 11, 20, 23, 59)
STUDENTS = {
    "ana": ("Ana María", "Núñez Ñandú", "101"),
    "beto": ("Beto", "Núñez, hijo", "102"),
    "eve": ('=HYPERLINK("http://evil")', "+cmd|' /C calc'!A0", "12ab"),
    "sin-nombre": (None, None, None),
}


def fill(root: Path) -> Path:
    """ana: graded, late by 25 h; beto: an extension, and a cell for a person; eve: nothing.

    The second assignment: ana's collected and not graded, beto's graded and handed in anew.
    """
    with Gradebook(f"sqlite:///{root}/gradebook.db", COURSE) as book:
        for student, (first, last, number) in STUDENTS.items():
            book.add_student(
                student,
                first_name=first,
                last_name=last,
                lms_user_id=number,
                email=f"{student}@example.org",
            )
        for name, due in (("tarea 1", DUE), ("tarea-2", None)):
            book.add_assignment(name, duedate=due)
            book.add_notebook("p1", name)
            book.add_notebook("p2", name)
            book.add_grade_cell("c1", "p1", name, max_score=3.5, cell_type="code")
            book.add_grade_cell("c2", "p2", name, max_score=2, cell_type="markdown")
        _graded(book, "tarea 1", "ana", 2.25, 2, DUE + timedelta(hours=25), penalty=0.5)
        _graded(book, "tarea 1", "beto", 3.5, None, DUE + timedelta(hours=1))
        book.grant_extension("tarea 1", "beto", days=1)
        # An extension of work that never came: nbgrader needs an entry for it.
        book.add_submission("tarea 1", "sin-nombre")
        book.grant_extension("tarea 1", "sin-nombre", days=7)
        _graded(book, "tarea-2", "beto", 1, 1, DUE)
    _collect(root, "ana", "tarea-2", DUE)
    _collect(root, "beto", "tarea-2", DUE + timedelta(minutes=1))
    return root


def _graded(book, assignment, student, code, text, when, penalty=0.0):
    submission = book.add_submission(assignment, student, timestamp=when)
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            if notebook.name == "p1":
                grade.auto_score, grade.needs_manual_grade = code, False
            elif text is not None:
                grade.manual_score, grade.needs_manual_grade = text, False
        if notebook.name == "p1":
            notebook.late_submission_penalty = penalty
    book.db.commit()


def _collect(root, student, assignment, when):
    folder = root / "submitted" / student / assignment
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(f"{when} UTC")
