"""A course with a large class: 500 students, 10 assignments, everything graded."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader import api
from nbgrader.api import Gradebook
from sqlalchemy import insert

COURSE = "grande"
PARTS = 8  # graded by tests, in each assignment's notebook; one more is graded by a person
DUE = datetime(2026, 4, 1, 12)


def fill(root: Path, students: int = 500, assignments: int = 10) -> Path:
    """Make the gradebook and the folders of a course below `root`; return `root`."""
    people = [f"e{number:03}" for number in range(students)]
    with Gradebook(f"sqlite:///{root}/gradebook.db", COURSE) as book:
        book.db.execute(
            insert(api.Student),
            [
                {"id": person, "first_name": f"Nombre {person}", "last_name": "Apellido"}
                for person in people
            ],
        )
        for number in range(assignments):
            name = f"tarea-{number:02}"
            book.add_assignment(name, duedate=DUE + timedelta(weeks=number))
            notebook = book.add_notebook(name, name)
            cells = []
            for part in range(PARTS):
                solution = book.add_solution_cell(f"p{part}", name, name)
                cell = book.add_grade_cell(
                    f"p{part}-pruebas", name, name, max_score=10, cell_type="code"
                )
                cells.append((cell.id, solution.id, 10.0 if part % 3 else 4.0))
            essay = book.add_grade_cell("ensayo", name, name, max_score=20, cell_type="markdown")
            _grade(book, book.find_assignment(name).id, notebook.id, cells, essay.id, people)
            _folders(root, name, people)
        book.db.commit()
    return root


def _grade(book, assignment: str, notebook: str, cells: list, essay: str, people: list) -> None:
    submissions, notebooks, grades, comments = [], [], [], []
    for person in people:
        submission, copy = uuid.uuid4().hex, uuid.uuid4().hex
        submissions.append(
            {
                "id": submission,
                "assignment_id": assignment,
                "student_id": person,
                "timestamp": DUE,
            }
        )
        notebooks.append({"id": copy, "assignment_id": submission, "notebook_id": notebook})
        for cell, solution, points in cells:
            grades.append(_row(copy, cell, auto_score=points, needs_manual_grade=False))
            comments.append({"id": uuid.uuid4().hex, "notebook_id": copy, "cell_id": solution})
        grades.append(_row(copy, essay, manual_score=15.0, needs_manual_grade=False))
    for table, rows in (
        (api.SubmittedAssignment, submissions),
        (api.SubmittedNotebook, notebooks),
        (api.Comment, comments),
    ):
        book.db.execute(insert(table), rows)
    book.db.execute(insert(api.Grade), grades)


def _row(notebook: str, cell: str, **scores) -> dict:
    row = {"auto_score": None, "manual_score": None, "extra_credit": None}
    return {"id": uuid.uuid4().hex, "notebook_id": notebook, "cell_id": cell, **row, **scores}


def _folders(root: Path, name: str, people: list) -> None:
    """What nbgrader looks for on the disk: sources, hand-ins with their times, graded copies."""
    text = nbformat.writes(new_notebook(cells=[new_code_cell("1 + 1", id="a")]))
    for folder in [root / "source" / name] + [
        root / step / person / name for step in ("submitted", "autograded") for person in people
    ]:
        folder.mkdir(parents=True)
        (folder / f"{name}.ipynb").write_text(text)
        (folder / "timestamp.txt").write_text(f"{DUE} UTC")
