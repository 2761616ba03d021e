"""The course and the honest submissions that both graders get, made by code.

Two assignments, `numpy` and `torch`, each with ten small autograded questions and a written
answer. One student in four has everything right, one has mistakes in every other answer, one is
late with a mistake, and one left answers untouched, broken off or looping over an error.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

COURSE = "banco"
DUE, IN_TIME, LATE = "2026-03-02 12:00", "2026-03-02 11:00:00 UTC", "2026-03-03 15:30:00 UTC"
BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"

# What each function returns for x: right, wrong; and two tests, the second one hidden.
NUMPY = {
    "suma": ("x.sum()", "x.max()", "6", "-1.5"),
    "media": ("x.mean()", "x.sum()", "2", "-0.5"),
    "norma": ("np.sqrt((x**2).sum())", "x.sum()", "14**0.5", "13.25**0.5"),
    "rango": ("x.max() - x.min()", "x.max()", "2", "5"),
    "escala": ("2 * x", "x + 2", "[2, 4, 6]", "[-6, -1, 4]"),
    "orden": ("np.sort(x)[::-1]", "x", "[3, 2, 1]", "[2, -0.5, -3]"),
    "acumula": ("np.cumsum(x)", "np.cumprod(x)", "[1, 3, 6]", "[-3, -3.5, -1.5]"),
    "centra": ("x - x.mean()", "x", "[-1, 0, 1]", "[-2.5, 0, 2.5]"),
    "positiva": ("np.maximum(x, 0)", "np.abs(x)", "[1, 2, 3]", "[0, 0, 2]"),
    "producto": ("np.outer(x, x).sum()", "(x * x).sum()", "36", "2.25"),
}
TORCH = {
    "suma": ("x.sum()", "x.max()", "6.", "-1.5"),
    "media": ("x.mean()", "x.sum()", "2.", "-0.5"),
    "relu": ("torch.relu(x)", "x.abs()", "[1., 2., 3.]", "[0., 0., 2.]"),
    "escala": ("2 * x", "x + 2", "[2., 4., 6.]", "[-6., -1., 4.]"),
    "orden": ("torch.sort(x).values", "x", "[1., 2., 3.]", "[-3., -0.5, 2.]"),
    "acumula": ("torch.cumsum(x, 0)", "torch.cumprod(x, 0)", "[1., 3., 6.]", "[-3., -3.5, -1.5]"),
    "centra": ("x - x.mean()", "x.clone()", "[-1., 0., 1.]", "[-2.5, 0., 2.5]"),
    "producto": ("torch.outer(x, x).sum()", "(x * x).sum()", "36.", "2.25"),
    "gradiente": (
        "torch.autograd.grad((x.requires_grad_() ** 2).sum(), x)[0]",
        "x.detach()",
        "[2., 4., 6.]",
        "[-6., -1., 4.]",
    ),
    "lineal": (
        "torch.nn.functional.linear(x, torch.ones(2, 3))",
        "torch.nn.functional.linear(x, torch.zeros(2, 3))",
        "[6., 6.]",
        "[-1.5, -1.5]",
    ),
}
KINDS = {
    "numpy": (
        "import numpy as np",
        NUMPY,
        "np.testing.assert_allclose({name}(np.array({x})), {expected})",
    ),
    "torch": (
        "import torch",
        TORCH,
        "torch.testing.assert_close({name}(torch.tensor({x})), torch.tensor({expected}))",
    ),
}
SEEN, UNSEEN = "[1., 2., 3.]", "[-3., -0.5, 2.]"  # x in either test


def source(assignment: str) -> NotebookNode:
    """Return an assignment as its author writes it: ten questions of 1 or 2 points, one to read."""
    imports, questions, test = KINDS[assignment]
    cells = [new_code_cell(imports, id="importar")]
    for number, (name, (right, _, visible, hidden)) in enumerate(questions.items()):
        solution = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return {right}\n"
        cells.append(_cell(name, solution + "    ### END SOLUTION", solution=True))
        tests = [
            test.format(name=name, x=SEEN, expected=visible),
            BEGIN,
            test.format(name=name, x=UNSEEN, expected=hidden),
            END,
        ]
        cells.append(_cell(f"{name}-pruebas", "\n".join(tests), points=1 + number % 2))
    answer = "### BEGIN SOLUTION\nPorque sí.\n### END SOLUTION"
    cells.append(_cell("explica", answer, solution=True, points=3, written=True))
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _cell(
    name: str, text: str, solution: bool = False, points: int = 0, *, written: bool = False
) -> NotebookNode:
    about = {
        "grade_id": name,
        "schema_version": 3,
        "solution": solution,
        "grade": points > 0,
        "locked": not solution,
        "task": False,
        **({"points": points} if points else {}),
    }
    new = new_markdown_cell if written else new_code_cell
    return new(text, metadata={"nbgrader": about}, id=name)


def build(root: Path, config: Config, assignment: str, submissions: int) -> None:
    """Make the course in `root` with that many submissions of one assignment."""
    folder = root / "source" / assignment
    folder.mkdir(parents=True)
    nbformat.write(source(assignment), folder / f"{assignment}.ipynb")
    api = NbGraderAPI(config=config)
    done = api.generate_assignment(assignment)
    if not done["success"]:
        raise RuntimeError(done["log"])
    with api.gradebook as gradebook:
        gradebook.update_or_create_assignment(assignment, duedate=DUE)
    released = root / "release" / assignment / f"{assignment}.ipynb"
    for number in range(submissions):
        hand_in(root, assignment, f"s{number:03}", answered(released, assignment, number))


def hand_in(root: Path, assignment: str, student: str, handed: tuple[NotebookNode, str]) -> None:
    """Put a notebook with its time where `nbgrader collect` would."""
    folder = root / "submitted" / student / assignment
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(handed[0], folder / f"{assignment}.ipynb")
    (folder / "timestamp.txt").write_text(handed[1])


def answered(released: Path, assignment: str, number: int) -> tuple[NotebookNode, str]:
    """Return the notebook of student `number`, one of the four kinds, and when it came."""
    nb = nbformat.read(released, as_version=4)
    cells = {
        cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if "nbgrader" in cell.metadata
    }
    kind = number % 4
    for index, (name, (right, wrong, *_)) in enumerate(KINDS[assignment][1].items()):
        mistaken = (kind == 1 and index % 2) or (kind == 2 and index == number % 10)
        cells[name].source = f"def {name}(x):\n    return {wrong if mistaken else right}"
        if kind == 3:
            if index % 3 == 0:
                cells[name].source = f"def {name}(x):\n    return y"
            elif index % 3 == 1:
                cells[name].source = f"def {name}(x:\n    return"
            elif index > 5:
                cells[name].source = next(
                    c.source
                    for c in nbformat.read(released, as_version=4).cells
                    if c.metadata.get("nbgrader", {}).get("grade_id") == name
                )
    if kind != 3:
        cells["explica"].source = f"Respuesta {number}."
    return nb, LATE if kind == 2 else IN_TIME
