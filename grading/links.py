"""A submission with links is not graded: they lead to files of the grader or of other students."""

import os

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from translation.sentences import Message

from .errors import GradingError

HAS_LINKS = Message(
    "La entrega tiene enlaces, que pueden llevar a archivos ajenos: {names}. No se califica."
)


class RefuseLinks(NbGraderPreprocessor):
    """Stop before a student's code runs where what was handed in holds symbolic links.

    nbgrader has copied what they point to by then, and takes the copy away when this raises.
    Minga's exchange carries no links; another one, or a folder that students write to, may.
    First of c.Autograde.sanitize_preprocessors.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the notebook unchanged; raises GradingError."""
        folder = resources.get("metadata", {}).get("path") or "."
        found = sorted(
            os.path.relpath(os.path.join(place, name), folder)
            for place, folders, names in os.walk(folder)
            for name in [*folders, *names]
            if os.path.islink(os.path.join(place, name))
        )
        if found:
            names = ", ".join(map(repr, found[:5]))
            raise GradingError(HAS_LINKS.filled(names=names))
        return nb, resources
