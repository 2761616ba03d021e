"""One notebook to run, as a value: the same on this machine and on a cluster's node.

    job = Job.of(executor, nb, files, imports)
    outcome = run(job)      # in a worker; never raises
    nb = result(outcome)    # on the trusted side; raises what the run ended with

Whoever runs a job needs neither the course's folder nor its gradebook.
"""

import hashlib
import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import setenv
from traitlets.config import Config

from .errors import GradingError, SandboxUnavailable, SubmissionFailed

_ERRORS = {kind.__name__: kind for kind in (GradingError, SandboxUnavailable)}


@dataclass(frozen=True)
class Job:
    """A sanitized notebook, the files beside it, and how it is to be run."""

    notebook: str  # JSON
    files: Mapping[str, bytes]
    imports: tuple[str, ...]
    settings: str  # JSON: the executor's part of the configuration, limits included

    @classmethod
    def of(
        cls,
        settings: Mapping,
        nb: NotebookNode,
        files: Mapping[str, bytes],
        imports: tuple[str, ...],
    ) -> "Job":
        """Return the job; raises GradingError for a setting that is no plain value."""
        try:
            text = json.dumps(settings, sort_keys=True)
        except TypeError as error:
            raise GradingError(
                f"La configuración de Execute tiene un valor que no es un dato simple: {error}",
                f"The configuration of Execute has a value that is no plain data: {error}",
            ) from error
        return cls(json.dumps(nb, sort_keys=True), dict(files), tuple(imports), text)

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides what comes out."""
        files = {name: sha256(content) for name, content in self.files.items()}
        return sha256(
            json.dumps([self.notebook, files, self.imports, self.settings], sort_keys=True).encode()
        )


def run(job: Job) -> dict:
    """Run a job in the sandbox and return its outcome, which JSON can hold."""
    from .execute import SandboxedExecute

    executor = SandboxedExecute(config=Config(json.loads(job.settings)))
    nb = nbformat.from_dict(json.loads(job.notebook))
    try:
        with setenv(NBGRADER_EXECUTION="autograde"):
            return {"notebook": executor.run(nb, job.files, job.imports)}
    except SubmissionFailed as error:
        return {"failed": error.reason, "es": error.es, "en": error.en}
    except GradingError as error:
        return {"error": type(error).__name__, "es": error.es, "en": error.en}
    except Exception:  # of one submission: the next ones are graded
        said = traceback.format_exc()
        return {"error": "GradingError", "es": said, "en": said}


def lost(times: int) -> dict:
    """Return the outcome of a job whose process ended each time without an answer."""
    return {
        "error": "GradingError",
        "es": f"El proceso que calificaba esta entrega terminó sin respuesta {times} veces.",
        "en": f"The process that graded this submission ended without an answer {times} times.",
    }


def result(outcome: dict) -> NotebookNode:
    """Return the notebook that was run; raises the GradingError that it ended with."""
    if "notebook" in outcome:
        return nbformat.from_dict(outcome["notebook"])
    if "failed" in outcome:
        raise SubmissionFailed(outcome["failed"], outcome["es"], outcome["en"])
    raise _ERRORS[outcome["error"]](outcome["es"], outcome["en"])


def sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
