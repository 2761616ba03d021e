"""A submission that does not tell the truth goes to a person, with the reason, without points.

c.Autograde.autograde_preprocessors = […, "grading.flags.SaveGrades", …]  # for SaveAutoGrades
"""

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Comment, Grade, MissingEntry
from nbgrader.preprocessors import SaveAutoGrades

from translation.sentences import Message, languages

from .hidden import REVIEW
from .integrity import is_autograded
from .lookups import read_at_once

FINDINGS = "minga_findings"  # in the resources that preprocessors hand on
FLAGGED = Message("Señalada para una persona: sin puntos automáticos.")


class SaveGrades(SaveAutoGrades):
    """Save grades as nbgrader does; where something was found, none, and why.

    Formgrader then says "needs manual grading", and the reasons stand in each test's outputs.
    A manual score that is there already stays, and is asked for again.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Save; what a submission's own metadata says about its review does not count."""
        self._findings: list[Message] = resources.get(FINDINGS, [])
        self._last = len(nb.cells) - 1
        nb, resources = super().preprocess(nb, resources)
        nb.metadata.pop(REVIEW, None)
        if not self._findings:
            return nb, resources
        nb.metadata[REVIEW] = True
        for cell in nb.cells:
            if is_autograded(cell):
                cell.outputs.insert(0, _shown(self._findings))
        about = resources["nbgrader"]
        for finding in self._findings:
            who = about["student"], about["assignment"]
            self.log.warning("%s / %s: %s", *who, finding.in_all())
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int):
        """Save a cell's; all of a notebook's become true together, in one write to the disk."""
        db = self.gradebook.db
        if index == 0:
            db.commit = db.flush
            self._read_all()
        done = super().preprocess_cell(cell, resources, index)
        if index == self._last:
            del db.commit
            db.commit()
        return done

    def _read_all(self) -> None:
        """Read all of a notebook's grades and comments in two queries, not in two a cell."""
        book = self.gradebook
        try:
            notebook = book.find_submission_notebook(
                self.notebook_id, self.assignment_id, self.student_id
            )
        except MissingEntry:
            return  # who asks for a cell is told what is missing
        read_at_once(book, "find_grade", Grade, notebook.id, Grade.cell)
        read_at_once(book, "find_comment", Comment, notebook.id, Comment.cell)

    def _add_score(self, cell: NotebookNode, resources: dict) -> None:
        if not (self._findings and is_autograded(cell)):
            super()._add_score(cell, resources)
            return
        name = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(
            name, self.notebook_id, self.assignment_id, self.student_id
        )
        grade.auto_score = None
        grade.needs_manual_grade = True
        self.gradebook.db.commit()


def _shown(findings: list[Message]) -> NotebookNode:
    lines = [FLAGGED.in_all()]
    for finding in findings:
        lines.append("- " + "\n  ".join(finding.said_in(language) for language in languages()))
    return new_output("stream", name="stdout", text="\n".join(lines) + "\n")
