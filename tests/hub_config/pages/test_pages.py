"""Every page of a real hub, in a real browser, in both languages."""

import json
import time
import urllib.request
from urllib.error import HTTPError

import pytest

from tests.hub_config.pages.conftest import Reader

pytestmark = pytest.mark.slow
HUB = {"PAGES_NAMED": "1"}


def test_pages_without_a_session(reader):
    reader.go("/hub/login")
    reader.look("login")
    reader.page.fill("#username", "ana")
    reader.page.fill("#password", "equivocada")
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_selector("#login-error")
    reader.look("login-wrong")
    reader.login("docente")
    for name, path in {
        "home": "/hub/home",
        "start": "/hub/spawn",
        "keys": "/hub/token",
        "not-running": "/hub/user/docente/",
        "400": "/hub/accept-share",
        "403": "/hub/admin",
        "404": "/hub/nowhere",
        "404-share": "/hub/accept-share?code=x",
        "404-user": "/hub/spawn/nobody",
        "503": "/hub/error/503",
        "authorize": "/hub/api/oauth2/authorize?client_id=service-tablero&response_type=code"
        f"&redirect_uri={reader.hub}/tablero",
    }.items():
        reader.go(path)
        reader.look(name)
        if name == "start":
            assert reader.page.locator("#spawn_form").count() == 1, "the start page failed"
    assert (
        reader.page.locator("button[type=submit]").count() == 1
    )  # there is something to authorize
    assert not reader.problems, "\n".join(reader.problems)


HOURS = {
    "es": [
        "Te quedan 12 de 20 horas de GPU. Al curso le quedan 5 de 2000 horas de GPU.",
        "No te quedan horas de GPU (tenías 10)",
        "Al curso le queda menos de 1 de 100 horas de GPU",
    ],
    "en": [
        "You have 12 of 20 GPU-hours left. The course has 5 of 2000 GPU-hours left.",
        "You have no GPU-hours left (of 10)",
        "The course has less than 1 of 100 GPU-hours left",
    ],
}


def test_gpu_hours_that_are_left_follow_the_chosen_course(reader):
    reader.login("ana")
    reader.go("/hub/spawn")
    lines = reader.page.locator("[data-hours]:visible")

    def said():
        return [text.strip() for text in lines.all_inner_texts()]

    both, spent, course = HOURS[reader.language]
    reader.page.check("input[name=course][value=ai-foundations]")
    assert said() == [both, spent]
    reader.look("start-hours")
    reader.page.check("input[name=course][value=supercomputing]")
    assert said() == [course]
    reader.look("start-hours-of-a-course")
    assert not reader.problems, "\n".join(reader.problems)


@pytest.fixture(scope="module")
def dead_end(hub):
    """A path whose server is gone: the proxy fetches an error page from the hub on its own."""
    port = int(hub.rsplit(":", 1)[1])
    request = urllib.request.Request(
        f"http://127.0.0.1:{port + 2}/api/routes/dead-end",
        data=json.dumps({"target": f"http://127.0.0.1:{port + 9}"}).encode(),
        headers={"Authorization": "token only-for-this-test"},
        method="POST",
    )
    assert urllib.request.urlopen(request).status == 201
    return "/dead-end"


def test_an_error_page_that_the_proxy_fetches(reader, dead_end):
    reader.login("docente")
    reader.go(dead_end)
    page, background = reader.page, "getComputedStyle(document.body).backgroundColor"
    page.wait_for_selector(f"html[lang={reader.language}] #logout")
    reader.look("503-proxy")
    before = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != before
    other = "en" if reader.language == "es" else "es"
    page.click(f".languages a[hreflang={other}]")
    page.wait_for_selector(f"html[lang={other}] #logout")
    assert page.url == f"{reader.hub}{dead_end}"
    assert not reader.problems, "\n".join(reader.problems)


def test_a_session_from_the_form_to_the_end(reader):
    reader.login("ana")
    page = reader.page
    reader.start("gpu")
    page.wait_for_url("**/spawn-pending/**")
    queue = {"es": "En la cola de Chile.", "en": "In the queue of Chile."}[reader.language]
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=queue)
    reader.look("pending")
    reader.go("/hub/home")
    reader.look("home-pending")
    reader.go("/hub/spawn-pending/ana")
    page.click("#cancel")
    page.wait_for_url("**/hub/home", timeout=20_000)
    assert page.locator("#stop").count() == 0, "the session was not cancelled"

    reader.start("broken", site="colombia")
    page.wait_for_selector(".notice.error", timeout=20_000)
    why = {"es": "más pequeña", "en": "choose a smaller one"}[reader.language]
    assert why in page.inner_text(".notice.error")
    reader.look("failed")

    page.click("#start")
    page.eval_on_selector("#hours", "input => input.removeAttribute('max')")
    page.fill("#hours", "50")
    page.click("#spawn_form button[type=submit]")
    page.wait_for_selector(".notice.error")
    assert "«50»" in page.inner_text(".notice.error") or "“50”" in page.inner_text(".notice.error")
    reader.look("start-refused")

    reader.start("cpu")
    page.wait_for_url("**/user/ana/**", timeout=30_000)
    reader.go("/hub/home")
    reader.look("home-running")
    page.click("#stop")
    page.wait_for_selector("#stop", state="detached", timeout=20_000)
    reader.look("home-stopped")
    page.fill("#new-name", "otra")
    page.click("#new-session button")
    page.wait_for_url("**/hub/spawn/ana/otra")
    reader.look("start-named")
    page.fill("#hours", "50")
    page.eval_on_selector("#spawn_form", "form => form.submit()")
    page.wait_for_selector(".notice.error")  # the refusal is this session's, in our words
    assert "50" in page.inner_text(".notice.error")
    page.fill("#hours", "1")
    page.check("input[name=profile][value=cpu]")
    page.click("#spawn_form button[type=submit]")
    page.wait_for_url("**/user/ana/otra/**", timeout=30_000)
    reader.go("/hub/home")
    reader.look("home-named")
    page.locator(".row form[data-stop] button").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("[data-remove]").click()
    page.locator(".row").wait_for(state="detached")
    assert not reader.problems, "\n".join(reader.problems)


