"""Every page of a real hub, in a real browser, in both languages."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import polib
import pytest

from hub_config.pages import languages

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[2]
ARTIFACTS = REPO / "artifacts" / "pages"
PASSWORDS = {"admin": "administrar-minga-con-mucho-cuidado"}
BROWSER_LANGUAGE = {"es": "es-CL", "en": "en-US"}
SIZES = {"wide": (1280, 900), "phone": (390, 844)}

# Words that only one of the two languages has; names of things and code do not count.
TELLING = {
    "en": r"\b(the|your|you|is|are|not|with|server|servers|user|users|password|start|stop|never|"
    r"home|log|ago|failed|running|this|and|of|to|page)\b",
    "es": r"\b(el|la|los|las|tu|una|un|que|de|del|en|con|para|sesión|cuenta|contraseña|iniciar|"
    r"detener|nunca|inicio|ingresar|salir|hace|y|no se|página)\b",
}
# names of accounts, addresses, the value of the language that a session was started with
NO_LANGUAGE = re.compile(r"\b(docente|ana|admin|respaldo)\b|\S*[/:_]\S+|^(es|en)$")

ALL_TEXTS = """() => {
  const texts = new Set([document.title]);
  const skipped = "script, style, code, .languages, .server-dashboard-row-list-item";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.closest(skipped)) texts.add(node.data.trim());
  }
  for (const element of document.querySelectorAll("*:not(.languages a)")) {
    for (const name of ["title", "placeholder", "aria-label", "alt", "data-label"]) {
      if (element.hasAttribute(name)) texts.add(element.getAttribute(name).trim());
    }
  }
  return [...texts].filter(Boolean);
}"""


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    for first in range(18410, 18489 - count, 10):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports between 18410 and 18499")


def proxy_command() -> str:
    """configurable-http-proxy: from the environment, the set-up's folder, or the path."""
    places = [
        os.environ.get("CONFIGURABLE_HTTP_PROXY"),
        str(REPO / "deploy/proxy/node_modules/.bin/configurable-http-proxy"),
        shutil.which("configurable-http-proxy"),
    ]
    for place in places:
        if place and Path(place).exists():
            return place
    pytest.fail("configurable-http-proxy is missing: run the set-up (make hub), or npm install it")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """The address of a running hub of our own."""
    folder, port = tmp_path_factory.mktemp("hub"), free_ports(5)
    environment = os.environ | {
        "PAGES_PORT": str(port),
        "CONFIGURABLE_HTTP_PROXY": proxy_command(),
        "PYTHONPATH": str(REPO),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    log = (folder / "hub.log").open("w")
    hub = subprocess.Popen(
        [sys.executable, "-m", "jupyterhub", "--config", str(HERE / "hub_for_pages.py")],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            assert hub.poll() is None, (folder / "hub.log").read_text()
            try:
                if urllib.request.urlopen(f"{address}/hub/login").status == 200:
                    break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail((folder / "hub.log").read_text())
        yield address
    finally:
        hub.send_signal(signal.SIGTERM)
        try:
            hub.wait(30)
        except subprocess.TimeoutExpired:
            hub.kill()
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "hub.log", ARTIFACTS / "hub.log")


class Reader:
    """Somebody who reads pages in one language, and what is wrong with what they see."""

    def __init__(self, chromium, hub, language, size="wide", scheme="light", **options):
        width, height = SIZES[size]
        self.context = chromium.new_context(
            locale=BROWSER_LANGUAGE[language],
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            **options,
        )
        self.page = self.context.new_page()
        self.hub, self.language, self.size, self.scheme = hub, language, size, scheme
        self.problems = []
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        other = "en" if language == "es" else "es"
        catalog = polib.pofile(str(languages.LOCALE / "en" / "LC_MESSAGES" / "minga.po"))
        pairs = [(entry.msgid, entry.msgstr) for entry in catalog if entry.msgstr]
        ours = {pair[language == "en"] for pair in pairs}
        self.foreign = {pair[other == "en"] for pair in pairs} - ours
        self.telling = re.compile(TELLING[other], re.IGNORECASE)

    def go(self, path: str) -> None:
        """Open a page of the hub."""
        self.page.goto(f"{self.hub}{path}")

    def login(self, name: str) -> None:
        """Log in on the login page."""
        self.go("/hub/login")
        self.page.fill("#username", name)
        self.page.fill("#password", PASSWORDS.get(name, "aprender-en-minga"))
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/hub/home")

    def start(self, profile: str, site: str = "chile") -> None:
        """Fill the start form in and send it."""
        self.go("/hub/spawn")
        self.page.check(f"input[name=site][value={site}]")
        self.page.check(f"input[name=profile][value={profile}]")
        self.page.click("#spawn_form button[type=submit]")

    def look(self, name: str) -> None:
        """Take a picture; note foreign sentences, a wrong `lang`, text wider than the screen."""
        page, where = self.page, f"{name} ({self.language}, {self.size})"
        if page.locator("html").get_attribute("lang") != self.language:
            self.problems.append(f"{where}: lang is wrong")
        for text in page.evaluate(ALL_TEXTS):
            if text in self.foreign or self.telling.search(NO_LANGUAGE.sub("", text)):
                self.problems.append(f"{where}: {text!r}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.problems.append(f"{where}: wider than the screen")
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        file = f"{name}-{self.language}-{self.size}-{self.scheme}.png"
        page.screenshot(path=str(ARTIFACTS / file), full_page=True)


VARIANTS = [("es", "wide", "light"), ("en", "phone", "dark")]


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join(variant))
def reader(request, chromium, hub):
    """A reader in Spanish on a desk, then one in English on a phone at night."""
    reader = Reader(chromium, hub, *request.param)
    yield reader
    reader.context.close()


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
    assert (
        reader.page.locator("button[type=submit]").count() == 1
    )  # there is something to authorize
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
