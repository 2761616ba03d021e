"""nbgrader preprocessors that let submissions in all languages be graded as one."""

from functools import partial

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import compute_checksum, is_solution
from traitlets import Unicode

from translation import sentences
from translation.notebook import translate

from . import SOURCE_LANGUAGE
from .variants import catalog_of, language_of


class RestoreUntouched(NbGraderPreprocessor):
    """Put the source's text back into answers that a student left as they were released.

    nbgrader gives no points to an answer that still equals the source. A translated one never
    does, so without this an empty English answer would wait for a grader. Runs before
    OverwriteCells, which forgets how the cell was released.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Restore the untouched solution cells of a translated notebook."""
        if language_of(nb) == SOURCE_LANGUAGE:
            return nb, resources
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            for cell in nb.cells:
                if not is_solution(cell):
                    continue
                released = cell.metadata.nbgrader.get("checksum")
                try:
                    if released == compute_checksum(cell):
                        cell.source = gradebook.find_source_cell(
                            cell.metadata.nbgrader.grade_id, about["notebook"], about["assignment"]
                        ).source
                except (AttributeError, KeyError, MissingEntry):
                    continue  # broken metadata: nbgrader's own checks report it
        return nb, resources


class TranslateFeedback(NbGraderPreprocessor):
    """Bring the tests, which are graded in the source language, back to the student's.

    And give the page (grading/templates/minga_feedback) its words in that language.
    """

    course = Unicode("", help="The course, whose catalogs are used").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Translate cells and the messages of failed tests."""
        about = resources["nbgrader"]
        language = language_of(nb)
        resources["minga_language"] = sentences.spoken(language)  # a submission says it
        resources["minga_gettext"] = partial(sentences.translate, language=language)
        catalog = catalog_of(self.course, about["assignment"], about["notebook"], language)
        if catalog is None:
            return nb, resources
        nb = translate(nb, catalog)
        words = {e.msgid: e.msgstr for e in catalog if e.translated() and " " in e.msgid}
        for cell in nb.cells:
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    output.evalue = _replace(output.evalue, words)
                    output.traceback = [_replace(line, words) for line in output.traceback]
        return nb, resources


def _replace(text: str, words: dict[str, str]) -> str:
    for source in sorted(words, key=len, reverse=True):
        text = text.replace(source, words[source])
    return text
