"""Does the kernel tell the truth? Whoever got points is asked again, with tests that must fail.

Two proofs, both needed before points count:

- At the end of the run a cell that must fail does so with a word of ours, and says which of the
  functions that tests and IPython rely on are no longer what they were (zygote_watch.py).
- In a second run, with the same files and seeds, each test that gave points is replaced by
  controls (controls.py), where an expected value is another. Nothing tells the code which run
  it is in. A control that gives points shows that the points were not for the answer: the kernel
  is patched, the values are equal to everything, or the answer was read from the test.
  Code that does nothing but compute (plain.py) needs no second kernel for it: its cells run once
  more at the end of the first run, in names of their own.

Controls are tried on the author's solution first; what it passes is no control.

What remains: code that lies in one run and not in the other by chance, and code that knows a
test's whole text, which could as well have its answers written down. Hidden tests are for that.
"""

import copy
import json
import random
import secrets
import threading
from collections.abc import Callable, Collection, Iterable

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade, is_grade, is_solution

from translation.sentences import Message

from .controls import Control, controls_of
from .errors import SubmissionFailed
from .plain import Author, can_be_asked_again, is_plain

MOST_CONTROLS = 12  # in one run, if it has no more tests than that: an error costs 10 ms
AGAIN_SECONDS = 20  # for all cells of a notebook once more, at the end of its run
MOST_TRIED = 5  # for one test, on the author's solution

_MARK = "minga_control"


# Why a person shall look, in words for the instructor; never shown to students.
LIES = Message(
    "Una celda que tiene que fallar no se informó como fallida: el kernel ya no dice la verdad."
)
REPLACED = Message("El código reemplazó funciones de las que dependen las pruebas: {listed}.")
UNVERIFIED = Message("Los puntos no se pudieron comprobar en una segunda ejecución. {why}")
PASSED = Message("«{name}»: pasó también una prueba que tiene que fallar: {line}")


def is_autograded(cell: NotebookNode) -> bool:
    """Whether a cell's outputs decide about points."""
    return cell.cell_type == "code" and bool(is_grade(cell)) and not is_solution(cell)


def points_of(cell: NotebookNode) -> float:
    """Return what nbgrader would give for a test cell's outputs; what it refuses counts in full."""
    try:
        return determine_grade(cell)[0] or 0.0
    except (KeyError, TypeError, ValueError):
        return float("inf")


class Question:
    """The last cell of a run, which must fail and say whether anything was replaced.

    With a `second` notebook, the `first` one with controls in place of tests, the cells of both
    are run there, for `seconds` at most.
    """

    def __init__(
        self,
        first: NotebookNode | None = None,
        second: NotebookNode | None = None,
        seconds: float = AGAIN_SECONDS,
    ):
        self._nonce = secrets.token_hex(8)
        self._tests = _code(first) if second else []
        self._controls = _code(second) if second else []
        asked = (
            _numbered(self._tests, is_autograded),
            _numbered(self._controls, lambda cell: _MARK in cell.metadata),
            seconds,
        )
        more = ", ".join(map(repr, asked if second else ()))
        source = f"raise __import__('zygote_watch').report('{self._nonce}', {more})"
        self.cell = new_code_cell(source, metadata={"tags": ["raises-exception"]})

    def passed(self, earned: Collection[str]) -> list[NotebookNode] | None:
        """Return the controls that gave no error; None if that was not asked or proves nothing.

        `earned`: the texts of the tests that gave points in the run; each must have held again.
        """
        errors = [o for o in self.cell.outputs if o.output_type == "error"]
        try:
            said = json.loads(errors[0].evalue)
            held = {self._tests[number].source for number in said["passed"]["tests"]}
            passed = [self._controls[number] for number in said["passed"]["controls"]]
            return passed if said["nonce"] == self._nonce and held >= set(earned) else None
        except (IndexError, KeyError, TypeError, ValueError):
            return None  # `findings` tells

    def findings(self) -> list[Message]:
        """Return what its answer says."""
        errors = [o for o in self.cell.outputs if o.output_type == "error"]
        try:
            said = json.loads(errors[0].evalue)
            names = [str(name)[:80] for name in said["changed"]][:20]
            if len(errors) != 1 or said["nonce"] != self._nonce or errors[0].ename != "Report":
                raise ValueError
        except (IndexError, KeyError, TypeError, ValueError, RecursionError):
            return [LIES]
        return [REPLACED.filled(listed=", ".join(names))] if names else []


