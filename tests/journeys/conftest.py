"""Where the journeys keep what they saw."""

import shutil

import pytest

from tests.conftest import ROOT


@pytest.fixture
def artifacts(request):
    """The folder for this test's screenshots; they stay after the run."""
    folder = ROOT / "artifacts" / "journeys" / request.node.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
