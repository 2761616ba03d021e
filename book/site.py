"""What the theme is told about the site: languages, words, pages, courses, addresses."""

import json
import os
import subprocess
import tomllib
from html import escape
from pathlib import Path

import polib

from book.sources import (
    LANGUAGE_NAMES,
    LANGUAGES,
    SOURCE_LANGUAGE,
    THEME,
    BookError,
    Page,
    widgets_file,
)
from courses.models import COURSES, Course, CourseError, load_course
from courses.titles import in_language

REPOSITORY = Path(__file__).parent.parent


def interface_words(language: str) -> dict[str, str]:
    """Return the theme's own words in a language (source: theme/words.json)."""
    words = json.loads((THEME / "words.json").read_text(encoding="utf-8"))
    if language == SOURCE_LANGUAGE:
        return words
    entries = polib.pofile(str(THEME / "locale" / language / "theme.po"))
    translated = {entry.msgid: entry.msgstr for entry in entries if entry.translated()}
    return {key: translated.get(text, text) for key, text in words.items()}


def read_courses(root: Path = COURSES) -> list[Course]:
    """Return all courses, by name. Raises BookError for one that is not as it should be."""
    names = sorted(path.parent.name for path in root.glob("*/course.yaml"))
    try:
        return [load_course(name, root) for name in names]
    except CourseError as error:
        raise BookError(str(error)) from error


def repository() -> str:
    """Return the address of the public repository, or "" while there is none.

    One place says it, `[project.urls] Repository` in pyproject.toml; MINGA_REPOSITORY overrides.
    """
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = os.environ.get("MINGA_REPOSITORY", project.get("urls", {}).get("Repository", ""))
    return address.rstrip("/")


def settings(
    source: Path,
    language: str,
    pages: list[Page],
    courses: list[Course],
    *,
    prefix: str,
    address: str,
    pdf: bool,
    epub: bool,
    here: dict[str, str],
    megabytes: int,
) -> dict:
    """Return what the theme reads (theme/lib/site.js) about the pages of one language.

    `here`: the address at which a page's notebook opens in the browser, by slug.
    """
    changed = last_changes(source)
    return {
        "language": language,
        "source": SOURCE_LANGUAGE,
        "languages": [{"code": code, "name": name} for code, name in LANGUAGE_NAMES.items()],
        "words": interface_words(language),
        "root": prefix,
        "address": f"{address}{prefix}" if address else "",
        "repository": repository(),
        "pdf": f"minga-{language}.pdf" if pdf else "",
        "epub": f"minga-{language}.epub" if epub else "",
        "megabytes": megabytes,
        "pages": {
            page.slug: {
                "translated": page.translated,
                "edit": _edited_file(page, language),
                "changed": changed.get(page.file, ""),
                "here": here.get(page.slug, ""),
                "widgets": widgets_file(page),
            }
            for page in pages
        },
        "courses": [
            {
                "id": course.id,
                "title": in_language(course.title, course.id, language),
                "description": in_language(course.description, course.id, language),
                "hours": course.hours,
                "starts": course.starts.isoformat() if course.starts else "",
                "dated": bool(course.starts or course.seminars),
            }
            for course in courses
        ],
    }


def _edited_file(page: Page, language: str) -> str:
    """Return what a suggestion about this page changes: its text or its translation."""
    if language == SOURCE_LANGUAGE:
        return f"book/{page.file}"
    return f"book/locale/{language}/{page.slug}.po"


def last_changes(source: Path) -> dict[str, str]:
    """Return the day (2027-03-08) of each page's last commit; empty without git."""
    command = ["git", "log", "--format=@%cs", "--name-only", "--relative", "--", "*.md"]
    try:
        log = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    days: dict[str, str] = {}
    day = ""
    for line in filter(None, log.splitlines()):
        if line.startswith("@"):
            day = line[1:]
        else:
            days.setdefault(line, day)
    return days


def front_door(prefix: str) -> str:
    """Return the page at the root: the reader's language at once with script, a choice without."""
    links = "\n".join(
        f'  <p><a lang="{code}" hreflang="{code}" href="{prefix}/{code}/">{escape(words)}</a></p>'
        for code in LANGUAGES
        for words in [interface_words(code)["read_in_language"]]
    )
    alternates = "\n".join(
        f'<link rel="alternate" hreflang="{code}" href="{prefix}/{code}/">' for code in LANGUAGES
    )
    codes = "|".join(LANGUAGES)
    return f"""<!doctype html>
<html lang="{SOURCE_LANGUAGE}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Minga</title>
<link rel="icon" href="data:,">
{alternates}
<style>
  :root {{ color-scheme: light dark; font: 1.25rem/1.6 Georgia, serif; }}
  body {{ display: grid; place-content: center; min-height: 90vh; gap: 1rem; text-align: center; }}
  a {{ color: light-dark(#0f6a60, #74cdbd); }}
</style>
<script>
  const chosen = /(?:^|; )minga_language=({codes})/.exec(document.cookie);
  const tags = navigator.languages.map((tag) => tag.slice(0, 2));
  const known = tags.find((tag) => /^({codes})$/.test(tag));
  const language = chosen ? chosen[1] : known || "{SOURCE_LANGUAGE}";
  location.replace("{prefix}/" + language + "/" + location.hash);
</script>
<main>
  <h1>Minga</h1>
{links}
</main>
</html>
"""
