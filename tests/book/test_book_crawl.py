"""Every page of the real book, in every language: complete, accessible, from this host only."""

import posixpath
import re
import shutil
import zipfile
from pathlib import Path

import pypdf
import pytest
from bs4 import BeautifulSoup

from book import lite
from book.build import PREFIX, build
from book.pdf import WHOLE
from book.site import REPOSITORY
from book.sources import LANGUAGES, SOURCE_LANGUAGE, THEME, page_files, read_project

pytestmark = pytest.mark.slow
SLUGS = [
    Path(file).stem for file in page_files(read_project(REPOSITORY / "book")["project"]["toc"])
]
PATHS = [*("" if slug == "index" else f"{slug}/" for slug in SLUGS), "buscar/?q=a"]
AXE = (THEME / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")

# Characters that look like one no font has. A formula's MathML copy is for screen readers only.
MISSING_GLYPHS = r"""() => {
  const SHOWN = /[\p{L}\p{N}\p{S}\p{P}]/u;
  const pen = new OffscreenCanvas(48, 48).getContext("2d", { willReadFrequently: true });
  const draw = (text, font) => {
    pen.clearRect(0, 0, 48, 48);
    pen.font = font;
    pen.fillText(text, 8, 34);
    return pen.getImageData(0, 0, 48, 48).data.join();
  };
  const seen = new Map(), missing = new Set();
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (nodes.nextNode()) {
    const parent = nodes.currentNode.parentElement;
    if (parent.closest("script, style, noscript, .katex-mathml, .widget")) continue;
    const style = getComputedStyle(parent);
    const font = `${style.fontStyle} ${style.fontWeight} 24px ${style.fontFamily}`;
    if (!seen.has(font)) seen.set(font, { tofu: draw("\u0378", font), done: new Set() });
    const { tofu, done } = seen.get(font);
    for (const character of nodes.currentNode.data) {
      if (character <= "~" || done.has(character) || !SHOWN.test(character)) continue;
      done.add(character);
      if (draw(character, font) === tofu) missing.add(`${character} in ${font}`);
    }
  }
  return [...missing];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The real book, with PDFs and EPUBs; outputs that an earlier build saved are taken over."""
    folder = tmp_path_factory.mktemp("crawl")
    kept = REPOSITORY / "_build/book-work/executed"
    if kept.is_dir():
        shutil.copytree(kept, folder / "work/executed")
    return build(
        REPOSITORY / "book",
        folder / "site",
        folder / "work",
        with_pdf=True,
        with_epub=True,
        python=lite.prepare(),
    )


@pytest.fixture(scope="module")
def address(site, serve_site):
    return f"{serve_site(site)}{PREFIX}"


@pytest.fixture(scope="module")
def visitor(chromium, address):
    """A page, and what went wrong on it: all other hosts are refused and remembered."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page, problems = context.new_page(), []
    host = address.removesuffix(PREFIX)

    def judge(route):
        if route.request.url.startswith(f"{host}/"):
            route.continue_()
        else:
            problems.append(f"foreign: {route.request.url}")
            route.abort()

    context.route(lambda url: url.startswith("http"), judge)
    page.on("response", lambda r: problems.append(f"{r.status} {r.url}") if r.status > 399 else 0)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page, problems
    context.close()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_complete_and_accessible(visitor, address, language, path):
    page, problems = visitor
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/{language}/{path}", wait_until="networkidle")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator(".output-text.stderr").count() == 0
    for image in page.locator("article img:visible").all():
        image.scroll_into_view_if_needed()
        image.evaluate("i => i.decode()")
        assert image.get_attribute("alt")
    assert page.evaluate("[...document.fonts].filter(f => f.status === 'error').length") == 0
    assert page.evaluate(MISSING_GLYPHS) == []
    page.evaluate(AXE)
    assert violations(page, "{}") == []
    page.emulate_media(color_scheme="dark")  # only colours can differ
    assert violations(page, "{runOnly: ['color-contrast', 'link-in-text-block']}") == []
    page.emulate_media(color_scheme="light")
    for width in (768, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert violations(page, "{}") == []
    assert problems == []


def violations(page, options: str) -> list:
    found = page.evaluate(f"axe.run({options})")["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize("path", [path for path in PATHS if "?" not in path])
def test_the_switch_leads_to_the_same_section(visitor, address, path):
    page, problems = visitor
    page.set_viewport_size({"width": 1280, "height": 900})
    places = {}
    for language in LANGUAGES:
        page.goto(f"{address}/{language}/{path}")
        places[language] = page.evaluate(
            "[...document.querySelectorAll('article :is(h2, h3, h4, figure, .equation)[id]')]"
            ".map(e => `${e.tagName} ${e.id}`)"
        )
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
    assert len({tuple(ids) for ids in places.values()}) == 1
    # Read on to each section by hand, then press the switch.
    for other in [language for language in LANGUAGES if language != SOURCE_LANGUAGE]:
        titles = page.locator("article > :is(h2, h3)[id]")
        for number in range(titles.count()):
            page.goto(f"{address}/{SOURCE_LANGUAGE}/{path}")
            title = titles.nth(number)
            section = title.get_attribute("id")
            title.evaluate("h => h.scrollIntoView({behavior: 'instant'})")
            if page.evaluate("scrollY") < 80:
                continue
            at_end = page.evaluate("scrollY + innerHeight > document.body.scrollHeight - 2")
            # Playwright's own click would first scroll the page to bring the header into view.
            page.locator(f".languages a[lang={other}]").evaluate("a => a.click()")
            start = f"{address}/{other}/{path}#"
            page.wait_for_url(lambda url, start=start: url.startswith(start))
            # The last sections cannot come to the top; they are then in view together.
            seen = page.evaluate("decodeURIComponent(location.hash.slice(1))")
            assert seen == section or at_end
    assert problems == []


def test_a_page_is_tried_in_the_browser_and_asks_no_other_host(chromium, address):
    """The button opens the notebook, all its cells run there, and print what the page shows."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="es-CL")
    asked = []  # by pages and by workers
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(f"{address}/es/calentamiento/", wait_until="networkidle")
    printed = page.locator("pre.output-text").all_inner_texts()
    assert not [url for url in asked if "/lite/" in url]
    with context.expect_page() as opened:
        page.get_by_role("link", name="Pruébalo aquí").click()
    notebook = opened.value
    notebook.locator(".jp-CodeCell").first.wait_for(timeout=120_000)
    notebook.locator(".lm-MenuBar-itemLabel").nth(3).click()
    notebook.get_by_text("Ejecutar todas las celdas", exact=True).click()
    # The last cell shows a control: the kernel and the page speak to each other.
    notebook.locator(".jp-OutputArea .noUi-handle").wait_for(timeout=300_000)
    outputs = notebook.locator(".jp-OutputArea-output pre").all_text_contents()
    assert [text.strip() for text in outputs] == [text.strip() for text in printed]
    assert (
        notebook.evaluate("fetch('/hub/home').then(() => 'answered', () => 'refused')") == "refused"
    )
    assert [url for url in asked if url.endswith("pyodide.asm.wasm")]
    assert [url for url in asked if not url.startswith(address.removesuffix(PREFIX))] == []
    context.close()


def test_search_takes_no_notice_of_accents(visitor, address):
    page, problems = visitor
    page.goto(f"{address}/es/buscar/?q=funcion", wait_until="networkidle")
    assert "función" in page.locator(".results mark").all_inner_texts()
    assert problems == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_book_is_a_pdf_with_contents_links_figures_and_accents(
    site, visitor, address, language
):
    page, problems = visitor
    page.goto(f"{address}/{language}/all/", wait_until="networkidle")
    assert page.evaluate("[...document.images].filter(i => !i.naturalWidth).length") == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    inside = page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash)")
    assert {target.removeprefix("#") for target in inside} <= set(ids)
    book = pypdf.PdfReader(site / language / f"minga-{language}.pdf")
    text = " ".join(" ".join(sheet.extract_text() for sheet in book.pages).split())
    for label in page.locator(".caption-number").all_inner_texts():
        assert label.replace("\u00a0", " ") in text.replace("\u00a0", " ")
    for title in page.locator(".chapter > h1").all_inner_texts():
        assert title in text
    assert "á" in text and "é" in text and len(book.outline) > len(SLUGS)
    assert sum(len(sheet.get("/Annots") or []) for sheet in book.pages) >= len(inside)
    assert problems == []
    link = f"/{language}/minga-{language}.pdf"
    assert link in (site / language / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_book_is_an_epub_that_needs_nothing_else(site, language):
    with zipfile.ZipFile(site / language / f"minga-{language}.epub") as book:
        names = set(book.namelist())
        pages = {name: BeautifulSoup(book.read(name), "xml") for name in names if ".xhtml" in name}
        package = BeautifulSoup(book.read("EPUB/content.opf"), "xml")
    assert package.find("language").text == language
    shown = (site / language / WHOLE).read_text(encoding="utf-8")
    chapters = re.findall(r'<article class="chapter".*?<h1>(.*?)</h1>', shown)
    assert len(chapters) == len(SLUGS) - 1
    first = [page.h1.text for page in pages.values() if page.h1]
    assert set(chapters) <= set(first)  # each has a file of its own
    told = ("math", "img", "figcaption", "table", "dl")
    for kind in told:  # nothing of the page is lost, nothing stands there twice
        assert sum(len(page.find_all(kind)) for page in pages.values()) == shown.count(f"<{kind}")
    for name, page in pages.items():
        for picture in page.find_all("img"):
            assert posixpath.normpath(f"{posixpath.dirname(name)}/{picture['src']}") in names
            assert picture["alt"]
        for link in page.find_all("a", href=True):
            address, _, place = link["href"].partition("#")
            if not re.match(r"https?:|mailto:|/", address):
                target = posixpath.normpath(f"{posixpath.dirname(name)}/{address or name}")
                there = pages[target if address else name]
                assert not place or there.find(id=place), link
    tips = sum(len(page.select(".admonition")) for page in pages.values())
    assert tips == len(re.findall('class="admonition ', shown)) > 0
