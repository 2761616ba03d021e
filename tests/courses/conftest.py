"""Courses published as `make hub` does, once a run."""

import pytest
from classrooms import Published, run_publish
from notebooks import ASSIGNMENTS


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Published:
    """Both courses, released."""
    result = Published(tmp_path_factory.mktemp("courses"))
    for course in set(ASSIGNMENTS.values()):
        done = run_publish(course, result.root(course))
        assert done.returncode == 0, done.stderr
    return result