def _code(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def _numbered(cells: list[NotebookNode], counts: Callable) -> str:
    """Return cells as `zygote_watch.again` reads them, with the numbers of those that count."""
    numbers = [number if counts(cell) else None for number, cell in enumerate(cells)]
    return json.dumps([[c.source, number] for c, number in zip(cells, numbers, strict=True)])


class Controls:
    """The controls for tests, tried on the author's solution."""

    def __init__(
        self,
        solution: NotebookNode | None,
        run: Callable | None,
        begin_hidden: str,
        seconds: float = AGAIN_SECONDS,
    ):
        """`run(nb)` executes a notebook in the sandbox and returns it; SubmissionFailed.

        Without a solution only controls that need none are used. `seconds`: for all cells in one.
        """
        self._begin, self._rng = begin_hidden, random.SystemRandom()
        self._lock = threading.Lock()
        self._known: dict[str, list[Control]] = {}
        self.author: Author | None = None
        if solution is None:
            return
        self.author = Author(cell.source for cell in _code(solution))
        texts = [cell.source for cell in solution.cells if is_autograded(cell)]
        found = {text: self._make(text)[:MOST_TRIED] for text in texts}
        second = with_controls(solution, found)
        try:
            refused = _refused_at_once(solution, second, run, found, seconds)
            if refused is None:
                refused = _refused(run(second), found)
        except SubmissionFailed:
            return
        self._known = refused

    def of(self, source: str) -> list[Control]:
        """Return the controls for a test cell's text, those that say most first."""
        with self._lock:
            if source not in self._known:
                self._known[source] = [c for c in self._make(source) if c.sure]
            return self._known[source]

    def choose(self, sources: Iterable[str]) -> dict[str, list[Control]]:
        """Return one control or two for each test, as far as there are any."""
        chosen = {source: found[:1] for source in sources if (found := self.of(source))}
        more = self._rng.sample(list(chosen), len(chosen))[: max(0, MOST_CONTROLS - len(chosen))]
        return chosen | {source: self.of(source)[:2] for source in more}

    def _make(self, source: str) -> list[Control]:
        lines = source.split("\n")
        first = next((n for n, line in enumerate(lines, 1) if self._begin in line), 0)
        return controls_of(source, self._rng, range(first, len(lines) + 1) if first else range(0))


def with_controls(nb: NotebookNode, controls: dict[str, list[Control]]) -> NotebookNode:
    """Return a copy of a notebook with controls in place of tests, up to the last one."""
    cells = []
    for cell in nb.cells:
        found = controls.get(cell.source, []) if is_autograded(cell) else []
        for number, control in enumerate(found):
            other = copy.deepcopy(cell)
            other.id = secrets.token_hex(8)
            other.source = control.source
            other.metadata[_MARK] = {"test": cell.source, "number": number}
            cells.append(other)
        if not found:
            cells.append(copy.deepcopy(cell))
    last = max((i for i, cell in enumerate(cells) if _MARK in cell.metadata), default=-1)
    copied = copy.copy(nb)
    copied.cells = cells[: last + 1]
    return copied


def _refused(ran: NotebookNode, found: dict[str, list[Control]]) -> dict[str, list[Control]]:
    """Return the controls of each test that gave fewer points than it may, in a run of them."""
    refused: dict[str, list[Control]] = {text: [] for text in found}
    for cell in ran.cells:
        mark = cell.metadata.get(_MARK)
        if mark:
            control = found[mark["test"]][mark["number"]]
            most = float(cell.metadata.nbgrader.points)
            points = points_of(cell)
            if points == 0 or (control.partial and points < most):
                refused[mark["test"]].append(control)
    return refused


def _refused_at_once(
    solution: NotebookNode,
    second: NotebookNode,
    run: Callable,
    found: dict[str, list[Control]],
    seconds: float,
) -> dict[str, list[Control]] | None:
    """Return what `_refused` does, from one cell that runs all others; None if that cannot be."""
    if not _can_be_asked_again(second, found):
        return None
    asked = Question(solution, second, seconds)
    ran = run(new_notebook(cells=[asked.cell], metadata=solution.metadata))
    asked.cell = ran.cells[0]
    passed = asked.passed(found)
    if passed is None:
        return None
    marks = [cell.metadata[_MARK] for cell in passed]
    accepted = {(mark["test"], mark["number"]) for mark in marks}
    return {
        text: [c for number, c in enumerate(some) if (text, number) not in accepted]
        for text, some in found.items()
    }


def _can_be_asked_again(second: NotebookNode, asked: dict[str, list[Control]]) -> bool:
    """Whether `second`, with the controls `asked` in it, needs no IPython to say what passes."""
    chosen = [control for some in asked.values() for control in some]
    if any(control.partial for control in chosen):
        return False
    ends = [*asked, *(control.source for control in chosen)]
    return can_be_asked_again([cell.source for cell in _code(second)], ends)


def question(nb: NotebookNode, controls: "Controls", seconds: float) -> Question:
    """Return the question for the end of a notebook's run; with its controls, if those do there."""
    code = _code(nb)
    if controls.author is None or not is_plain(code, controls.author):
        return Question()
    tests = {cell.source for cell in code if is_autograded(cell)}
    asked = {test: [] for test in tests} | controls.choose(tests)
    second = with_controls(nb, asked)
    if not _can_be_asked_again(second, asked):
        return Question()
    for cell in second.cells:
        if mark := cell.metadata.get(_MARK):
            mark["control"] = asked[mark["test"]][mark["number"]]
    return Question(nb, second, seconds)


def verify(
    before: NotebookNode,
    after: NotebookNode,
    controls: Controls,
    run: Callable,
    question: Question,
) -> list[Message]:
    """Return what controls find about a notebook, as it was `before` and `after` the first run.

    `run(nb)` executes a notebook in the sandbox and returns it, or raises SubmissionFailed: the
    second run, if the first one's `question` did not bring the controls along.
    """
    earned = {c.source: points_of(c) for c in after.cells if is_autograded(c) and points_of(c) > 0}
    passed = question.passed(earned)
    if passed is not None:
        marks = [(cell, cell.metadata[_MARK]) for cell in passed]
        return [_passed(cell, mark["control"]) for cell, mark in marks if mark["test"] in earned]
    asked = controls.choose(earned)
    if not asked:
        return []
    second = with_controls(before, asked)
    try:
        ran = run(second)
    except SubmissionFailed as error:
        return [UNVERIFIED.filled(why=error.message)]
    findings = []
    for cell in ran.cells:
        mark = cell.metadata.get(_MARK)
        if not mark:
            continue
        control = asked[mark["test"]][mark["number"]]
        points = points_of(cell)
        if points >= earned[mark["test"]] if control.partial else points > 0:
            findings.append(_passed(cell, control))
    return findings


def _passed(cell: NotebookNode, control: Control) -> Message:
    name = str(cell.metadata.nbgrader.grade_id)
    line = control.source.split("\n")[control.line - 1].strip()[:300]
    return PASSED.filled(name=name, line=line)
