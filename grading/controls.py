"""Cells that must fail: copies of a test cell in which one expected value is another.

    controls_of("assert suma(1, 2) == 3", rng)   →  "assert suma(1, 2) == 41"

Whoever passes both does not compute: the kernel hides errors, the objects are equal to
everything, or the answer is read from the test. Only the expected value's letters change, so
that code which sees a control cannot tell it from the test without knowing the right answer.
"""

import ast
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace

COMPARERS = {
    "allclose",
    "approx",
    "array_equal",
    "assertAlmostEqual",
    "assertCountEqual",
    "assertDictEqual",
    "assertEqual",
    "assertListEqual",
    "assertSequenceEqual",
    "assertSetEqual",
    "assertTupleEqual",
    "assert_allclose",
    "assert_almost_equal",
    "assert_approx_equal",
    "assert_array_almost_equal",
    "assert_array_equal",
    "assert_close",
    "assert_equal",
    "assert_frame_equal",
    "assert_series_equal",
    "equal",
    "isclose",
}
_PAIRS = (
    ("assertTrue", "assertFalse"),
    ("assertIn", "assertNotIn"),
    ("assertIs", "assertIsNot"),
    ("assertIsNone", "assertIsNotNone"),
    ("assertIsInstance", "assertNotIsInstance"),
    ("assertLess", "assertGreaterEqual"),
    ("assertGreater", "assertLessEqual"),
)
_CONTRARY = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
_OPERATORS = {
    ast.Lt: ("<", ">="),
    ast.LtE: ("<=", ">"),
    ast.Gt: (">", "<="),
    ast.GtE: (">=", "<"),
    ast.Is: ("is", "is not"),
    ast.In: ("in", "not in"),
    ast.NotEq: ("!=", "=="),
}
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try)
MUST_FAIL = "assert {a} == {b}"


@dataclass(frozen=True)
class Control:
    """A cell that must fail. `line` is the changed one, counted from 1.

    `sure`: whatever the answer is; others are used only where the author's solution fails them.
    `partial`: it ends with a lower score than the test itself, not with an error.
    """

    source: str
    line: int
    sure: bool
    partial: bool = False


@dataclass(frozen=True)
class _Edit:
    start: int  # bytes of the source
    end: int
    text: str
    line: int
    sure: bool


