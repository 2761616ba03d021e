"""The page in a browser: both languages, wide and narrow, light and dark; and its files."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
import requests
from babel.dates import format_date

from book.sources import THEME
from tests.conftest import ROOT, free_port
from tests.transparency.test_transparency_figures import PEOPLE, classroom
from transparency.database import Database
from transparency.page import COLUMNS
from transparency.publish import later, month_of
from transparency.record import read_key
from transparency.settings import Settings

pytestmark = pytest.mark.slow
AXE = (THEME / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
ARTIFACTS = ROOT / "artifacts" / "transparency"
TITLES = {
    "uc": {"es": "Universidad Católica", "en": "Catholic University"},
    "usach": {"es": "Universidad de Santiago", "en": "University of Santiago"},
    "uniandes": {"es": "Universidad de los Andes", "en": "University of the Andes"},
}


# The service goes by the real clock: these are over, and published.
MONTHS = [later(month_of(time.time()), -months) for months in (4, 3, 2)]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The real service, with three months of generated sessions; its address."""
    folder = tmp_path_factory.mktemp("transparency")
    settings = Settings(
        folder=str(folder),
        institutions={
            name: {"title": title, "country": PEOPLE[name][0]} for name, title in TITLES.items()
        },
        courses={"ai": {"es": "Bases de la IA", "en": "Foundations of AI"}},
        sites={"chile": {"es": "Santiago"}, "colombia": {"es": "Bogotá"}},
        gpu_watts=400,
        pue=1.4,
    )
    database = Database(settings.database_url)
    database.migrate()
    with database.transaction() as session:
        # A country of three: they are not to be found.
        sessions, _ = classroom(read_key(settings.key_file), MONTHS)
        few = [each for each in sessions if each.institution == "usach"]
        for each, person in zip(few, ["one", "two", "three"] * len(few), strict=False):
            each.person, each.institution, each.country = person, "lonely", "PE"
        session.add_all(sessions)
    database.close()
    port = free_port()
    service = subprocess.Popen(
        [sys.executable, "-m", "transparency"],
        cwd=ROOT,
        env={
            **os.environ,
            "MINGA_TRANSPARENCY": settings.to_json(),
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
        },
    )
    address = f"http://127.0.0.1:{port}/services/transparency"
    try:
        end = time.monotonic() + 60
        while not (settings.site / "en" / "index.html").exists():
            assert service.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        yield address
    finally:
        service.terminate()
        assert service.wait(20) == 0


def test_the_root_leads_to_the_readers_language(served):
    for language in ("es", "en"):
        answer = requests.get(f"{served}/", headers={"Accept-Language": language}, timeout=10)
        assert answer.url == f"{served}/{language}/"
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy


def test_the_files_have_the_same_rows_and_say_what_they_are(served):
    table = requests.get(f"{served}/use.csv", timeout=10)
    rows = list(csv.DictReader(io.StringIO(table.text)))
    known = requests.get(f"{served}/use.json", timeout=10).json()
    assert list(rows[0]) == list(COLUMNS) == list(known["columns"]) == list(known["rows"][0])
    assert [list(row.values()) for row in rows] == [
        ["" if value is None else str(value) for value in row.values()] for row in known["rows"]
    ]
    assert (known["people_per_figure_at_least"], known["gpu_watts"], known["pue"]) == (5, 400, 1.4)
    text = json.dumps(known)
    assert "lonely" not in text and '"PE"' not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["es", "en"])
def test_the_page_is_whole_and_open_to_everybody(chromium, served, language, width, scheme):
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,  # for axe; the page itself has no script
    )
    page = context.new_page()
    asked, problems = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda r: problems.append((r.status, r.url)) if r.status >= 400 else None)
    page.on("console", lambda message: problems.append(message.text))
    page.goto(f"{served}/{language}/")
    assert not problems and all(url.startswith(served) for url in asked)
    assert page.locator("script").count() == 0
    assert page.locator("html").get_attribute("lang") == language
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    text = page.locator("main").inner_text().lower()
    assert TITLES["uc"][language].lower() in text and "lonely" not in text
    for month in MONTHS:
        assert (
            format_date(date.fromisoformat(f"{month}-01"), "LLLL y", locale=language).lower()
            in text
        )
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    picture = Path(ARTIFACTS) / f"use-{language}-{width}-{scheme}.png"
    page.screenshot(path=str(picture), full_page=True)
    page.evaluate(AXE)
    result = page.evaluate("axe.run()")
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in result["violations"]] == []
    context.close()
