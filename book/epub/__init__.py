"""The whole book of a language as an EPUB, made by pandoc from the page `all/`."""

import tempfile
from pathlib import Path

import pypandoc
from bs4 import BeautifulSoup

from book.pdf import WHOLE
from book.sources import BookError

STYLE = Path(__file__).with_name("style.css")
# What an EPUB has of its own, links beside headings, and formulas drawn beside their MathML.
NOT_FOR_A_BOOK = ".title-page, .whole-contents, a.anchor, .katex-html"
# What pandoc does not know, and so would take out of its box; what is folded stands open.
UNKNOWN = {"aside": "div", "details": "div", "summary": "p"}


def write_books(site: Path, languages: tuple[str, ...], prefix: str, say=print) -> None:
    """Write `<language>/minga-<language>.epub` into the built site.

    Raises BookError when pandoc fails.
    """
    for language in languages:
        target = site / language / f"minga-{language}.epub"
        page = BeautifulSoup((site / language / WHOLE).read_bytes(), "html.parser")
        about = {
            "lang": language,
            "title": page.title.get_text(),
            "identifier": f"urn:minga:book:{language}",
        }
        _convert(_plain(page, f"{prefix}/", f"{site}/"), target, about)
        say(f"epub: {language}, {target.stat().st_size / 1e6:.1f} MB")


def _plain(page: BeautifulSoup, prefix: str, folder: str) -> str:
    """Return the page as pandoc reads it, its pictures at their place on the disk."""
    for element in page.select(NOT_FOR_A_BOOK):
        element.decompose()
    for element in page.find_all(list(UNKNOWN)):
        element.name = UNKNOWN[element.name]
    for chapter in page.select("article.chapter"):  # in no box, so that each gets its own file
        chapter.h1["id"] = chapter["id"]
    for picture in page.find_all("img"):
        picture["src"] = picture["src"].replace(prefix, folder, 1)
    return str(page)


def _convert(html: str, target: Path, about: dict[str, str]) -> None:
    options = [f"--metadata={name}={value}" for name, value in about.items()]
    options += ["--mathml", "--toc", "--toc-depth=2", "--split-level=1", f"--css={STYLE}"]
    with tempfile.TemporaryDirectory(prefix="minga-epub-") as folder:
        page = Path(folder) / "book.html"
        page.write_text(html, encoding="utf-8")
        try:
            pypandoc.convert_file(
                str(page), "epub3", format="html", outputfile=str(target), extra_args=options
            )
        except RuntimeError as error:
            raise BookError(f"pandoc could not write {target}:\n{error}") from error
