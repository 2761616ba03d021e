"""Chapters as the checks see them: their words in each language, and their run time."""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from book.execute import code_key, execute
from book.sources import LANGUAGES, Page, read_page, read_project, write_sources
from book.sources import page_files as _page_files
from translation import markdown

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
WORK = ROOT / "_build" / "courses-work"
KEPT = ROOT / "_build" / "book-work" / "executed"  # the book's own: what it ran is not run again

# Text in code is not prose; a formula is not made of words.
_IN_CODE = ("string", "f-string", "docstring", "comment")
_NO_PROSE = re.compile(r"\$\$?.+?\$\$?|`[^`]*`|\]\([^)]*\)|<[^>]*>|https?://\S+", re.DOTALL)


def pages(chapter: str) -> dict[str, Page]:
    """Return a chapter by language. Raises BookError."""
    return {language: read_page(BOOK, f"{chapter}.md", language) for language in LANGUAGES}


def listed() -> list[str]:
    """Return the chapters that the book's contents name."""
    return [Path(file).stem for file in _page_files(read_project(BOOK)["project"]["toc"])]


def words(page: Page) -> int:
    """Count the words of a page's prose, without code and formulas."""
    texts = (s.msgid for s in markdown.segments(page.text) if s.kind not in _IN_CODE)
    return sum(len(re.findall(r"[^\W\d_]+", _NO_PROSE.sub(" ", text))) for text in texts)


def run(chapters: Iterable[str]) -> dict[str, float]:
    """Run the chapters' code where it was not run before; return the seconds of each.

    Raises BookError for a cell that fails.
    """
    found = [page for chapter in chapters for page in pages(chapter).values()]
    folders = {language: WORK / language for language in LANGUAGES}
    for language, folder in folders.items():
        # What cells of an earlier run wrote is not there for the book either.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_sources(BOOK, folder, language, [])
    # Before they run: the files that they write count as little as in the book.
    keys = [
        (page.slug, code_key(page.notebook, folders[page.language]))
        for page in found
        if page.notebook is not None
    ]
    execute(found, folders, KEPT)
    seconds = {}
    for slug, key in keys:
        saved = json.loads((KEPT / f"{key}.json").read_text(encoding="utf-8"))
        seconds[slug] = max(seconds.get(slug, 0), saved["seconds"])
    return seconds
