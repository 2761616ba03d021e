"""Build the book: `python -m book.build` makes one static site of all languages.

Sources → translated → executed (saved by content) → mystmd with our theme → one folder that any
web server can serve under `/services/book/`.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from book import epub, in_browser, lite, pdf
from book.execute import execute
from book.feeds import write_feeds
from book.site import REPOSITORY, front_door, read_courses, settings
from book.sources import (
    LANGUAGES,
    SOURCE_LANGUAGE,
    THEME,
    BookError,
    Page,
    files_in,
    page_files,
    read_pages,
    read_project,
    write_download,
    write_sources,
)

PREFIX = "/services/book"
BUILD = REPOSITORY / "_build"
STATIC = "static"  # files that are served as they are, at <prefix>/static/, once for all languages
NOT_SOURCES = {"node_modules", "__pycache__", "_build"}
STAMP = ".made-of"  # in the site's folder: a digest of what it was made of


def build(
    source: Path,
    output: Path,
    work: Path,
    prefix: str = PREFIX,
    say=print,
    *,
    address: str = "",
    with_pdf: bool = False,
    with_epub: bool = False,
    python: lite.Lite | None = None,
) -> Path:
    """Build the book in `source` into the folder `output` (replaced as a whole); return `output`.

    `work` keeps what a second build can use again. `address` is where the public finds the site
    (https://book.example.org), for links that must name it; `python` is what runs pages in the
    reader's browser, if it is to be had. Raises BookError, and leaves the old
    site as it was, when a page, a cell or a reference is wrong.
    """
    started = time.monotonic()
    _require_theme()
    files = page_files(read_project(source)["project"]["toc"])
    folders = {language: _empty(work / language) for language in LANGUAGES}
    pages = read_pages(source, files, work / "read")
    for language in LANGUAGES:
        _report_translation(language, [p for p in pages if p.language == language], say)
    for language, folder in folders.items():
        # The cells run beside the files they read, so these are there first.
        write_sources(source, folder, language, [])
    run = execute(pages, folders, work / "executed")
    say(f"code: {sum(p.notebook is not None for p in pages)} pages, {run} run now")
    for language, folder in folders.items():
        write_sources(source, folder, language, [p for p in pages if p.language == language])

    courses = read_courses()
    able = in_browser.pages_that_run(pages, python, say)

    def render(language: str) -> None:
        own = [page for page in pages if page.language == language]
        here = {p.slug: in_browser.address(prefix, p) for p in able if p.language == language}
        told = settings(
            source,
            language,
            own,
            courses,
            prefix=prefix,
            address=address,
            pdf=with_pdf,
            epub=with_epub,
            here=here,
            megabytes=python.megabytes if python else 0,
        )
        _render(folders[language], told)

    with ThreadPoolExecutor(len(LANGUAGES)) as pool:
        list(pool.map(render, LANGUAGES))

    fresh = _empty(output.with_name(output.name + ".new"))
    for language, folder in folders.items():
        shutil.copytree(folder / "_build/html", fresh / language, dirs_exist_ok=True)
        write_feeds(courses, fresh / language, language, f"{address}{prefix}" if address else "")
    for page in pages:
        if page.notebook is not None:
            write_download(page, fresh / page.language / "notebooks" / f"{page.slug}.ipynb")
    if able:
        in_browser.place(python, fresh, able)
    if (source / STATIC).is_dir():
        shutil.copytree(source / STATIC, fresh / STATIC)
    (fresh / "index.html").write_text(front_door(prefix), encoding="utf-8")
    if with_pdf:
        pdf.print_book(fresh, LANGUAGES, work / "pdf", prefix, say)
    if with_epub:
        epub.write_books(fresh, LANGUAGES, prefix, say)
    _replace(output, fresh)
    say(f"book: {output} ({time.monotonic() - started:.1f} s)")
    return output


def _require_theme() -> None:
    if not (THEME / "node_modules/esbuild/bin/esbuild").exists():
        raise BookError(
            "The theme is not set up. Once, in book/theme:\n"
            "  npm ci --ignore-scripts && node node_modules/esbuild/install.js"
        )


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _replace(output: Path, fresh: Path) -> None:
    """Put the new site in the old one's place between two requests."""
    old = output.with_name(output.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    fresh.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def _report_translation(language: str, pages: list[Page], say) -> None:
    if language == SOURCE_LANGUAGE:
        return
    behind = [f"{page.slug} {page.translated:.0%}" for page in pages if page.translated < 1]
    if behind:
        say(f"{language}: not fully translated: {', '.join(behind)}")


def _render(folder: Path, told: dict) -> None:
    language = told["language"]
    settings_file = folder / "settings.json"
    settings_file.write_text(json.dumps(told), encoding="utf-8")
    # mystmd takes options from the environment: PORT is the hub's, and an empty one stops it.
    inherited = {name: value for name, value in os.environ.items() if name != "PORT"}
    environment = {
        **inherited,
        "BASE_URL": f"{told['root']}/{language}",
        "MINGA_BOOK_SETTINGS": str(settings_file),
        # mystmd asks for HOST; whatever the machine's variable says, it stays on this machine.
        "HOST": "localhost",
        "NO_COLOR": "1",
    }
    command = [sys.executable, "-m", "jupyter_book", "build", "--html", "--strict"]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    text = result.stdout + result.stderr
    if result.returncode or not (folder / "_build/html/index.html").exists():
        raise BookError(f"mystmd could not build the pages in '{language}':\n{text.strip()}")
    # It ends well in spite of a reference that leads nowhere; a reader would not.
    warnings = [line.strip() for line in text.splitlines() if line.startswith(("⚠", "⛔"))]
    if warnings:
        raise BookError(f"mystmd warns about the pages in '{language}':\n" + "\n".join(warnings))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m book.build", description=__doc__)
    parser.add_argument("--source", type=Path, default=REPOSITORY / "book", metavar="DIR")
    parser.add_argument("--output", type=Path, default=BUILD / "book", metavar="DIR")
    parser.add_argument("--work", type=Path, default=BUILD / "book-work", metavar="DIR")
    parser.add_argument("--prefix", default=PREFIX, help="path of the site's address (%(default)s)")
    parser.add_argument(
        "--if-changed", action="store_true", help="do nothing when the site was made of these files"
    )
    parser.add_argument(
        "--address", default="", metavar="URL", help="scheme and host that the public uses"
    )
    parser.add_argument("--pdf", action="store_true", help="print each language as a PDF too")
    parser.add_argument("--epub", action="store_true", help="write each language as an EPUB too")
    options = parser.parse_args(arguments)
    paths = (options.source.resolve(), options.output.resolve(), options.work.resolve())
    python = lite.find()
    made_of = _made_of(
        paths[0],
        f"{options.prefix} {options.address} {options.pdf} {options.epub} "
        f"{python and python.folder.name}",
    )
    stamp = paths[1] / STAMP
    if options.if_changed and stamp.is_file() and stamp.read_text() == made_of:
        return 0
    if python is None:
        print(
            "book: without 'try it here', which comes with:  python -m book.lite", file=sys.stderr
        )
    try:
        build(
            *paths,
            prefix=options.prefix.rstrip("/"),
            address=options.address.rstrip("/"),
            with_pdf=options.pdf and pdf.can_print(),
            with_epub=options.epub,
            python=python,
        )
    except BookError as error:
        print(f"book: {error}", file=sys.stderr)
        return 1
    stamp.write_text(made_of)
    return 0


def _made_of(source: Path, options: str) -> str:
    """Return a digest of all that a build reads: pages, catalogs, theme, tools, versions."""
    digest = hashlib.sha256(f"{options} {sys.version}".encode())
    folders = {source.resolve(), REPOSITORY / "book", REPOSITORY / "translation"}
    files = {file for folder in folders for file in files_in(folder, NOT_SOURCES)}
    files |= {REPOSITORY / "uv.lock", *(REPOSITORY / "courses").glob("*/course.yaml")}
    for file in sorted(files):
        digest.update(f"{file}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
