"""What nbgrader puts in place of solutions, and how a source notebook becomes the released one.

The courses' nbgrader configuration takes its stubs from here, so that the catalogs hold them.
"""

import re

from nbformat import NotebookNode

CODE_STUB_COMMENT = "TU CÓDIGO AQUÍ"
CODE_STUB = f"# {CODE_STUB_COMMENT}\nraise NotImplementedError()"
TEXT_STUB = "TU RESPUESTA AQUÍ"
# Known from the start in every catalog; a translator may change them there.
TRANSLATIONS = {
    "en": {CODE_STUB_COMMENT: "YOUR CODE HERE", TEXT_STUB: "YOUR ANSWER HERE"},
}
STUBS = (CODE_STUB_COMMENT, TEXT_STUB)
_REMOVED = ("HIDDEN TESTS", "MARK SCHEME")


def is_assignment(notebook: NotebookNode) -> bool:
    """Say whether nbgrader knows the notebook."""
    return any("nbgrader" in cell.metadata for cell in notebook.cells)


def released(cell: NotebookNode) -> tuple[str, list[int]]:
    """Return a cell's text as students get it, and for each of its lines the source's (from 0).

    The same for a cell that is released already.
    """
    grading = cell.metadata.get("nbgrader", {})
    lines, numbers = [], []
    stub = (CODE_STUB if cell.cell_type == "code" else TEXT_STUB).split("\n")
    region, replaced = None, False
    for number, line in enumerate(cell.source.split("\n")):
        if "BEGIN SOLUTION" in line and region is None:
            region, replaced = "SOLUTION", True
            indent = re.match(r"\s*", line)[0]
            lines += [indent + text for text in stub]
            numbers += [number] * len(stub)
        elif region is None and any(f"BEGIN {name}" in line for name in _REMOVED):
            region = next(name for name in _REMOVED if f"BEGIN {name}" in line)
        elif region and f"END {region}" in line:
            region = None
        elif region is None:
            lines.append(line)
            numbers.append(number)
    if grading.get("solution") and not replaced and not _is_released(cell.source):
        return "\n".join(stub), [0] * len(stub)
    return "\n".join(lines), numbers


def _is_released(source: str) -> bool:
    """Say whether a solution cell holds the stub already, perhaps among given lines."""
    return any(stub in source for stub in STUBS)
