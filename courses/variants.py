"""The language variants of a released assignment.

A release holds the source notebook, and beside it `.languages/<language>/<notebook>.json`, the
same notebook translated. They do not end in .ipynb, or nbgrader would expect each student to
hand them in.
"""

import shutil
from pathlib import Path

import nbformat
import polib
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from translation.notebook import translate

from . import SOURCE_LANGUAGE
from .models import COURSES

FOLDER = ".languages"  # in a release; what it holds is said above


def language_of(nb: NotebookNode) -> str:
    """Return the language that a notebook was handed out in."""
    return nb.metadata.get("minga", {}).get("language", SOURCE_LANGUAGE)


def catalog_of(course: str, assignment: str, notebook: str, language: str) -> polib.POFile | None:
    """Return the catalog of one notebook in one language, or None if there is none."""
    # A submission names its language: only languages that the course has make a path.
    folder = COURSES / course / "locale"
    if not course or language not in {path.name for path in folder.glob("*")}:
        return None
    path = folder / language / assignment / f"{notebook}.po"
    return polib.pofile(str(path)) if path.is_file() else None


def languages_of(course: str) -> list[str]:
    """Return the languages that a course is translated into."""
    return sorted(path.name for path in (COURSES / course / "locale").glob("*") if path.is_dir())


def build(course: str, assignment: str, release: Path) -> list[str]:
    """Write the variants of all notebooks in a release folder; return their languages.

    Raises translation's TranslationError where a catalog would change more than words.
    """
    built = []
    shutil.rmtree(release / FOLDER, ignore_errors=True)
    for language in languages_of(course):
        for path in sorted(release.glob("*.ipynb")):
            catalog = catalog_of(course, assignment, path.stem, language)
            if catalog is None:
                continue
            nb = translate(nbformat.read(path, as_version=4), catalog)
            nb.metadata.setdefault("minga", {})["language"] = language
            for cell in nb.cells:
                if cell.metadata.get("nbgrader", {}).get("checksum"):
                    # The student's "Validate" button says that tests were changed, if not.
                    cell.metadata.nbgrader.checksum = compute_checksum(cell)
            target = release / FOLDER / language / f"{path.stem}.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(nbformat.writes(nb, indent=1) + "\n", encoding="utf-8")
            built.append(language)
    return sorted(set(built))
