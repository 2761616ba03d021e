"""nbgrader's own example course gets the same scores, its two example students' work too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbgrader
import pytest
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

from courses.nbgrader import instructor_config
from tests.grading.stock import gradebook_rows

pytestmark = pytest.mark.slow

EXAMPLES = Path(nbgrader.__file__).parent / "docs/source/user_guide"


def test_the_example_course(tmp_path, monkeypatch):
    # nbgrader makes a new gradebook with the program `alembic`.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = [sys.executable, "-m", "nbgrader", "quickstart", "course101"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    root = tmp_path / "course101"
    shutil.copytree(EXAMPLES / "submitted", root / "submitted")
    stock = Config({"CourseDirectory": {"root": str(root), "course_id": "course101"}})
    done = NbGraderAPI(config=stock).generate_assignment("ps1")
    assert done["success"], done["log"]
    # One of them left everything as it was released.
    for notebook in (root / "release/ps1").glob("*.ipynb"):
        folder = root / "submitted/empty/ps1"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(notebook, folder)
    ours = tmp_path / "ours"
    shutil.copytree(root, ours)
    got = gradebook_rows(instructor_config("course101", ours), "ps1")
    assert got == gradebook_rows(stock, "ps1")
    assert set(got) == {"bitdiddle", "hacker", "empty"}
    assert len({sum(row.auto_score or 0 for row in rows) for rows in got.values()}) == 3
