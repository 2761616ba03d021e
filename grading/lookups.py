"""What nbgrader asks its gradebook for each cell of a notebook, read for all of them at once."""

from collections.abc import Callable
from functools import partial

from nbformat import NotebookNode
from nbgrader.api import Gradebook, GradeCell, MissingEntry, SourceCell
from nbgrader.preprocessors import OverwriteCells
from sqlalchemy.orm import joinedload


def read_at_once(book: Gradebook, find: str, kind: type, notebook_id: str, *with_it) -> None:
    """Have `book.<find>(name, …)` answer from one query for the notebook's rows of `kind`.

    What that does not have is asked for as nbgrader does. `with_it`: relations to read as well.
    """
    query = book.db.query(kind).filter(kind.notebook_id == notebook_id)
    rows = {row.name: row for row in query.options(*map(joinedload, with_it))}
    setattr(book, find, partial(_one_of, rows, getattr(book, find)))


def _one_of(rows: dict, find: Callable, name: str, *where: str):
    return rows[name] if name in rows else find(name, *where)


class OverwriteCellsAtOnce(OverwriteCells):
    """nbgrader's OverwriteCells with two queries for a notebook, not two for each cell.

    c.Autograde.sanitize_preprocessors = […, "grading.lookups.OverwriteCellsAtOnce", …]
    """

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int):
        """Overwrite what the author wrote."""
        if index == 0:
            book = self.gradebook
            try:
                notebook = book.find_notebook(self.notebook_id, self.assignment_id)
            except MissingEntry:
                pass  # who asks for a cell is told what is missing
            else:
                read_at_once(book, "find_source_cell", SourceCell, notebook.id)
                read_at_once(book, "find_graded_cell", GradeCell, notebook.id)
        return super().preprocess_cell(cell, resources, index)
