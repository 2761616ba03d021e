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

import polib

from book.execute import execute
from book.sources import (
    LANGUAGES,
    SOURCE_LANGUAGE,
    THEME,
    BookError,
    Page,
    page_files,
    read_page,
    read_project,
    write_download,
    write_sources,
)

REPOSITORY = Path(__file__).parent.parent
PREFIX = "/services/book"
BUILD = REPOSITORY / "_build"
STAMP = ".made-of"  # in the site's folder: a digest of what it was made of


def build(source: Path, output: Path, work: Path, prefix: str = PREFIX, say=print) -> Path:
    """Build the book in `source` into the folder `output` (replaced as a whole); return `output`.

    `work` keeps what a second build can use again. Raises BookError, and leaves the old site as
    it was, when a page, a cell or a reference is wrong.
    """
    started = time.monotonic()
    _require_theme()
    files = page_files(read_project(source)["project"]["toc"])
    folders = {language: _empty(work / language) for language in LANGUAGES}
    pages = [read_page(source, file, language) for language in LANGUAGES for file in files]
    for language in LANGUAGES:
        _report_translation(language, [p for p in pages if p.language == language], say)
    for language, folder in folders.items():
        # The cells run beside the files they read, so these are there first.
        write_sources(source, folder, language, [])
    run = execute(pages, folders, work / "executed")
    say(f"code: {sum(p.notebook is not None for p in pages)} pages, {run} run now")
    for language, folder in folders.items():
        write_sources(source, folder, language, [p for p in pages if p.language == language])

    with ThreadPoolExecutor(len(LANGUAGES)) as pool:
        list(
            pool.map(lambda language: _render(folders[language], language, pages, prefix), folders)
        )

    fresh = _empty(output.with_name(output.name + ".new"))
    for language, folder in folders.items():
        shutil.copytree(folder / "_build/html", fresh / language, dirs_exist_ok=True)
    for page in pages:
        if page.notebook is not None:
            write_download(page, fresh / page.language / "notebooks" / f"{page.slug}.ipynb")
    (fresh / "index.html").write_text(_front_door(prefix), encoding="utf-8")
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


def interface_words(language: str) -> dict[str, str]:
    """Return the theme's own words in a language (source: theme/words.json)."""
    words = json.loads((THEME / "words.json").read_text(encoding="utf-8"))
    if language == SOURCE_LANGUAGE:
        return words
    entries = polib.pofile(str(THEME / "locale" / language / "theme.po"))
    translated = {entry.msgid: entry.msgstr for entry in entries if entry.translated()}
    return {key: translated.get(text, text) for key, text in words.items()}


def _render(folder: Path, language: str, pages: list[Page], prefix: str) -> None:
    words = folder / "words.json"
    words.write_text(json.dumps(interface_words(language)), encoding="utf-8")
    own = [page for page in pages if page.language == language]
    # mystmd takes options from the environment: PORT is the hub's, and an empty one stops it.
    inherited = {name: value for name, value in os.environ.items() if name != "PORT"}
    environment = {
        **inherited,
        "BASE_URL": f"{prefix}/{language}",
        "MINGA_BOOK_LANGUAGE": language,
        "MINGA_BOOK_WORDS": str(words),
        "MINGA_BOOK_TRANSLATED": json.dumps({page.slug: page.translated for page in own}),
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


def _front_door(prefix: str) -> str:
    """The page at the root: the reader's language at once with script, a choice without."""
    return f"""<!doctype html>
<html lang="es">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Minga</title>
<link rel="icon" href="data:,">
<link rel="alternate" hreflang="es" href="{prefix}/es/">
<link rel="alternate" hreflang="en" href="{prefix}/en/">
<style>
  :root {{ color-scheme: light dark; font: 1.25rem/1.6 Georgia, serif; }}
  body {{ display: grid; place-content: center; min-height: 90vh; gap: 1rem; text-align: center; }}
  a {{ color: light-dark(#0f6a60, #74cdbd); }}
</style>
<script>
  const chosen = /(?:^|; )minga_language=(es|en)/.exec(document.cookie);
  const tags = navigator.languages.map((tag) => tag.slice(0, 2));
  const known = tags.find((tag) => /^(es|en)$/.test(tag));
  location.replace("{prefix}/" + (chosen ? chosen[1] : known || "es") + "/" + location.hash);
</script>
<main>
  <h1>Minga</h1>
  <p><a lang="es" hreflang="es" href="{prefix}/es/">Leer en español</a></p>
  <p><a lang="en" hreflang="en" href="{prefix}/en/">Read in English</a></p>
</main>
</html>
"""


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
    options = parser.parse_args(arguments)
    paths = (options.source.resolve(), options.output.resolve(), options.work.resolve())
    made_of, stamp = _made_of(options.source, options.prefix), paths[1] / STAMP
    if options.if_changed and stamp.is_file() and stamp.read_text() == made_of:
        return 0
    try:
        build(*paths, prefix=options.prefix.rstrip("/"))
    except BookError as error:
        print(f"book: {error}", file=sys.stderr)
        return 1
    stamp.write_text(made_of)
    return 0


def _made_of(source: Path, prefix: str) -> str:
    """Return a digest of all that a build reads: pages, catalogs, theme, tools, versions."""
    digest = hashlib.sha256(f"{prefix} {sys.version}".encode())
    folders = (source, REPOSITORY / "book", REPOSITORY / "translation", REPOSITORY / "uv.lock")
    files = {file for folder in folders for file in (folder, *folder.rglob("*"))}
    for file in sorted(files):
        if file.is_file() and not {"node_modules", "__pycache__"} & set(file.parts):
            digest.update(f"{file}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
