"""A small course to attack, with secrets around it that nobody who hands in may get.

`CANARY` stands in every hidden test. What matches `SECRET` lies in files, in the environment and
in the gradebook; it is made from parts, so that no submission holds it by itself.
"""

import json
import os
import re
import shutil
import socket
import stat
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

CANARY = "zanahoria-48271"
SECRET = re.compile(r"secreto-\w+-5521")
BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
QUESTIONS = {
    # name: (code before, right answer, visible tests, hidden tests, last line, points)
    "suma": (
        "def suma(a, b):",
        "    return a + b",
        "assert suma(1, 2) == 3",
        'assert suma(48271, 1) == 48272, "con números grandes"\nassert suma(-7, 7) == 0',
        "",
        2,
    ),
    "media": (
        "def media(x):",
        "    return float(np.mean(x))",
        "np.testing.assert_allclose(media([1, 2, 3]), 2.0)",
        "np.testing.assert_allclose(media([48271, 1]), 24136.0)",
        "",
        3,
    ),
    "orden": (
        "def orden(x):",
        "    return sorted(x)",
        "import unittest\ncaso = unittest.TestCase()\n"
        "caso.assertEqual(orden([3, 1, 2]), [1, 2, 3])",
        "caso.assertEqual(orden([48271, 5]), [5, 48271])",
        "",
        4,
    ),
    "doble": (
        "def doble(n):",
        "    return 2 * n",
        "aciertos = sum(doble(n) == 2 * n for n in (1, 2, 3))",
        "aciertos += doble(48271) == 96542",
        "aciertos",
        4,
    ),
}
TENSORS = {
    "cuadrados": (
        "def cuadrados(x):",
        "    return x**2",
        "torch.testing.assert_close(cuadrados(torch.tensor([1., 2.])), torch.tensor([1., 4.]))",
        "torch.testing.assert_close(cuadrados(torch.tensor([5., 0.])), torch.tensor([25., 0.]))",
        "",
        5,
    ),
}
ASSIGNMENTS = {"tarea": ("import numpy as np", QUESTIONS), "tensores": ("import torch", TENSORS)}
POINTS = {
    name: sum(question[-1] for question in questions.values())
    for name, (_, questions) in ASSIGNMENTS.items()
}

_OF_JUPYTER = (
    "home/.ipython/profile_default/startup/README",
    "home/.ipython/README",
    "home/.local/share/jupyter/runtime",
    "home/.local/share/jupyter/n",  # nbsignatures.db, notebook_secret
    "home/.cache",
    "home/.config",
)


def source(assignment: str) -> NotebookNode:
    """Return an assignment as its author writes it."""
    imports, questions = ASSIGNMENTS[assignment]
    cells = [new_code_cell(imports, id="importar")]
    for name, (head, right, visible, hidden, last, points) in questions.items():
        solution = f"{head}\n    ### BEGIN SOLUTION\n    # {_secret('solucion')}\n{right}\n"
        cells.append(_cell(name, solution + "    ### END SOLUTION", solution=True))
        tests = f"{visible}\n{BEGIN}\n# {CANARY}\n{hidden}\n{END}"
        tests += f"\n{last}" if last else ""
        cells.append(_cell(f"{name}-pruebas", tests, points=points))
    metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    return new_notebook(cells=cells, metadata=metadata)


def _cell(name: str, text: str, solution: bool = False, points: int = 0) -> NotebookNode:
    about = {
        "grade_id": name,
        "schema_version": 3,
        "solution": solution,
        "grade": not solution,
        "locked": not solution,
        "task": False,
    }
    if points:
        about["points"] = points
    return new_code_cell(text, id=name, metadata={"nbgrader": about})


def _secret(what: str) -> str:
    return "-".join(("secreto", what, "5521"))


def cell(nb: NotebookNode, grade_id: str) -> NotebookNode:
    """Return the cell that nbgrader knows as `grade_id`."""
    return next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def answered(nb: NotebookNode, assignment: str, right: bool) -> NotebookNode:
    """Answer all questions of a released notebook, rightly or with None."""
    for name, (head, answer, *_) in ASSIGNMENTS[assignment][1].items():
        cell(nb, name).source = f"{head}\n{answer if right else '    return None'}"
    return nb


