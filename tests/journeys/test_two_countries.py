"""A student at work in another country, over a poor link that is cut for a minute meanwhile.

60 ms each way and 1 % of all packets lost each way (tests/spawners/remote); the country shares
nothing with the hub, and the student's browser is on the hub's side.
"""

import threading

import pytest
from playwright.sync_api import expect

from tests.journeys.classroom import Visit
from tests.spawners.conftest import slurm_installation  # noqa: F401 (a fixture)
from tests.spawners.remote.conftest import openssh, regional  # noqa: F401 (fixtures)
from tests.spawners.remote.country import NAME

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COURSE, ASSIGNMENT = "ai-foundations", "descenso-de-gradiente"
MEANWHILE = "print(kept + 1)"
CUT = 60  # seconds
LONG = 150_000  # milliseconds: sshd, ssh and the page each notice in their own time


def test_work_goes_on_after_a_minute_without_a_link(regional, chromium, artifacts):  # noqa: F811
    minga, link = regional.minga, regional.country.link
    student = Visit(chromium, minga, "estudiante1", artifacts)
    page = student.page
    student.log_in()
    student.start_session(COURSE, site=NAME, profile="gpu")
    student.fetch(ASSIGNMENT)
    student.solve(COURSE, ASSIGNMENT)
    student.add_cell("kept = 41")
    assert student.run_cell() == ""
    job = jobs(regional)
    assert job.endswith("RUNNING")
    # JupyterLab saves by itself, and says so if it cannot: a person closes that.
    not_saved = page.locator(".jp-Dialog", has_text="Error al guardar")
    page.add_locator_handler(not_saved, lambda dialog: dialog.get_by_role("button").click())

    link.cut()
    mending = threading.Timer(CUT, link.mend)
    mending.start()
    try:
        student.add_cell(MEANWHILE)
        told = page.locator(".jp-Dialog", has_text="Tu sesión no responde")
        expect(told).to_be_visible(timeout=LONG)
        student.picture("cut")
        mending.join()
    finally:
        mending.cancel()
        link.mend()
    # The page goes on by itself: the notice goes, the kernel is there with what it had.
    expect(told).to_be_hidden(timeout=LONG)
    expect(page.locator(".jp-StatusBar-TextItem", has_text="| Idle")).to_be_visible(timeout=LONG)
    student.picture("back")
    assert student.run_cell() == "42"
    assert jobs(regional) == job
    page.keyboard.press("Control+s")
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    student.submit(ASSIGNMENT)

    teacher = Visit(chromium, minga, "profesora", artifacts)
    teacher.log_in()
    teacher.open_formgrader(COURSE)
    teacher.collect(ASSIGNMENT)
    place = minga.state / "courses" / COURSE / "submitted" / "estudiante1" / ASSIGNMENT
    assert MEANWHILE in (place / f"{ASSIGNMENT}.ipynb").read_text()
    student.stop_session()
    assert jobs(regional) == ""
    student.close()
    teacher.close()


def jobs(regional) -> str:  # noqa: F811
    """The jobs that wait or run in the country, as its squeue shows them."""
    return regional.country.slurm("squeue", "--noheader", "--states=R,PD", "--format=%A %T").strip()
