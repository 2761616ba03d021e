"""Run cells in the sandbox, and the same cells in a plain kernel."""

import os
import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.preprocessors import Execute

from grading.kernels import run_notebook
from grading.sandbox import Limits


def notebook(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def run(*sources: str, files=None, imports=(), **limits) -> NotebookNode:
    return run_notebook(
        notebook(*sources), files=files or {}, imports=imports, limits=Limits(**limits)
    )


def text(*sources: str, **options) -> str:
    """Return all that the cells print and raise."""
    return "\n".join(said(cell) for cell in run(*sources, **options).cells)


def said(cell) -> str:
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
        else:
            parts.append(output.data.get("text/plain", ""))
    return "".join(parts)


def plainly(nb: NotebookNode, folder) -> NotebookNode:
    """Run a notebook as nbgrader does, in a fresh kernel of its own."""
    return Execute(timeout=60).preprocess(nb, {"metadata": {"path": str(folder)}})[0]


def comparable(nb: NotebookNode) -> list:
    """Return the outputs without what differs between any two fresh kernels."""
    return [
        [_comparable(output) for output in cell.outputs] + [cell.execution_count]
        for cell in nb.cells
    ]


def _comparable(value):
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"0x[0-9a-f]{6,}", "0x…", value)
        value = re.sub(r"ipykernel_\d+", "ipykernel_N", value)
        value = value.replace("~/", os.path.expanduser("~/"))  # another home, inside
        return re.sub(r"[0-9a-f]{32}", "…", value)
    return value


def system_processes(root: int) -> list[int]:
    """Return the process `root` and all below it."""
    found = [root]
    for pid in found:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    return found
