"""One course for all attacks, graded as ours is."""

import pytest
from attack_class import Place, programs_on_path
from attack_harness import CELL_SECONDS, Grader

from courses.nbgrader import instructor_config
from grading import kernels_zygote


@pytest.fixture(scope="session")
def grader(tmp_path_factory) -> Grader:
    """A course in a temporary folder, with secrets in the environment of who grades it."""
    place = Place(tmp_path_factory.mktemp("ataques"))
    config = instructor_config("ataques", place.course)
    config.Execute.timeout = CELL_SECONDS
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", programs_on_path())
        for name, value in place.environment().items():
            patch.setenv(name, value)
        kernels_zygote.close_all()  # a warm one would not show what a new one inherits
        place.build(config).listen()
        yield Grader(place, config)
        place.close()
        kernels_zygote.close_all()
