"""A hub that shows every page, and readers of its pages in a real browser."""

import itertools
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

import polib
import pytest

from translation.sentences import LOCALE

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
def hub(request, tmp_path_factory):
    """The address of a running hub of our own; a module's HUB says what is other about it."""
    folder, port = tmp_path_factory.mktemp("hub"), free_ports(5)
    environment = os.environ | {
        "PAGES_PORT": str(port),
        "CONFIGURABLE_HTTP_PROXY": proxy_command(),
        "PYTHONPATH": str(REPO),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        **getattr(request.module, "HUB", {}),
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
        catalog = polib.pofile(str(LOCALE / "en" / "LC_MESSAGES" / "minga.po"))
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


# Two that differ in everything; MINGA_PAGES=all for each of the eight, to look at.
VARIANTS = [("es", "wide", "light"), ("en", "phone", "dark")]
if os.environ.get("MINGA_PAGES") == "all":
    VARIANTS = list(itertools.product(BROWSER_LANGUAGE, SIZES, ("light", "dark")))


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join(variant))
def reader(request, chromium, hub):
    """A reader in one language, on a desk or a phone, by day or at night."""
    reader = Reader(chromium, hub, *request.param)
    yield reader
    reader.context.close()