def test_keys_are_made_and_revoked(reader):
    reader.login("ana")
    page = reader.page
    reader.go("/hub/token")
    page.fill("#note", "respaldo")
    page.click("#new-token button[type=submit]")
    page.wait_for_selector("#token-area:visible")
    assert len(page.inner_text("#token-result")) >= 32
    reader.look("key-made")
    reader.go("/hub/token")
    reader.look("keys-listed")
    row = page.locator("tr", has_text="respaldo")
    before = row.count()
    listed = page.locator("[data-token]").count()
    row.first.get_by_role("button").click()
    page.wait_for_function(
        "n => document.querySelectorAll('[data-token]').length === n", arg=listed - 1
    )
    reader.go("/hub/token")
    assert row.count() == before - 1
    assert not reader.problems, "\n".join(reader.problems)


def test_an_invitation_to_a_session(reader, chromium):
    reader.login("ana")
    link = reader.page.evaluate(
        """async () => {
        const xsrf = document.body.dataset.xsrf;
        const reply = await fetch(`/hub/api/share-codes/ana/?_xsrf=${encodeURIComponent(xsrf)}`,
          {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"});
        return (await reply.json()).accept_url;
    }"""
    )
    guest = Reader(chromium, reader.hub, reader.language, reader.size, reader.scheme)
    guest.login("docente")
    guest.go(link)
    guest.look("invitation")
    guest.context.close()
    assert not guest.problems, "\n".join(guest.problems)


def test_administration(reader):
    reader.login("admin")
    page = reader.page
    reader.go("/hub/admin")
    page.wait_for_selector("[data-testid=user-row-admin]")
    reader.look("admin")
    assert page.inner_text("[data-testid=user-name-div-admin]") == "admin"
    page.click("[data-testid=admin-collapse-button]")
    page.wait_for_selector("[data-testid=admin-collapse].show")
    reader.look("admin-details")
    for path in ("add-users", "groups", "create-group"):
        reader.go(f"/hub/admin#/{path}")
        page.wait_for_selector("#react-admin-hook button")
        reader.look(f"admin-{path}")
    reader.go("/hub/admin")
    page.locator("tr.user-row", has_text="admin").get_by_role("button").last.click()
    page.wait_for_selector("[data-testid=edit-username-input]")
    reader.look("admin-edit")
    assert not reader.problems, "\n".join(reader.problems)


def test_the_choice_of_a_language_stays_and_leads_nowhere_else(chromium, hub):
    reader = Reader(chromium, hub, "es")
    reader.go("/hub/login?next=%2Fhub%2Ftoken")
    reader.page.click(".languages a[hreflang=en]")
    assert reader.page.url == f"{hub}/hub/login?next=%2Fhub%2Ftoken"
    assert reader.page.locator("html").get_attribute("lang") == "en"
    cookie = {one["name"]: one for one in reader.context.cookies()}["minga_language"]
    assert (cookie["value"], cookie["path"], cookie["sameSite"]) == ("en", "/", "Lax")
    assert cookie["expires"] - time.time() > 360 * 24 * 3600
    reader.go("/hub/language/es?next=//example.org/")
    assert reader.page.url.startswith(f"{hub}/hub/")
    assert reader.page.locator("html").get_attribute("lang") == "es"
    reader.context.close()
    with pytest.raises(HTTPError, match="404"):
        urllib.request.urlopen(f"{hub}/hub/language/xx")


def test_without_script(chromium, hub):
    reader = Reader(chromium, hub, "es", java_script_enabled=False)
    reader.login("ana")
    reader.go("/hub/spawn")
    reader.page.click(".languages a[hreflang=en]")
    assert reader.page.locator("h1").inner_text() == "Start a session"
    reader.page.click(".languages a[hreflang=es]")
    reader.page.check("input[name=profile][value=cpu]")
    reader.page.click("#spawn_form button[type=submit]")
    # the pending page refreshes by itself until the session answers
    reader.page.wait_for_url("**/user/ana/**", timeout=30_000)
    reader.context.close()
    stopper = Reader(chromium, hub, "es")
    stopper.login("ana")
    stopper.page.click("#stop")
    stopper.page.wait_for_selector("#stop", state="detached")
    stopper.context.close()


def test_colours_follow_the_system_until_chosen(chromium, hub):
    reader = Reader(chromium, hub, "es", scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    reader.go("/hub/login")
    dark = reader.page.evaluate(background)
    reader.page.click("#theme")
    light = reader.page.evaluate(background)
    assert dark != light
    reader.go("/hub/login")
    assert reader.page.evaluate(background) == light
    reader.context.close()
