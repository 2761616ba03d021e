"""A real browser for the journeys, quiet on a closed network."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import ROOT

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), headless=True, args=FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def artifacts(request):
    """The folder for this test's screenshots; they stay after the run."""
    folder = ROOT / "artifacts" / "journeys" / request.node.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
