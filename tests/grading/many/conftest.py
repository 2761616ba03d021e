"""Courses with honest submissions, made by the benchmark's own code."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from many_class import Class

from benchmarks import grade_class
from courses.nbgrader import instructor_config


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A numpy course with four submissions, one of each kind, that nobody graded."""
    root = tmp_path_factory.mktemp("many") / "banco"
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader makes a new gradebook with the program `alembic`.
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        grade_class.build(root, instructor_config("banco", root), "numpy", 4)
    return root


@pytest.fixture
def course(built, tmp_path) -> Class:
    return Class(shutil.copytree(built, tmp_path / "banco"))
