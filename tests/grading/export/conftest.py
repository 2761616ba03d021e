"""A small class whose grades leave."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from small_class import fill


@pytest.fixture(scope="session")
def small_class(tmp_path_factory) -> Path:
    """Made once: nbgrader asks the program `alembic` for the version of each new gradebook."""
    programs = str(Path(sys.executable).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([programs, os.environ["PATH"]]))
        return fill(tmp_path_factory.mktemp("small-class"))


@pytest.fixture
def course_root(small_class, tmp_path) -> Path:
    return shutil.copytree(small_class, tmp_path, dirs_exist_ok=True)
