"""The start, pending and home pages of a real Minga on two real clusters, in a real browser."""

import json
import os
import re
import signal
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from hub_config.pages import translate
from spawners.reasons import why
from tests.conftest import ROOT, Minga, free_port
from tests.hub_config.pages.conftest import Reader
from tests.spawners.test_sessions import queue, slurm

pytestmark = pytest.mark.slow

AXE = ROOT / "book" / "theme" / "node_modules" / "axe-core" / "axe.min.js"


class Student(Reader):
    """A Reader who logs in to a running Minga and looks for barriers too."""

    def __init__(self, chromium, minga, *look, **options):
        super().__init__(chromium, minga.url, *look, bypass_csp=True, **options)
        self.minga = minga

    def login(self, name):
        self.go("/hub/login")
        self.page.fill("#username", name)
        self.page.fill("#password", self.minga.passwords()[name])
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda address: "/login" not in address)

    def look(self, name):
        super().look(f"real-{name}")
        if self.scripted:
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
            for found in self.page.evaluate("axe.run()")["violations"]:
                html = [node["html"][:200] for node in found["nodes"]]
                self.problems.append(f"{name}: {found['id']}: {html}")

    scripted = True


@pytest.fixture(params=[("es", "wide", "light"), ("en", "phone", "dark")], ids="-".join)
def student(request, chromium, minga):
    """A student in Spanish on a desk, then one in English on a phone at night."""
    one = Student(chromium, minga, *request.param)
    one.login("estudiante2")
    yield one
    one.context.close()
    stop_all(minga)


@pytest.fixture
def without_script(chromium, minga):
    """The same student with a browser that runs no script."""
    one = Student(chromium, minga, "es", java_script_enabled=False)
    one.scripted = False
    one.login("estudiante2")
    yield one
    one.context.close()
    stop_all(minga)


