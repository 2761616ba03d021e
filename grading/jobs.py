"""One notebook to run, as a value: the same on this machine and on a cluster's node.

    outcome = run(job)                      # in a worker; never raises
    nb, resources = result(outcome, resources)    # trusted side; raises what the run ended with

A worker reads the submitted files and the author's source from the course's folder and writes
nothing there; it has no gradebook.
"""

import hashlib
import json
import os
import shutil
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import setenv
from traitlets.config import Config

from translation.sentences import Message

from .errors import GradingError, SandboxUnavailable, SubmissionFailed
from .flags import FINDINGS

CHANGED = Message(
    "El archivo {place} cambió o desapareció mientras se calificaba; califica de nuevo. En un "
    "clúster, los nodos deben ver la carpeta del curso en la misma ruta."
)
LOST = Message("El proceso que calificaba esta entrega terminó sin respuesta {times} veces.")
_ERRORS = {kind.__name__: kind for kind in (GradingError, SandboxUnavailable)}


@dataclass(frozen=True)
class Job:
    """A sanitized notebook, the files beside it, and how it is to be run."""

    notebook: str  # JSON
    about: Mapping[str, str]  # student, assignment, notebook
    files: Mapping[str, str]  # relative path: SHA-256
    settings: str  # JSON: the configuration of what runs it
    places: Mapping[str, str]  # relative path: where the file is now

    @classmethod
    def of(cls, nb: NotebookNode, about: Mapping, settings: Mapping, paths: Mapping) -> "Job":
        """Return the job; `paths` is where the files beside it are. Raises GradingError."""
        try:
            text = json.dumps(settings, sort_keys=True)
        except TypeError as error:
            what = Message("La configuración tiene un valor que no es un dato simple: {error}")
            raise GradingError(what.filled(error=str(error))) from error
        who = {key: about[key] for key in ("student", "assignment", "notebook")}
        files = {name: sha256(path) for name, path in paths.items()}
        places = {name: os.path.abspath(path) for name, path in paths.items()}
        return cls(json.dumps(nb, sort_keys=True), who, files, text, places)

    @classmethod
    def load(cls, text: str) -> "Job":
        """Return the job that `dump` wrote."""
        return cls(**json.loads(text))

    def dump(self) -> str:
        """Return the job as JSON."""
        return json.dumps(asdict(self))

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides what comes out."""
        parts = [self.notebook, self.about, self.files, self.settings]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def run(job: Job) -> dict:
    """Run a job in the sandbox and return its outcome, which JSON can hold."""
    from .execute import SandboxedExecute

    with tempfile.TemporaryDirectory(prefix="minga-run-") as folder:
        try:
            _lay_out(job, folder)
            resources = {
                "nbgrader": dict(job.about),
                "metadata": {"path": folder, "name": job.about["notebook"]},
            }
            executor = SandboxedExecute(config=Config(json.loads(job.settings)))
            nb = nbformat.from_dict(json.loads(job.notebook))
            with setenv(NBGRADER_EXECUTION="autograde"):
                nb, more = executor(nb, resources)
            more = {key: more[key] for key in more if key not in ("nbgrader", "metadata")}
            findings = [message.data() for message in more.pop(FINDINGS, [])]
            more = json.dumps(more, default=vars)
            return {"notebook": nb, "resources": more, "findings": findings}
        except SubmissionFailed as error:
            return {"failed": error.reason, "message": error.message.data()}
        except GradingError as error:
            return {"error": type(error).__name__, "message": error.message.data()}
        except Exception:  # of one submission: the next ones are graded
            message = Message.verbatim(traceback.format_exc())
            return {"error": "GradingError", "message": message.data()}


def _lay_out(job: Job, folder: str) -> None:
    """Copy the files to where the run looks for them; raises GradingError if one has changed."""
    for name, place in job.places.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(place, path)
            same = sha256(path) == job.files[name]
        except FileNotFoundError:
            same = False
        if not same:
            raise GradingError(CHANGED.filled(place=place))


def lost(times: int) -> dict:
    """Return the outcome of a job whose process ended each time without an answer."""
    return {"error": "GradingError", "message": LOST.filled(times=times).data()}


def result(outcome: dict, resources: dict) -> tuple[NotebookNode, dict]:
    """Return what the run's preprocessor returned; raises the GradingError that it ended with.

    What it added to `resources` comes back as plain data, objects as namespaces.
    """
    if "notebook" in outcome:
        more = json.loads(outcome["resources"], object_hook=lambda d: SimpleNamespace(**d))
        resources.update(vars(more))
        resources[FINDINGS] = [Message.of_data(found) for found in outcome["findings"]]
        return nbformat.from_dict(outcome["notebook"]), resources
    message = Message.of_data(outcome["message"])
    if "failed" in outcome:
        raise SubmissionFailed(outcome["failed"], message)
    raise _ERRORS[outcome["error"]](message)


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
