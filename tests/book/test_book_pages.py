"""The built sample book in a browser: both languages, offline, with and without script."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
from playwright.sync_api import expect

from book.sources import THEME

pytestmark = pytest.mark.slow
PAGES = ("", "muestra/", "breve/", "buscar/")
LANGUAGES = ("es", "en")
AXE = (THEME / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "other"), [("es", "en"), ("en", "es")])
def test_every_page_switches_to_the_same_page(reader, host, language, other, path):
    page = reader(f"{language}/{path}")
    assert page.locator("html").get_attribute("lang") == language
    for code in LANGUAGES:
        alternate = page.locator(f'link[rel=alternate][hreflang="{code}"]').get_attribute("href")
        assert alternate == f"/services/book/{code}/{path}"
    canonical = page.locator("link[rel=canonical]").get_attribute("href")
    # What is not translated yet is the Spanish page again.
    assert canonical == f"/services/book/{'es' if path == 'breve/' else language}/{path}"
    page.locator(".languages a").click()
    page.wait_for_url(f"{host}/services/book/{other}/{path}")
    assert page.locator("html").get_attribute("lang") == other
    cookies = {c["name"]: (c["value"], c["path"]) for c in page.context.cookies()}
    assert cookies["minga_language"] == (other, "/")
    assert reader.problems == []


def test_the_switch_keeps_the_place_on_the_page(reader, host):
    page = reader("es/muestra/#fig-parabola")
    page.locator(".languages a").click()
    page.wait_for_url(f"{host}/services/book/en/muestra/#fig-parabola")
    # Read on without any link: the section in view counts, also one without a label.
    page.locator("h2", has_text="A long equation").evaluate(
        "h => h.scrollIntoView({behavior: 'instant'})"
    )
    # Playwright's own click would first scroll the page to bring the header into view.
    page.locator(".languages a").evaluate("a => a.click()")
    page.wait_for_url(f"{host}/services/book/es/muestra/#muestra-una-ecuacion-larga")
    assert page.locator("h2:target").inner_text().startswith("Una ecuación larga")


@pytest.mark.parametrize(
    ("path", "target", "shown"),
    [
        ("es/muestra/", "#tab-pasos", "Largo del paso y lo que ocurre"),
        ("es/muestra/", "#eq-paso", "w"),
        ("en/breve/", "muestra/#fig-parabola", "Eight steps"),
        ("es/breve/", "muestra/#sec-pregunta", "Estás en una montaña"),
    ],
)
def test_a_reference_shows_what_it_leads_to(reader, path, target, shown):
    page = reader(path)
    link = page.locator(f'a.xref[href$="{target}"]').first
    link.focus()
    box = page.get_by_role("tooltip")
    expect(box).to_contain_text(shown)
    assert link.get_attribute("aria-describedby") == box.get_attribute("id")
    assert page.evaluate(
        "ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        "ids.length === new Set(ids).size"
    )
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert reader.problems == []


def test_code_and_citation_can_be_copied(reader, host):
    page = reader("es/muestra/", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".cell .code").first.hover()
    page.locator(".cell .tools").first.get_by_role("button", name="Copiar el código").click()
    assert "# El camino del caminante" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_text("Citar esta página").click()
    expect(page.locator(".cite p")).to_contain_text(f"{host}/services/book/es/muestra/. CC BY 4.0")
    assert "title = {Bajar una montaña a ciegas}" in page.locator(".cite pre").inner_text()
    assert reader.problems == []


@pytest.mark.parametrize(
    ("language", "path", "width"),
    [*((x, path, 390) for x in LANGUAGES for path in PAGES), ("es", "muestra/", 1280)],
)
def test_no_page_moves_sideways_and_all_pictures_load(reader, language, path, width):
    page = reader(f"{language}/{path}", width=width, wait="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for image in page.locator("article img:visible").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("i => i.naturalWidth") > 0
        assert image.get_attribute("alt")
    assert reader.problems == []


@pytest.mark.parametrize(
    ("language", "note", "warning", "figure", "table"),
    [
        ("es", "Nota", "Advertencia", "Figura\u00a01", "Tabla\u00a01"),
        ("en", "Note", "Warning", "Figure\u00a01", "Table\u00a01"),
    ],
)
def test_the_books_own_words_are_in_the_pages_language(
    reader, language, note, warning, figure, table
):
    page = reader(f"{language}/muestra/")
    titles = page.locator(".admonition-title").all_inner_texts()
    assert titles[0] == note and titles[-1] == warning
    assert page.locator("figcaption .caption-number").all_inner_texts() == [figure, table]
    assert figure in page.locator("a.xref").all_inner_texts()
    elsewhere = reader(f"{language}/breve/")
    link = elsewhere.locator("a.xref", has_text=figure)
    assert link.get_attribute("href") == f"/services/book/{language}/muestra/#fig-parabola"


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_is_readable_without_script(reader, language):
    page = reader(f"{language}/muestra/", java_script_enabled=False)
    for locator in ("h1", "#sec-pregunta", ".katex", "figure img", "table", ".contents a"):
        expect(page.locator(locator).first).to_be_visible()
    assert page.locator(".hljs-keyword").count() > 3
    assert "1.800 1.080" in page.locator(".output-text").first.inner_text()
    expect(page.locator(".widget-note")).to_be_visible()
    still = page.locator(".widget img")
    still.scroll_into_view_if_needed()
    assert still.evaluate("i => i.naturalWidth") > 300
    expect(page.locator("button.theme")).to_be_hidden()
    page.locator(".languages a").click()
    assert page.locator("html").get_attribute("lang") != language


def test_contents_are_a_disclosure_on_the_phone(reader):
    page = reader("es/muestra/", width=390)
    link = page.locator(".contents a", has_text="Una página breve")
    expect(link).to_be_hidden()
    page.locator(".contents summary").click()
    link.click()
    expect(page.locator("h1")).to_have_text("Una página breve")
    assert reader.problems == []


def test_a_figure_shows_its_cells_picture_once(reader):
    page = reader("es/muestra/")
    assert page.locator("article img.plot:not(.still img)").count() == 1


@pytest.mark.parametrize(("language", "label"), [("es", "Paso"), ("en", "Step")])
def test_the_slider_moves_the_drawing_without_a_kernel(reader, language, label):
    page = reader(f"{language}/muestra/", wait="networkidle")
    assert page.locator(".widget .noUi-handle").count() == 0  # not before somebody is near
    page.locator(".widget .still").scroll_into_view_if_needed()
    handle = page.locator(".widget .noUi-handle")
    expect(handle).to_have_attribute("aria-label", label)
    picture = page.locator(".widget img:visible")
    before = picture.get_attribute("src")
    handle.press("ArrowRight")
    expect(page.locator(".widget-readout")).to_have_text("2")
    assert page.locator(".widget img:visible").get_attribute("src") != before
    assert reader.problems == []


def test_the_widget_player_loads_only_where_a_widget_is(reader):
    asked = []
    page = reader("es/breve/", wait="networkidle")
    page.on("request", lambda request: asked.append(request.url))
    page.reload(wait_until="networkidle")
    assert asked and not [url for url in asked if "widgets" in url or "math-" in url]


def test_the_hub_link_names_course_and_assignment(reader):
    page = reader("en/muestra/")
    links = page.get_by_role("link", name="Open in the hub").all()
    assert len(links) == 2
    for link in links:
        # The hub remembers the language, offers the course, and then opens the assignment.
        first = urlsplit(link.get_attribute("href"))
        assert first.path == "/hub/language/en"
        start = urlsplit(parse_qs(first.query)["next"][0])
        query = parse_qs(start.query)
        assert (start.path, query["course"]) == ("/hub/spawn", ["ai-foundations"])
        assert query["language"] == ["en"]
        last = urlsplit(query["next"][0])
        assert last.path == "/hub/user-redirect/minga/open"
        assert parse_qs(last.query) == {
            "course": ["ai-foundations"],
            "assignment": ["descenso-de-gradiente"],
        }
    assert page.get_by_role("link", name="Try it here").count() == 0  # it imports numpy
    assert reader("en/breve/").get_by_role("link", name="Open in the hub").count() == 0


def test_colours_follow_the_system_and_then_the_reader(reader):
    page = reader("es/", color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Usar colores claros").click()
    light = page.evaluate(ground)
    assert sum(map(int, light[4:-1].split(", "))) > 600 > sum(map(int, dark[4:-1].split(", ")))
    page.reload()
    assert page.evaluate(ground) == light


@pytest.mark.parametrize("query", ["arbol", "Árboles", "ARBOLES"])
def test_search_takes_no_notice_of_accents(reader, query):
    page = reader(f"es/buscar/?q={query}")
    expect(page.locator(".results li a")).to_have_text("Una página breve")
    assert reader.problems == []


def test_a_wrong_address_leads_back(reader):
    page = reader("en/nothing/")
    expect(page.locator("h1")).to_have_text("There is no page here")
    assert page.locator("article a").count() == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "width"),
    [("es/muestra/", 390), ("en/muestra/", 1280), ("en/", 390), ("es/buscar/?q=paso", 1280)],
)
def test_axe_finds_nothing(reader, path, width, scheme):
    page = reader(path, width, "networkidle", color_scheme=scheme, bypass_csp=True)
    page.evaluate(AXE)
    result = page.evaluate("axe.run()")
    found = [(v["id"], [n["html"] for n in v["nodes"]]) for v in result["violations"]]
    assert found == []


def test_keyboard_readers_can_skip_to_the_text(reader):
    page = reader("es/muestra/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Saltar al contenido"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"


def test_only_labelled_equations_are_numbered(reader):
    page = reader("es/muestra/")
    assert page.locator(".equation").count() == 2
    assert page.locator(".equation-number").all_inner_texts() == ["(1)"]
    assert page.locator('a.xref[href="#eq-paso"]').inner_text() == "(1)"


def test_the_notebook_can_be_downloaded_with_title_and_outputs(reader, host):
    page = reader("es/muestra/")
    href = page.get_by_role("link", name="Descargar el cuaderno").get_attribute("href")
    notebook = nbformat.reads(page.request.get(host + href).text(), as_version=4)
    assert notebook.cells[0].source == "# Bajar una montaña a ciegas"
    assert "1.800 1.080" in notebook.cells[4].outputs[0].text
    text = "".join(cell.source for cell in notebook.cells)
    assert "https://doi.org/10.1137/141000671" in text and ".invalid" not in text


def test_text_titles_and_contents_are_translated(reader):
    page = reader("en/muestra/")
    assert page.title() == "Down a mountain blindfolded · Sample book"
    expect(page.locator("h1")).to_have_text("Down a mountain blindfolded")
    assert page.locator(".contents .group").inner_text() == "First part"
    assert "The rule (1) is the whole algorithm" in page.locator("article").inner_text()
    assert page.locator(".untranslated").count() == 0
    assert page.locator(".outline a").first.inner_text() == "The question"


def test_a_doi_stays_a_link_and_asks_nobody(reader):
    link = reader("en/muestra/").get_by_role("link", name="Julia")
    assert link.get_attribute("href") == "https://doi.org/10.1137/141000671"


def test_the_site_names_no_other_host_to_load_from(built):
    """What pages, styles and our scripts load comes from this host (links may lead elsewhere)."""
    site, _ = built
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = Path(path).read_text(encoding="utf-8")
        assert not re.search(r'(src|srcset)="(https?:)?//|url\(["\']?(https?:)?//|@import', text), (
            path
        )
        for link in re.findall(r"<link [^>]*>", text):
            assert "//" not in link.replace("http://www.w3.org/2000/svg", "").replace("%2F%2F", "")
