"""A course's title and texts in the languages that `course.yaml` itself does not have."""

from translation import catalogs
from translation.languages import SOURCE, offered

from .models import COURSES


def in_language(texts: dict[str, str], course: str, language: str) -> str:
    """Return a text of a course in one language, or in Spanish where there is no translation."""
    return texts.get(language) or _translated(texts[SOURCE], course, language) or texts[SOURCE]


def in_all_languages(texts: dict[str, str], course: str) -> dict[str, str]:
    """Return a text of a course with what its catalogs add for the deployment's languages."""
    found = {code: _translated(texts[SOURCE], course, code) for code in offered()}
    return {code: text for code, text in (found | texts).items() if text}


def _translated(text: str, course: str, language: str) -> str:
    """Return what the course's catalog has for a text, or nothing."""
    path = COURSES / course / "locale" / language / "course.po"
    entry = catalogs.read(path).find(text) if path.is_file() else None
    return entry.msgstr if entry and entry.translated() else ""