def controls_of(source: str, rng: random.Random, first_lines: range = range(0)) -> list[Control]:
    """Return controls for a test cell in random order, those for lines of `first_lines` first."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # magics, for example
        return [_appended(source, rng)]
    place = _Places(source)
    edits = [
        e for node in _tests(tree) for e in _edits_of_test(node, node in tree.body, place, rng)
    ]
    rng.shuffle(edits)
    edits.sort(key=lambda e: (e.line not in first_lines, not e.sure))
    found = [Control(place.edited([e]), e.line, e.sure) for e in edits]
    if not found:
        compared = [e for node in _compares(tree) for e in _other_value(node, place, rng)]
        if compared and tree.body and isinstance(tree.body[-1], ast.Expr):
            found = [Control(place.edited(compared), compared[0].line, False, partial=True)]
    return [*found, _appended(source, rng)]


def _appended(source: str, rng: random.Random) -> Control:
    """Return a control for any cell: its last statement compares two different numbers."""
    a, b = rng.sample(range(1000, 9999), 2)
    lines = source.rstrip().split("\n")
    return Control("\n".join([*lines, MUST_FAIL.format(a=a, b=b)]), len(lines) + 1, True)


class _Places:
    """Where the nodes of a source are, in bytes, as `ast` counts them."""

    def __init__(self, source: str):
        self.data = source.encode()
        self._lines = [0]
        for line in source.split("\n"):
            self._lines.append(self._lines[-1] + len(line.encode()) + 1)

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self._lines[node.lineno - 1] + node.col_offset
        return start, self._lines[node.end_lineno - 1] + node.end_col_offset

    def edit(self, node: ast.AST, text: str, sure: bool) -> _Edit:
        return _Edit(*self.span(node), text, node.lineno, sure)

    def edited(self, edits: list[_Edit]) -> str:
        data = self.data
        for each in sorted(edits, key=lambda e: e.start, reverse=True):
            data = data[: each.start] + each.text.encode() + data[each.end :]
        return data.decode()


def _tests(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield asserts and calls of assert functions, but for those that a cell may not run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _NESTED):
            continue
        if isinstance(node, ast.Assert) or (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and _name(node.value).startswith("assert")
        ):
            yield node
        else:
            yield from _tests(node)


def _compares(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            yield node
        elif isinstance(node, ast.Call) and _name(node) in COMPARERS:
            yield node


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _edits_of_test(node: ast.AST, top: bool, place: _Places, rng: random.Random) -> list[_Edit]:
    """Return a way in which a test can be made to fail. `top`: it runs once, surely."""
    test = node.test if isinstance(node, ast.Assert) else node.value
    if isinstance(test, ast.BoolOp):
        if isinstance(test.op, ast.Or):
            return []
        test = rng.choice(test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _contrary(test, place)
    inner = [test] if _is_equality(test) else [n for n in ast.walk(test) if _is_equality(n)]
    for each in inner:
        edits = _other_value(each, place, rng)
        if edits:
            sure = top and each is test  # what stands inside may be there or not
            return [replace(edit, sure=edit.sure and sure) for edit in edits]
    for each in ast.walk(test):  # abs(f(x) - 3.5) < 1e-6
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Sub):
            edits = _other_constant(each.right, place, rng, sure=False)
            if edits:
                return edits
    return _contrary(test, place)


def _is_equality(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq)
    return isinstance(node, ast.Call) and _name(node) in COMPARERS and len(node.args) >= 2


def _other_value(node: ast.AST, place: _Places, rng: random.Random) -> list[_Edit]:
    """Return an edit that makes the expected side of an equality another value."""
    if isinstance(node, ast.Compare):
        sides, sure = [node.comparators[0], node.left], True
    else:
        sides, sure = [*node.args[1::-1]], False  # tolerances may be wide
    for side in sides:
        edits = _other_constant(side, place, rng, sure)
        if edits:
            return edits
    if not sides:
        return []
    start, end = place.span(sides[0])
    text = place.data[start:end].decode()
    return [place.edit(sides[0], f"[{text}, []]", False)]


_MAKERS = ("array", "asarray", "tensor", "approx", "Counter", "set", "list", "tuple", "dict")


def _other_constant(node, place: _Places, rng: random.Random, sure: bool) -> list[_Edit]:
    """Return an edit of one constant of an expected value; empty if none is surely part of it."""
    if isinstance(node, ast.Constant):
        other = _other(node.value, place.data[slice(*place.span(node))].decode(), rng)
        return [] if other is None else [place.edit(node, other, sure)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _other_constant(node.operand, place, rng, sure)
    parts = []
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        parts = list(node.elts)
    elif isinstance(node, ast.Dict):
        parts = list(node.values)
    elif isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mod):
        parts, sure = [node.left, node.right], False
    elif isinstance(node, ast.Call) and node.args and _name(node) in _MAKERS:
        parts = [node.args[0]]
    rng.shuffle(parts)
    for part in parts:
        edits = _other_constant(part, place, rng, sure)
        if edits:
            return edits
    return []


def _other(value: object, text: str, rng: random.Random) -> str | None:
    """Return another constant that looks like this one; None if there is no such."""
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return str(value + rng.randint(7, 97))
    if isinstance(value, float) and abs(value) < 1e300:
        other = value * rng.uniform(1.6, 2.9) + rng.uniform(1.1, 8.9)
        digits = len(text.partition(".")[2]) if text.replace(".", "").isdigit() else 3
        return f"{other:.{max(digits, 1)}f}"
    if isinstance(value, str) and text[:1] in "'\"" and "\\" not in text and len(text) > 2:
        places = [i for i, letter in enumerate(text) if letter.isalnum()]
        if not places:
            return None
        at = rng.choice(places)
        letters = string.digits if text[at].isdigit() else string.ascii_lowercase
        new = rng.choice([c for c in letters if c != text[at].lower()])
        return text[:at] + (new.upper() if text[at].isupper() else new) + text[at + 1 :]
    return None


def _contrary(test: ast.AST, place: _Places) -> list[_Edit]:
    """Return an edit that turns a test into its contrary."""
    if isinstance(test, ast.Call) and _name(test).startswith("assert"):
        name = _CONTRARY.get(_name(test))
        if name is None:
            return []
        end = place.span(test.func)[1]
        return [_Edit(end - len(_name(test).encode()), end, name, test.lineno, False)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        start, end = place.span(test)[0], place.span(test.operand)[0]
        return [_Edit(start, end, "", test.lineno, False)]
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _OPERATORS:
        old, new = _OPERATORS[type(test.ops[0])]
        start, end = place.span(test.left)[1], place.span(test.comparators[0])[0]
        between = place.data[start:end].decode()
        return [_Edit(start, end, between.replace(old, new, 1), test.lineno, False)]
    start, end = place.span(test)
    text = place.data[start:end].decode()
    return [place.edit(test, f"not ({text})", False)]