class Place:
    """A course with its gradebook, the grader's home folder, and listeners that nobody may reach.

    `folder` is filled by `build`, once; a copy of it can be opened as another Place.
    """

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.course, self.home = self.folder / "course", self.folder / "home"
        self.hits: list[str] = []
        self.names: dict = {}
        self._sockets: list[socket.socket] = []

    def build(self, config: Config) -> "Place":
        """Make the course, with an honest submission of another student's, and the secrets."""
        for assignment in ASSIGNMENTS:
            path = self.course / "source" / assignment / f"{assignment}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(source(assignment), path)
            done = NbGraderAPI(config=config).generate_assignment(assignment)
            assert done["success"], done
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        (self.home / ".ssh" / "id_ed25519").write_text(_secret("llave"))
        (self.home / "notas.txt").write_text(_secret("hogar"))
        nb = answered(self.released("tarea"), "tarea", right=True)
        nb.cells[0].source += f"\n# {_secret('otra')}"
        self.hand_in("ana", "tarea", nb)
        with NbGraderAPI(config=config).gradebook as gradebook:
            gradebook.update_or_create_student("ana", first_name=_secret("libreta"))
        return self

    def environment(self) -> dict[str, str]:
        """Return what a grader's environment has that is nobody else's business."""
        return {"HOME": str(self.home), "JUPYTERHUB_API_TOKEN": _secret("token")}

    def released(self, assignment: str) -> NotebookNode:
        path = self.course / "release" / assignment / f"{assignment}.ipynb"
        return nbformat.read(path, as_version=4)

    def submitted(self, student: str, assignment: str) -> Path:
        """Return the folder of a submission, empty if it was not there."""
        folder = self.course / "submitted" / student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def hand_in(self, student: str, assignment: str, nb: NotebookNode) -> None:
        text = json.dumps(nb, ensure_ascii=False)  # also what nbformat would not write
        (self.submitted(student, assignment) / f"{assignment}.ipynb").write_text(text)

    def listen(self) -> "Place":
        """Open listeners on the loopback address and on local sockets."""
        for kind, family, what, address in (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(self.home / "agente")),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0minga-{os.urandom(6).hex()}"),
        ):
            listener = socket.socket(family, what)
            listener.bind(os.path.relpath(address) if kind == "unix" else address)
            if what == socket.SOCK_STREAM:
                listener.listen()
            name = listener.getsockname()
            self.names[kind] = address if kind == "unix" else name
            self._sockets.append(listener)
            threading.Thread(target=self._serve, args=(kind, listener), daemon=True).start()
        return self

    def _serve(self, kind: str, listener: socket.socket) -> None:
        while True:
            try:
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                else:
                    listener.recvfrom(100)
            except OSError:
                return
            self.hits.append(kind)

    def close(self) -> None:
        for listener in self._sockets:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def heard(self) -> list[str]:
        """Return which listeners were reached, and forget it."""
        time.sleep(0.02)  # what was sent is there; the thread that counts it may not have run
        found, self.hits[:] = sorted(set(self.hits)), []
        return found

    def fingerprint(self, student: str) -> dict[str, str]:
        """Return a checksum of each file that `student`'s code has no business to change."""
        own = {self.course / step / student for step in ("submitted", "autograded", "feedback")}
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.name.startswith("gradebook.db") or own & {path, *path.parents}:
                continue
            if stat.S_ISREG(path.lstat().st_mode) and not self._of_jupyter(path):
                found[str(path.relative_to(self.folder))] = sha256(path.read_bytes()).hexdigest()
        return found

    def _of_jupyter(self, path: Path) -> bool:
        """Whether a plain kernel and nbgrader write there themselves."""
        inside = str(path.relative_to(self.folder))
        return inside.startswith(_OF_JUPYTER) or path.name.startswith("history.sqlite")

    def forget(self, student: str) -> None:
        """Take a student's files away."""
        for step in ("submitted", "autograded", "feedback"):
            shutil.rmtree(self.course / step / student, ignore_errors=True)


def programs_on_path() -> str:
    """Return a PATH on which nbgrader finds `alembic`, which it runs by name."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
