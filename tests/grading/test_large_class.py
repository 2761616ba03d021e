"""Formgrader's pages get the same answers as from nbgrader's own API, and in few queries."""

import os
import sys
from datetime import datetime
from pathlib import Path

import pytest
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy import event, inspect
from traitlets.config import Config

from benchmarks.large_class import COURSE, fill
from grading import large_class
from grading.large_class import LargeClassAPI, LargeClassGradebook

NAME = "tarea-01"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Config:
    """A class in which each state of a submission occurs."""
    root = tmp_path_factory.mktemp("grande")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        fill(root, students=7, assignments=3)
    with LargeClassGradebook(f"sqlite:///{root}/gradebook.db", COURSE) as book:
        book.add_task_cell("proyecto", NAME, NAME, max_score=5, cell_type="markdown")
        for student, changes in {
            "e001": {"needs_manual_grade": True, "manual_score": None},
            "e002": {"extra_credit": 1.5},
        }.items():
            grade = book.find_grade("ensayo", NAME, NAME, student)
            for name, value in changes.items():
                setattr(grade, name, value)
        book.find_submission_notebook(NAME, NAME, "e002").flagged = True
        book.find_submission(NAME, "e003").timestamp = datetime(2026, 3, 1)  # handed in anew
        book.add_student("sin-nombre")
        book.update_or_create_submission(NAME, "sin-nombre")
        book.db.commit()
    (root / "submitted" / "e004" / NAME).rename(root / "e004-took-it-back")
    (root / "submitted" / "e005" / NAME / "timestamp.txt").write_text("1 April 2026, 12:00 UTC")
    (root / "submitted" / "nadie" / NAME).mkdir(parents=True)
    return Config({"CourseDirectory": {"root": str(root), "course_id": COURSE}})


def ordered(rows):
    return sorted(rows, key=lambda row: (row.get("name", ""), row.get("student") or row["id"]))


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.get_submissions(NAME),
        lambda api: api.get_notebook_submissions(NAME, NAME),
        lambda api: api.get_students(),
        lambda api: api.get_assignments(),
        *(lambda api, who=f"e{n:03}": api.get_student_submissions(who) for n in range(7)),
        lambda api: api.get_student_submissions("sin-nombre"),
    ],
)
def test_the_same_answers(course, ask):
    ours, stock = ask(LargeClassAPI(config=course)), ask(NbGraderAPI(config=course))
    for mine, theirs in zip(ordered(ours), ordered(stock), strict=True):
        assert mine == theirs
    assert len(ours) >= 3


def test_the_number_of_queries_does_not_grow_with_the_class(course):
    api = LargeClassAPI(config=course)
    with api.gradebook as book:
        asked = []
        event.listen(book.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        copies = book.notebook_submissions(NAME, NAME)
        assert {copy.student.id for copy in copies} >= {"e000", "e006"}
        assert len(asked) == 1
        assert len(book.notebook_submission_dicts(NAME, NAME)) >= 7
        assert len(asked) == 2


def test_the_indexes_are_made_once_and_used(course):
    with LargeClassAPI(config=course).gradebook as book:
        names = {index["name"] for index in inspect(book.engine).get_indexes("grade")}
        assert {"ix_grade_cell_id", "ix_grade_notebook_id"} <= names
    large_class._indexed.clear()  # as another process, which finds them there
    LargeClassAPI(config=course).gradebook.close()
