"""Hidden tests stay hidden in the feedback that students get.

c.GenerateFeedback.preprocessors = ["grading.hidden.HideTests", …]

What a kernel puts out once it has been given a hidden test cannot be trusted: a student's code
finds the test (history, frames, hooks) and prints it in any encoding, then or later. No search
for its text helps. So from the first cell with hidden tests on, feedback holds nothing that the
kernel chose: its outputs, values, counters and widgets are replaced by words of ours, made from
the notebook's source. What came before is shown if it is unchanged since (`seal`), for then the
kernel had not seen a hidden test. The autograded notebook, the instructor's, keeps everything.

What still passes, a few bits a cell: the points, whether a cell failed, in which line, and with
which of Python's own exceptions. An assert's message is the author's hint and is shown where it
is a literal; one with values in it is not.
"""

import ast
import builtins
import hashlib
import json
import re
import textwrap
from collections.abc import Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import ClearHiddenTests
from nbgrader.utils import has_failed, is_grade, is_solution
from traitlets import Bool

from courses.variants import language_of
from translation.sentences import N_, translate

REVIEW = "minga_review"  # in a notebook's metadata: a person shall look at it (see flags.py)
SEAL = "minga_sealed"  # in a cell's metadata: the digest of its outputs before any hidden test
WORDS = {
    "here": N_("Aquí hay pruebas ocultas"),
    "hidden": N_("Falló una prueba oculta"),
    "visible": N_("{error} en una prueba que puedes ver:"),
    "test": N_("Falló una prueba de esta celda."),
    "stderr": N_(
        "Al calificar, esta celda escribió en la salida de errores (stderr), y eso cuenta como una "
        "falla."
    ),
    "answer": N_("Al calificar, esta celda terminó con {error}."),
    "answer_line": N_("Al calificar, esta celda terminó con {error} en la línea {number}:"),
    "rerun": N_(
        "Para ver los detalles, reinicia el kernel de tu cuaderno y corre todas las celdas."
    ),
    "withheld": N_(
        "La salida de esta celda no se muestra, porque ya habían corrido pruebas ocultas. La ves "
        "al correr tu cuaderno."
    ),
    "error": N_("un error"),
    "review": N_(
        "Esta entrega la va a revisar una persona de tu curso: los puntos de sus pruebas no se "
        "dieron automáticamente. Si tienes preguntas, habla con tu docente."
    ),
}
_ERRORS = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
} | {"CellTimeoutError"}
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PLACE = re.compile(r"Cell In\s?\[\d+\], line (\d{1,5})\b")


