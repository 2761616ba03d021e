"""A third language is one line in the deployment and a folder of catalogs.

A copy of the repository gets the pseudo-language (every letter with a mark), and is then built
and started. What a reader sees in plain letters could not be translated.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import requests
import yaml
from bs4 import BeautifulSoup

from translation import pseudo
from translation.documents import configuration, find
from translation.languages import PSEUDO
from translation.nbgrader_stubs import STUBS
from translation.spelling import NOT_PROSE

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
LANGUAGES = ("es", "en", PSEUDO)
CATALOGS = ("glosario", "myst")
PLAIN = re.compile(r"[a-zA-Z]{3,}")
# Names, and what is not Minga's to say: the other languages' own names, JupyterHub's, accounts.
NAMES = re.compile(r"\b(Minga|English|Español|ana|JupyterHub|docente|Chile|Colombia)\b")
# What an installation says itself, in the languages that it likes (hub_for_pages.py).
ITS_OWN = re.compile("Fundamentos de IA|Supercómputo|Cuaderno|Una GPU|Cuatro GPU")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of this repository with one more language in its deployment, and its catalogs."""
    root = tmp_path_factory.mktemp("third") / "minga"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)
    for folder in ("book/theme", "deploy/proxy"):
        (root / folder / "node_modules").symlink_to(REPOSITORY / folder / "node_modules")
    deployment = root / "hub_config/deployments/local.yaml"
    text = deployment.read_text()
    assert "languages: [es, en]" in text
    deployment.write_text(text.replace("languages: [es, en]", f"languages: [es, en, {PSEUDO}]"))
    run(root, "-m", "translation", "pseudo")
    return root