@pytest.fixture
def closed(minga):
    """Both partitions take jobs and start none; open again at the end."""
    for site in ("chile", "colombia"):
        slurm(minga, site, "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    yield
    for site in ("chile", "colombia"):
        slurm(minga, site, "scontrol", "update", "PartitionName=gpu", "State=UP")


def stop_all(minga):
    """End the student's sessions, named ones too."""
    person = minga.login("estudiante2")
    for name in person.api("GET", "/users/estudiante2").json()["servers"]:
        path = f"/users/estudiante2/servers/{name}" if name else "/users/estudiante2/server"
        person.api("DELETE", path, json={"remove": True} if name else None)
    end = time.monotonic() + 30
    while queue(minga, "chile") or queue(minga, "colombia"):
        assert time.monotonic() < end
        time.sleep(0.2)


def until_seen(page, question, seconds=20):
    """Let the page look (as every fifteen seconds, and when it is seen again) until it is true."""
    end = time.monotonic() + seconds
    while not page.evaluate(question):
        assert time.monotonic() < end, page.inner_text("main")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(250)


SITE = "document.querySelector('input[name=site][value={}]')"


def test_a_site_that_goes_down_is_shown_while_the_page_is_open(student, minga):
    page, (chile, colombia) = student.page, (SITE.format(name) for name in ("chile", "colombia"))
    student.go("/hub/spawn")
    now = {"es": "empieza ya", "en": "starts now"}[student.language].replace(" ", "\u00a0")
    until_seen(page, f"document.body.innerText.includes({json.dumps(now)})")
    page.check("input[name=site][value=colombia]")
    student.look("start")
    slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    try:
        until_seen(page, f"{colombia}.disabled && !{chile}.disabled")
        # Said once to those who listen, and nothing is started elsewhere unasked.
        assert page.evaluate("document.querySelector('input[name=site]:checked')") is None
        page.click("#spawn_form button[type=submit]")
        assert page.evaluate("document.activeElement.name") == "site", "no choice was asked for"
        assert "Bogotá" in page.inner_text("#news[role=status]")
        student.look("start-one-down")
        slurm(minga, "chile", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
        until_seen(page, f"{chile}.disabled && {colombia}.disabled")
        assert page.locator("#all-down").is_visible()
        assert page.locator("#spawn_form button[type=submit]").is_disabled()
        student.look("start-all-down")
    finally:
        for site in ("chile", "colombia"):
            slurm(minga, site, "scontrol", "update", "PartitionName=gpu", "State=UP")
    until_seen(page, f"!{chile}.disabled && {colombia}.checked")  # as it was chosen
    assert page.locator("#all-down").is_hidden()
    assert page.locator("#spawn_form button[type=submit]").is_enabled()
    assert not student.problems, "\n".join(student.problems)


def test_a_link_of_the_book_keeps_language_course_and_where_to_go(student):
    """As book/theme/lib/hub.js writes it: language, then start page, then the assignment."""
    page, other = student.page, {"es": "en", "en": "es"}[student.language]
    goal = "/hub/user-redirect/minga/open?course=supercomputing&assignment=escalamiento-fuerte"
    start = urlencode({"course": "supercomputing", "language": other, "next": goal})
    student.go(f"/hub/language/{other}?{urlencode({'next': f'/hub/spawn?{start}'})}")
    try:
        assert page.get_attribute("html", "lang") == other
        assert page.is_checked("input[name=course][value=supercomputing]")
        target = urlsplit(page.get_attribute("#spawn_form", "action"))
        assert parse_qs(target.query)["next"] == [goal]
    finally:
        student.go(f"/hub/language/{student.language}")


def test_the_form_is_filled_in_by_keyboard(student):
    page = student.page
    student.go("/hub/spawn")
    page.focus("input[name=site]:checked")
    before = page.evaluate("document.activeElement.value")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.value") != before
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "profile"
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.value") == "gpu2"
    assert page.get_attribute("#hours", "max") == "2"  # the profile's
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "hours"


def test_two_sessions_at_once_and_what_each_waits_for(student, minga, closed):
    page = student.page
    fill(student, "/hub/spawn", "chile")
    page.wait_for_url("**/spawn-pending/**")
    stopped = translate(why("PartitionDown").text, student.language)
    page.wait_for_function(
        "text => document.querySelector('#progress-message').innerText.includes(text)", arg=stopped
    )
    student.look("pending")
    page.reload()  # what is known is in the page itself, not only in the events
    assert stopped in page.content()

    student.go("/hub/home")
    page.click("#new-session button")
    page.wait_for_url("**/hub/spawn/estudiante2/*")
    name = page.url.rsplit("/", 1)[1]
    fill(student, f"/hub/spawn/estudiante2/{name}", "colombia")
    page.wait_for_url(f"**/spawn-pending/estudiante2/{name}**")
    assert [len(queue(minga, site)) for site in ("chile", "colombia")] == [1, 1]
    student.go("/hub/home")
    rows = page.locator(".card.session .facts, .row .facts").all_inner_texts()
    assert ["Santiago" in rows[0], "Bogotá" in rows[1]] == [True, True], rows
    student.look("home-two")
    page.locator(".row form[data-stop] button").click()
    page.locator("[data-remove]").wait_for()
    assert [len(queue(minga, site)) for site in ("chile", "colombia")] == [1, 0]
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("[data-remove]")
    page.locator(".row").wait_for(state="detached")
    assert not student.problems, "\n".join(student.problems)


def fill(student, path, site):
    """Ask for a GPU at a site, though the page says that it takes nobody now."""
    page = student.page
    student.go(path)
    page.wait_for_selector("#spawn_form")
    page.evaluate(
        """site => {
          for (const input of document.querySelectorAll("#spawn_form [disabled]"))
            input.disabled = false;
          document.querySelector(`input[name=site][value=${site}]`).checked = true;
          document.querySelector("input[name=profile][value=gpu]").checked = true;
          document.getElementById("spawn_form").submit();
        }""",
        site,
    )


def test_without_script_all_is_said_and_a_start_can_be_cancelled(without_script, minga, closed):
    one, page = without_script, without_script.page
    end = time.monotonic() + 20
    while True:  # the first page after the change may still show what was
        one.go("/hub/spawn")
        if page.locator("input[name=site]:disabled").count() == 2:
            break
        assert time.monotonic() < end, page.content()
        time.sleep(0.5)
    assert page.locator("#all-down").is_visible()
    for site in ("chile", "colombia"):
        slurm(minga, site, "scontrol", "update", "PartitionName=gpu", "State=UP")
    while page.locator("input[name=site]:disabled").count():
        assert time.monotonic() < end + 20
        time.sleep(0.5)
        one.go("/hub/spawn")
    # Without script every profile lists every site with its numbers.
    listed = page.locator("label:has([value=gpu])").inner_text()
    assert re.search(r"Santiago, Chile: 8\slibres", listed), listed
    assert re.search(r"Bogotá, Colombia: 4\slibres", listed), listed
    slurm(minga, "chile", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    page.check("input[name=site][value=chile]")
    page.check("input[name=profile][value=gpu]")
    page.click("#spawn_form button[type=submit]")
    page.wait_for_url("**/spawn-pending/**")
    assert len(queue(minga, "chile")) == 1
    page.click("#cancel")
    page.wait_for_url("**/hub/home")
    assert queue(minga, "chile") == []
    page.locator("#start").wait_for()
    assert not one.problems, "\n".join(one.problems)


def test_a_session_is_stopped_by_its_owner_and_with_the_forms_token_only(minga):
    owner, other = minga.login("estudiante2"), minga.login("estudiante1")
    address = f"{owner.hub}/minga-stop/estudiante2"
    assert owner.http.post(address).status_code == 403
    assert owner.http.post(address, data={"_xsrf": "x"}).status_code == 403
    # JupyterHub does not tell a stranger whether somebody is there.
    assert other.http.post(address, data={"_xsrf": other.xsrf()}).status_code in (403, 404)
    assert owner.http.post(address, data={"_xsrf": owner.xsrf()}).url.endswith("/hub/home")


def test_what_is_free_is_for_people_who_logged_in(minga):
    person = minga.login("estudiante2")
    address = f"{person.hub}/minga-capacity"
    assert requests.get(address, allow_redirects=False, timeout=10).status_code == 403
    for language, word in (("es", "libres"), ("en", "free")):
        end = time.monotonic() + 10
        while True:
            answer = person.http.get(address, headers={"Accept-Language": language}).json()
            if word in answer["profiles"]["gpu"]["sites"]["chile"]["texts"]:
                break
            assert time.monotonic() < end, answer
            time.sleep(0.5)


def test_after_a_hub_restart_the_pending_page_knows_and_cancels(chromium, tmp_path):
    minga = Minga(tmp_path / "state", free_port()).start()
    try:
        slurm(minga, "chile", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
        one = Student(chromium, minga, "es")
        one.login("estudiante2")
        fill(one, "/hub/spawn", "chile")
        one.page.wait_for_url("**/spawn-pending/**")
        os.kill(minga.hub_pid, signal.SIGKILL)
        minga.launcher.wait(timeout=60)
        minga.start()
        # The hub still finds out about this session (`check`): it sends no events meanwhile.
        one.page.goto(f"{minga.url}/hub/spawn-pending/estudiante2")
        assert one.page.get_attribute("#pending", "data-pending") == "check"
        stopped = why("PartitionDown").text
        one.page.wait_for_function("text => document.body.innerText.includes(text)", arg=stopped)
        one.page.click("#cancel")
        one.page.wait_for_url("**/hub/home")
        assert queue(minga, "chile") == []
        one.page.locator(".state:not(.busy)").wait_for()
        assert not one.problems, "\n".join(one.problems)
        one.context.close()
    finally:
        minga.interrupt()