class HideTests(ClearHiddenTests):
    """Take hidden tests, and whatever may hold them, out of a notebook for its student.

    Where they begin and end is ClearHiddenTests' to say, which takes them out of the release.
    Before or after TranslateFeedback.
    """

    show_messages = Bool(
        True, help="Whether a failed hidden assert shows its message, if that is a literal."
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Hide the tests' source and what could tell it."""
        first = self.first(nb.cells)
        words = {key: translate(text, language_of(nb)) for key, text in WORDS.items()}
        if nb.metadata.get(REVIEW):
            first = 0  # what it shows is not to be trusted, and the reasons are not for students
        elif first is None:
            return nb, resources
        nb.metadata.pop("widgets", None)
        count = 0
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code":
                count += 1
                cell.execution_count = count
                if index >= first or cell.metadata.get(SEAL) != _digest(cell.outputs):
                    cell.outputs = self._told(cell, words)
                    if nb.metadata.get(REVIEW) and is_grade(cell) and not is_solution(cell):
                        text = words["review"] + "\n"
                        cell.outputs = [new_output("stream", name="stdout", text=text)]
            cell.source = self._without_tests(cell.source, words)
        return nb, resources

    def first(self, cells: list[NotebookNode]) -> int | None:
        """Return the index of the first cell with hidden tests."""
        found = (i for i, cell in enumerate(cells) if self.begin_test_delimeter in cell.source)
        return next(found, None)

    def seal(self, cells: list[NotebookNode], index: int) -> None:
        """Note what cells had put out before the first hidden test; call before each cell runs.

        A student's code can change the outputs of earlier cells later (`update_display`).
        """
        if index == 0:
            self._first = self.first(cells)
            for cell in cells:
                cell.metadata.pop(SEAL, None)
        if index == self._first:
            for cell in cells[:index]:
                if cell.cell_type == "code":
                    cell.metadata[SEAL] = _digest(cell.outputs)

    def _regions(self, source: str) -> Iterator[tuple[int, int]]:
        """Yield first and last line, counted from 1, of each hidden region with its marks."""
        start = None
        lines = source.split("\n")
        for number, line in enumerate(lines, 1):
            if start is None and self.begin_test_delimeter in line:
                start = number
            elif start is not None and self.end_test_delimeter in line:
                yield start, number
                start = None
        if start is not None:  # nbgrader refuses to release it; all that follows is hidden
            yield start, len(lines)

    def _without_tests(self, source: str, words: dict) -> str:
        lines = source.split("\n")
        for start, end in reversed(list(self._regions(source))):
            indent = re.match(r"\s*", lines[start - 1])[0]
            tests = _count_tests("\n".join(lines[start : end - 1]))
            count = f": {tests}" if tests else ""
            lines[start - 1 : end] = [f"{indent}# {words['here']}{count}"]
        return "\n".join(lines)

    def _told(self, cell: NotebookNode, words: dict) -> list[NotebookNode]:
        """Return what is said instead of a cell's outputs."""
        test = is_grade(cell) and not is_solution(cell)
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors:
            return [_error(self._about(cell, errors[0], test, words))]
        if test and has_failed(cell):
            return [_error(words["stderr"])]
        if test or not cell.outputs:
            return []
        return [new_output("stream", name="stdout", text=words["withheld"] + "\n")]

    def _about(self, cell: NotebookNode, error: NotebookNode, test: bool, words: dict) -> str:
        """Say what failed, in words made from the source; the kernel names only a line."""
        name = str(error.ename)
        name = name if name in _ERRORS else words["error"]
        number = _line_of(error)
        lines = cell.source.split("\n")
        if number is None or not 1 <= number <= len(lines):
            text = words["test"] if test else words["answer"].format(error=name)
            return f"{text}\n{words['rerun']}"
        message = _literal_message(cell.source, number)
        if any(start <= number <= end for start, end in self._regions(cell.source)):
            return words["hidden"] + (f": {message}" if message and self.show_messages else ".")
        what = words["visible" if test else "answer_line"].format(error=name, number=number)
        text = f"{what}\n\n    {lines[number - 1].strip()}"
        return "\n\n".join(part for part in (text, message, words["rerun"]) if part)


def _digest(outputs: list) -> str:
    text = json.dumps(outputs, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _error(text: str) -> NotebookNode:
    return new_output("error", ename="", evalue=text, traceback=text.split("\n"))


def _line_of(error: NotebookNode) -> int | None:
    """Return the line of the cell in which it failed, as the kernel says; None if it does not."""
    said = _PLACE.search(_ANSI.sub("", "\n".join(map(str, error.traceback))))
    return int(said[1]) if said else None


def _parse(source: str) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _count_tests(source: str) -> int:
    """Return how many asserts and calls of assert functions there are; 0 if that is unknown."""
    tree = _parse(source)
    return sum(map(_is_test, ast.walk(tree))) if tree else 0


def _is_test(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return name.lower().startswith("assert")
    return isinstance(node, ast.Assert)


def _literal_message(source: str, number: int) -> str:
    """Return the message of the assert that stands in a line, if it is a literal string."""
    tree = _parse(source)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Assert) and node.lineno <= number <= node.end_lineno:
            if isinstance(node.msg, ast.Constant) and isinstance(node.msg.value, str):
                return node.msg.value
    return ""
