"""Each unit, taken by a student in each language: read, fetched, solved, handed in, graded, read.

An hour on two cores: `MINGA_UNITS=all pytest tests/journeys/test_every_unit.py`, or a course's
name instead of `all`. Pictures of what both saw stay in artifacts/journeys.
"""

import json
import os
import tempfile
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from courses.models import load_course
from hub_config.deployment import DEFAULT
from tests.conftest import ROOT, Minga, free_port
from tests.journeys.classroom import Visit

WANTED = os.environ.get("MINGA_UNITS", "")
COURSES = ("ai-foundations", "supercomputing", "language-models", "responsible-ai")
STUDENTS = {"estudiante1": "es", "estudiante2": "en"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not WANTED, reason="an hour: run with MINGA_UNITS=all"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A Minga with all courses, as `make hub` starts it."""
    folder = Path(tempfile.mkdtemp(prefix="minga-units-"))
    minga = Minga(folder / "state", free_port())
    minga.environment = {**os.environ, "MINGA_DEPLOYMENT": str(DEFAULT)}
    try:
        yield minga.start()
    finally:
        if minga.launcher and minga.launcher.poll() is None:
            minga.interrupt()


@pytest.mark.parametrize("course", [c for c in COURSES if WANTED in ("all", c)])
def test_the_units_of_a_course(course, whole, chromium, artifacts):
    units = [unit for unit in load_course(course).units if not unit.planned]
    for student, language in STUDENTS.items():
        visit = Visit(chromium, whole, student, artifacts, language=language)
        cookie = {"name": "minga_language", "value": language, "url": whole.url}
        visit.context.add_cookies([cookie])
        for unit in units:
            read(visit, unit.id, language)
        visit.log_in()
        visit.start_session(course, site="chile", profile="cpu")
        for unit in units:
            try_the_chapter(visit, unit.id, language)
            visit.page.goto(f"{whole.url}/user/{student}/lab?reset")
            visit.fetch(unit.assignment)
            visit.solve(course, unit.assignment)
            errors = visit.page.locator(".jp-RenderedText[data-mime-type*='stderr'] .ansi-red-fg")
            assert errors.count() == 0, errors.all_inner_texts()
            visit.submit(unit.assignment)
        visit.close()

    teacher = Visit(chromium, whole, "profesora", artifacts)
    teacher.log_in()
    for unit in units:
        teacher.open_formgrader(course)
        teacher.collect(unit.assignment, submissions=len(STUDENTS))
        for student in STUDENTS:
            teacher.open_formgrader(course)
            teacher.autograde(unit.assignment, student)
            for cell, points in by_hand(course, unit.assignment).items():
                teacher.grade_by_hand(cell, points, "Bien pensado.")
                teacher.page.go_back()
        teacher.give_feedback(unit.assignment)
    teacher.close()

    for student, language in STUDENTS.items():
        visit = Visit(chromium, whole, student, artifacts, language=language)
        visit.context.add_cookies([{"name": "minga_language", "value": language, "url": whole.url}])
        visit.log_in()
        visit.page.goto(f"{whole.url}/user/{student}/lab?reset")
        visit.page.wait_for_selector(".jp-Launcher, .jp-Notebook, .jp-HTMLViewer")
        for unit in units:
            said = visit.read_feedback(course, unit.assignment)
            most = f"{total(course, unit.assignment):.1f}"
            assert f"{most} / {most}" in said, said[:2000]
            visit.page.goto(f"{whole.url}/user/{student}/lab?reset")
        visit.stop_session()
        visit.close()


def read(visit: Visit, unit: str, language: str) -> None:
    """Read a unit's chapter in the book, without a login."""
    answer = visit.page.goto(f"{visit.minga.url}/services/book/{language}/{unit}/")
    assert answer.status == 200
    assert visit.page.locator("html").get_attribute("lang") == language
    visit.page.wait_for_selector("main h1")
    visit.picture(f"{unit}-chapter")


# `?reset` closes what JupyterLab would open again: cells of two notebooks are hard to tell apart.
def try_the_chapter(visit: Visit, unit: str, language: str) -> None:
    """Take the chapter's notebook along, run it all in JupyterLab, move its widget."""
    base = f"{visit.minga.url}/services/book/{language}/{unit}/"
    page = visit.context.new_page()
    page.goto(base)
    link = page.locator("a[href$='.ipynb']").first.get_attribute("href")
    notebook = visit.context.request.get(
        page.evaluate("href => new URL(href, location).href", link)
    )
    page.close()
    content = json.loads(notebook.body())
    body = {"type": "notebook", "format": "json", "content": content}
    assert visit.contents("PUT", f"{unit}.ipynb", data=body).ok
    visit.page.goto(f"{visit.minga.url}/user/{visit.name}/lab/tree/{unit}.ipynb?reset")
    visit.page.wait_for_selector(".jp-Notebook .jp-Cell")
    visit.page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for()
    visit.run_all()
    slider = visit.page.locator(".jp-Notebook .jupyter-widgets").first
    slider.scroll_into_view_if_needed()
    expect(slider).to_be_visible()
    drawn = visit.page.locator(".jp-Notebook .jupyter-widgets img").first
    if drawn.count():
        drawn.scroll_into_view_if_needed()
    visit.picture(f"{unit}-widget")
    handle = visit.page.locator(".jp-Notebook .jupyter-widgets .noUi-handle").first
    if handle.count():
        handle.focus()
        before = handle.get_attribute("aria-valuetext")
        at_its_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        visit.page.keyboard.press("ArrowLeft" if at_its_end else "ArrowRight")
        expect(handle).not_to_have_attribute("aria-valuetext", before)
        visit.page.wait_for_timeout(1500)  # the kernel draws anew
        if drawn.count():
            drawn.scroll_into_view_if_needed()
        visit.picture(f"{unit}-widget-moved")


def source(course: str, assignment: str) -> list:
    file = ROOT / "courses" / course / "assignments" / assignment / f"{assignment}.ipynb"
    return [
        cell.metadata.nbgrader
        for cell in nbformat.read(file, 4).cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    ]


def by_hand(course: str, assignment: str) -> dict[str, float]:
    """The cells that a person grades, and their points."""
    return {cell.grade_id: cell.points for cell in source(course, assignment) if cell.solution}


def total(course: str, assignment: str) -> float:
    return sum(cell.points for cell in source(course, assignment))
