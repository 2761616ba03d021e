"""Many submissions at once, on nbgrader's own way through them.

    c.Autograde.exporter_class = "grading.exporter.GradingExporter"

nbgrader's converter takes one submission after the other: copy, sanitize, run, save. It asks its
exporter to sanitize and to run, so this one looks ahead: it sanitizes the next submissions too
and hands them to workers (processes here, or a Slurm job array), and when the converter comes to
one, it is already run. What was run ahead counts only if it is, byte for byte, what the converter
wants to be run. Only this process, which never runs a student's code, writes the gradebook.
"""

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde
from traitlets import Bool, Dict, Integer, List, Unicode

from . import engines
from .ahead import Batch


class GradingExporter(NotebookExporter):
    """The exporter of nbgrader's Autograde that runs submissions ahead and grades what changed.

    Without `--force`, a submission is graded if it, its assignment's tests, the settings or the
    environment changed since. With it (formgrader's buttons too), each one is.
    """

    workers = Integer(
        0, help="Submissions that run at the same time on this machine; 0: as many as cores."
    ).tag(config=True)
    slurm = Bool(False, help="Run the submissions as a job array on Slurm.").tag(config=True)
    sbatch = List(
        Unicode(), help="More arguments of sbatch, as --partition=cpu; with `slurm`."
    ).tag(config=True)
    chunk = Integer(10, help="Submissions that one task of the array runs.").tag(config=True)
    environment = Dict(
        help="Variables of Slurm's commands, beside this process's PATH and SLURM_*."
    ).tag(config=True)
    progress = Bool(
        None, allow_none=True, help="Show a bar; None: where the output is a terminal."
    ).tag(config=True)

    def __init__(self, config=None, **options):
        super().__init__(config=config, **options)
        self._batch: Batch | None = None
        engines.share()
        if isinstance(self.parent, Autograde) and self.parent.coursedir.notebook_id == "*":
            try:
                self._batch = Batch.of(self, self.parent)
            except MissingEntry:
                pass  # no such assignment: nbgrader says so

    def from_filename(self, filename: str, resources: dict | None = None, **options):
        """Sanitize or run a notebook, as nbgrader's converter asks."""
        # What is sanitized is seen to be a notebook at the end, not after each of seven steps.
        self.optimistic_validation = bool(getattr(self.parent, "_sanitizing", False))
        if self._batch is None:
            return super().from_filename(filename, resources, **options)
        with self._batch.one(resources["nbgrader"]["student"]):
            if self.parent._sanitizing:
                done = self._batch.sanitized(filename)
                if done is not None:
                    return done
            return super().from_filename(filename, resources, **options)

    def run_ahead(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict] | None:
        """Return what running a notebook gave, if it was run ahead; raises its GradingError."""
        return self._batch.result(nb, resources) if self._batch else None
