"""A course's title and texts in the languages that `course.yaml` itself does not have."""

from translation import catalogs
from translation.languages import SOURCE, offered

from .models import COURSES


def in_all_languages(texts: dict[str, str], course: str) -> dict[str, str]:
    """Return a text of a course with what its catalogs add for the deployment's languages."""
    found = dict(texts)
    for language in offered():
        path = COURSES / course / "locale" / language / "course.po"
        if language in found or not path.is_file():
            continue
        entry = catalogs.read(path).find(texts[SOURCE])
        if entry and entry.translated():
            found[language] = entry.msgstr
    return found