def run(root: Path, *arguments: str) -> str:
    """Run Python in the copy; its own output is what a failure shows."""
    environment = {k: v for k, v in os.environ.items() if k != "MINGA_DEPLOYMENT"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment | {"PYTHONPATH": str(root)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def free_ports(count: int) -> int:
    """Return the first of `count` free ports in a row, below those that systems give away."""
    while True:
        first = random.randrange(20_000, 30_000)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


def plain_words(text: str) -> list[str]:
    """Return the words of a text that bear no mark."""
    return PLAIN.findall(NAMES.sub(" ", NOT_PROSE.sub(" ", text)))


def seen(html: str) -> dict[str, str]:
    """Return the texts of a page that people see or hear: by the text, where it is."""
    page = BeautifulSoup(html, "html.parser")
    for other in page.select("script, style, code, pre, svg, .languages, math, .katex"):
        other.decompose()
    strings = page.html.find_all(string=True)
    texts = {text.strip(): text.parent.name for text in strings}
    for name in ("title", "placeholder", "aria-label", "alt"):
        texts |= {tag[name].strip(): name for tag in page.find_all(attrs={name: True})}
    return {text: where for text, where in texts.items() if text}


def texts_in(language: str, value) -> Iterator[str]:
    """Yield the texts that stand beside others in `language`, in order."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, child in value.items() if isinstance(value, dict) else ():
        if key == language:
            yield str(child)
        else:
            yield from texts_in(language, child)


def test_nothing_is_wrong_with_the_catalogs(checkout):
    run(checkout, "-m", "translation", "check", "--no-spelling", "--language", PSEUDO)
    table = run(checkout, "-m", "translation", "status", "--language", PSEUDO)
    assert table.splitlines()[-1].split()[-1] == "100%"


def test_every_document_is_in_the_third_language_and_comes_back(checkout, tmp_path):
    run(checkout, "-m", "translation", "build", "--language", PSEUDO, "--output", str(tmp_path))
    conf = configuration(checkout, targets=(PSEUDO,))
    built = {d.name: d for d in find(configuration(tmp_path, targets=(PSEUDO,)))}
    documents = [d for d in find(conf) if d.path.suffix != ".cfg"]
    assert len(documents) > 8 and set(built) >= {d.name for d in documents}
    for document in documents:
        before = [s.msgid for s in document.segments(PSEUDO)]
        if document.path.suffix == ".yaml":  # the third text stands beside the source's
            after = list(texts_in(PSEUDO, yaml.safe_load(built[document.name].text())))
            assert built[document.name].segments(PSEUDO) == []
        else:
            after = [s.msgid for s in built[document.name].segments(PSEUDO)]
        # What nbgrader puts in place of solutions is the source's until the notebook is released.
        before, after = ([m for m in found if m not in STUBS] for found in (before, after))
        assert not [m for m in after if plain_words(re.sub(r"\{\w+,.*\}", "", m))], document.name
        assert [pseudo.plain(m) for m in after] == before, document.name


def test_assignments_have_a_third_variant_with_the_same_graded_cells(checkout, tmp_path):
    notebooks = sorted((checkout / "courses").glob("*/assignments/*/*.ipynb"))
    assert len(notebooks) > 1
    build = "from pathlib import Path; from courses.variants import build\n"
    for path in notebooks:
        (tmp_path / path.stem).mkdir()
        shutil.copy(path, tmp_path / path.stem)
        names = path.parents[2].name, path.parent.name
        build += f"assert {PSEUDO!r} in build(*{names}, Path({str(tmp_path / path.stem)!r}))\n"
    run(checkout, "-c", build)
    for path in notebooks:
        variant = tmp_path / path.stem / ".languages" / PSEUDO / f"{path.stem}.json"
        nb, source = nbformat.read(variant, 4), nbformat.read(path, 4)
        assert nb.metadata.minga.language == PSEUDO
        for ours, theirs in zip(source.cells, nb.cells, strict=True):
            grading = {**ours.metadata.get("nbgrader", {}), "checksum": None}
            assert {**theirs.metadata.get("nbgrader", {}), "checksum": None} == grading
            assert ours.id == theirs.id


def test_programs_say_it_too(checkout):
    """The exchange and its service, grading and feedback, JupyterLab: out of the same catalogs."""
    said = json.loads(run(checkout, "tests/translation/say_everything.py", PSEUDO))
    assert len(said) > 100
    assert not [(room, text) for room, text in said if plain_words(text)]


@pytest.fixture(scope="module")
def site(checkout):
    """The book with one page, which has no code: that runs once, whatever the languages."""
    source = checkout / "one-page"
    for name in ("glosario.md", *(f"locale/{x}/{y}.po" for x in LANGUAGES[1:] for y in CATALOGS)):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout / "book" / name, source / name)
    myst = yaml.safe_load((checkout / "book/myst.yml").read_text())
    myst["project"]["toc"] = [{"file": "glosario.md"}]
    (source / "myst.yml").write_text(yaml.safe_dump(myst, allow_unicode=True))
    where = ["--source", source, "--output", checkout / "site", "--work", checkout / "work"]
    run(checkout, "-m", "book.build", *map(str, where))
    return checkout / "site"


def test_the_book_has_a_third_site(site):
    page = (site / PSEUDO / "index.html").read_text()
    assert f'lang="{PSEUDO}"' in page
    texts = seen(page)
    assert pseudo.text("Glosario") in texts
    assert not {text: where for text, where in texts.items() if plain_words(text)}
    feed = BeautifulSoup((site / PSEUDO / "courses.atom").read_text(), "xml")
    titles = [title.text for title in feed.select("title, content")]
    assert len(titles) > 4 and not [text for text in titles if plain_words(text)]


@pytest.fixture(scope="module")
def hub(checkout):
    """The address of a hub with the copy's pages (tests/hub_config/pages/hub_for_pages.py)."""
    port = free_ports(5)
    environment = os.environ | {
        "PAGES_PORT": str(port),
        "CONFIGURABLE_HTTP_PROXY": str(
            checkout / "deploy/proxy/node_modules/.bin/configurable-http-proxy"
        ),
        "PYTHONPATH": str(checkout),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    environment.pop("MINGA_DEPLOYMENT", None)
    configuration_file = checkout / "tests/hub_config/pages/hub_for_pages.py"
    log = checkout / "hub.log"
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterhub", "--config", str(configuration_file)],
        cwd=checkout, env=environment, stdout=log.open("w"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                if requests.get(f"{address}/hub/login", timeout=30).ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.5)
        assert process.poll() is None, log.read_text()
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def test_the_hub_speaks_it_from_the_login_to_the_session(hub):
    """The book's switch sets this cookie; login, start page and session follow it."""
    reader = requests.Session()
    reader.cookies.set("minga_language", PSEUDO)
    login = reader.get(f"{hub}/hub/login")
    xsrf = reader.cookies["_xsrf"]
    form = {"username": "ana", "password": "aprender-en-minga", "_xsrf": xsrf}
    home = reader.post(f"{hub}/hub/login?next=%2Fhub%2Fhome", data=form)
    start = reader.get(f"{hub}/hub/spawn")
    for page in (login, home, start):
        assert page.ok and f'lang="{PSEUDO}"' in page.text, page.url
        texts = seen(page.content.decode())
        left = {t: where for t, where in texts.items() if plain_words(ITS_OWN.sub(" ", t))}
        assert not left, f"{page.url}: {json.dumps(left, ensure_ascii=False, indent=1)}"
    field = BeautifulSoup(start.text, "html.parser").select_one("input[name=language]")
    assert field["value"] == PSEUDO
    # The switch offers all three, each by its own name.
    offered = BeautifulSoup(login.text, "html.parser").select(".languages a")
    assert [a["hreflang"] for a in offered] == list(LANGUAGES)


@pytest.fixture
def book(checkout, site):
    """The address of the book, served as the hub serves it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "book.serve", "--site", str(site), "--port", str(port)]
    server = subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().partition(" ")[2].strip()
    finally:
        server.terminate()
        server.wait(30)


def test_a_choice_in_the_book_holds_at_the_login_and_where_a_session_starts(chromium, book, hub):
    """The book's own switch, in a browser that asks for Spanish; cookies do not look at ports."""
    context = chromium.new_context(locale="es-CL")
    page = context.new_page()
    page.goto(book)
    page.wait_for_selector("html[lang=es]")
    page.click("a[hreflang=en]")
    page.wait_for_selector("html[lang=en]")
    page.goto(f"{hub}/hub/login?next=%2Fhub%2Fspawn")
    page.wait_for_selector("html[lang=en]")
    page.fill("input[name=username]", "ana")
    page.fill("input[name=password]", "aprender-en-minga")
    page.click("main button[type=submit]")
    assert page.locator("input[name=language]").get_attribute("value") == "en"
    context.close()
