"""Python code for readers: comments, docstrings and the strings that a reader sees.

README.md lists which strings count as seen. A translation changes nothing else: the syntax tree
stays equal apart from these strings, and their placeholders stay the same.
"""

import ast
import io
import re
import textwrap
import tokenize
import warnings
from collections.abc import Iterator, Mapping

from translation import literals
from translation.segments import Lines, Segment, TranslationError, has_words, put_guarded

# Calls whose positional strings are shown, by the last part of the name called.
SHOWING_CALLS = frozenset(
    "print input display Markdown HTML HTMLMath Label Latex title suptitle xlabel ylabel zlabel "
    "supxlabel supylabel set_title set_xlabel set_ylabel set_zlabel set_label set_text legend "
    "text annotate figtext warn fail skip".split()
)
# Keywords whose strings are shown, in any call.
SHOWN_KEYWORDS = frozenset(
    "label labels title xlabel ylabel zlabel description tooltip placeholder caption alt help "
    "prompt msg message err_msg".split()
)
MARK = "i18n"  # a comment that says: the strings of this line are for readers too
_SHAPING_METHODS = frozenset({"format", "join", "strip", "center", "ljust", "rjust", "upper"})
_NOT_FOR_READERS = re.compile(
    r"(noqa|type:|fmt:|isort:|pylint:|ruff:|pragma:|mypy:|%%|!|-\*-|i18n\b)"
    r"|.*\b(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)\b"
)
# The shape of an array, perhaps with a unit: `# (batch, 3, 2) km`.
_SHAPE = re.compile(r"\([\w\s+*/,.-]*\)(\s+[\w/²³]{1,5})?$")
_NEW_ITEM = re.compile(r"([-*+•] |\d+[.)] |:\w+|\w[\w.*, ]*( \([^)]*\))?: |>>> |\.\.\. )")
_MAGIC = re.compile(r"^([ \t]*)((?:[%!?]|\w[\w., ]*=\s*[%!](?!=)).*|[\w.]+\?\??[ \t]*)$", re.M)
_PYTHON_CELL_MAGIC = re.compile(r"%%(time|timeit|capture|prun|writefile\s+\S+\.py)\b")
_WIDTH = 92


def segments(code: str, stubs: tuple[str, ...] = (), strict: bool = False) -> list[Segment]:
    """Return the messages of a piece of Python (a cell), in order.

    `stubs` are comments that always stand alone. Code that is not Python has no messages;
    with `strict` it raises TranslationError instead.
    """
    try:
        masked = _without_magics(code)
        tree = _parse(masked)
    except (SyntaxError, ValueError) as error:
        if strict:
            line = getattr(error, "lineno", None)
            raise TranslationError(
                f"not Python, so it cannot be translated: {error}", line
            ) from error
        return []
    lines = Lines(masked)
    comments = _comments(masked)
    found: list[Segment] = []
    spans = []
    for node, is_docstring in _seen(tree, _marked(comments)):
        start = _offset(lines, node.lineno, node.col_offset)
        end = _offset(lines, node.end_lineno, node.end_col_offset)
        parts = literals.split(code[start:end])
        if not parts or any("b" in part.prefix.lower() for part in parts):
            continue
        spans.append((start, end))
        if is_docstring and len(parts) == 1:
            found += _docstring(code, start, parts[0], lines)
        else:
            found += _string(code, start, end, parts, lines)
    found += [
        comment
        for comment in _comment_segments(comments, lines, stubs)
        if not any(start <= comment.start < end for start, end in spans)
    ]
    return sorted(found, key=lambda segment: segment.start)


def translate(code: str, words: Mapping[str, str], stubs: tuple[str, ...] = ()) -> str:
    """Return the code with translated words.

    Raises TranslationError, naming line and message, when more than words would change.
    """
    return put_guarded(code, segments(code, stubs), words, difference)


def difference(before: str, after: str) -> str | None:
    """Say what differs in two pieces of code beside the strings that readers see, or None."""
    try:
        old = _parse(_without_magics(before))
    except (SyntaxError, ValueError):
        return None if before == after else "the code is not Python and must stay as it is"
    try:
        new = _parse(_without_magics(after))
    except (SyntaxError, ValueError) as error:
        return f"the code would no longer be Python ({error})"
    marked = _marked(_comments(_without_magics(before)))
    chosen = {id(node) for node, _ in _seen(old, marked)}
    for path in [path for path, node in _paths(old) if id(node) in chosen]:
        try:
            was, now = _at(old, path), _at(new, path)
        except (AttributeError, IndexError):
            return "the structure of the code would change"
        if not isinstance(now, ast.Constant | ast.JoinedStr):
            return "a text would become code"
        if _formatted_values(was) != _formatted_values(now):
            lost = _shown(_formatted_values(was) - _formatted_values(now), was)
            return "the placeholders must be the same" + (f", {lost} is lost" if lost else "")
        for tree in (old, new):
            _replace(tree, path)
    if ast.dump(old) != ast.dump(new):
        return "the structure of the code would change"
    return None


def _parse(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # the author's "\d" is not our business
        warnings.simplefilter("ignore", DeprecationWarning)
        return ast.parse(code)


def _without_magics(code: str) -> str:
    """Hide IPython's own lines (`%magic`, `!command`, `name?`) behind Python of equal length."""
    first = code.split("\n", 1)[0]
    if first.startswith("%%") and not _PYTHON_CELL_MAGIC.match(first):
        return "0" + " " * (len(code) - 1) if "\n" not in code else _blank(code)
    try:
        _parse(code)
        return code
    except (SyntaxError, ValueError):
        return _MAGIC.sub(lambda m: m[1] + "0" + " " * (len(m[2]) - 1), code)


def _blank(code: str) -> str:
    return re.sub(r"[^\r\n]", " ", code)


def _offset(lines: Lines, row: int, column: int) -> int:
    """Return the character at the tree's (line from 1, column in UTF-8 bytes)."""
    line = lines[row - 1]
    return lines.starts[row - 1] + len(line.encode()[:column].decode(errors="ignore"))


def _seen(tree: ast.Module, marked: set[int]) -> list[tuple[ast.expr, bool]]:
    """Return the strings that readers see, as (node, is a docstring), each once."""
    found: dict[int, tuple[ast.expr, bool]] = {}

    def add(node: ast.expr, is_docstring: bool = False) -> None:
        found.setdefault(id(node), (node, is_docstring))

    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and _is_text(first.value):
                if isinstance(first.value, ast.Constant):
                    add(first.value, is_docstring=True)
        elif isinstance(node, ast.Assert) and node.msg:
            for text in _texts(node.msg):
                add(text)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for text in _texts(ast.Tuple(node.exc.args)):
                add(text)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            shows = name in SHOWING_CALLS
            for text in _texts(ast.Tuple(node.args)) if shows else ():
                add(text)
            for keyword in node.keywords:
                if keyword.arg in SHOWN_KEYWORDS or (shows and keyword.arg in {"value", "s"}):
                    for text in _texts(keyword.value):
                        add(text)
        elif _is_text(node) and marked.intersection({node.lineno, node.end_lineno}):
            add(node)
    # The parts of an f-string are nodes too: only the whole counts.
    parts = {
        id(part)
        for node, _ in list(found.values())
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    return [pair for key, pair in found.items() if key not in parts]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _texts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the strings that a shown expression consists of; not keys, not arguments of calls."""
    if _is_text(node):
        yield node
        return
    inner: list[ast.expr] = []
    match node:
        case ast.BinOp(op=ast.Add()):
            inner = [node.left, node.right]
        case ast.BinOp(op=ast.Mod()):
            inner = [node.left]
        case ast.IfExp():
            inner = [node.body, node.orelse]
        case ast.BoolOp():
            inner = node.values
        case ast.List() | ast.Tuple() | ast.Set():
            inner = node.elts
        case ast.ListComp() | ast.GeneratorExp():
            inner = [node.elt]
        case ast.Starred() | ast.NamedExpr():
            inner = [node.value]
        case ast.Call(func=ast.Attribute(attr=name)) if name in _SHAPING_METHODS:
            inner = [node.func.value, *(node.args if name == "join" else [])]
    for part in inner:
        yield from _texts(part)


def _string(
    code: str, start: int, end: int, parts: list[literals.Literal], lines: Lines
) -> list[Segment]:
    text, formatted = literals.message(parts)
    bare = "".join(p for is_hole, p in literals.pieces(text) if not is_hole) if formatted else text
    if not has_words(bare):
        return []
    row = code.count("\n", 0, start)
    several_lines = len(parts) > 1 and "\n" in code[start:end]
    if several_lines:
        second = start + parts[1].start
        column = second - lines.starts[code.count("\n", 0, second)]
    else:
        column, parts = 0, parts[:1]
    return [
        Segment(
            text,
            start,
            end,
            row + 1,
            "f-string" if formatted else "string",
            write=lambda new: literals.write(new, parts, formatted, column),
        )
    ]


def _docstring(code: str, start: int, literal: literals.Literal, lines: Lines) -> list[Segment]:
    """Return the paragraphs of a docstring; examples (`>>>`) stay as they are."""
    opening = start + len(literal.prefix) + len(literal.quote)
    column = start - lines.starts[code.count("\n", 0, start)]
    found: list[Segment] = []
    for rows in _paragraphs(literal.body):
        first, last = rows[0], rows[-1]
        joined = " ".join(text.strip() for _, text in rows)
        said = joined if literal.raw else literals.decode(joined)
        if not has_words(said) or said.startswith((">>>", "...")):
            continue
        begin = opening + first[0] + len(first[1]) - len(first[1].lstrip())
        finish = opening + last[0] + len(last[1].rstrip())
        indent = column if first[0] == 0 else len(first[1]) - len(first[1].lstrip())

        def write(new: str, indent: int = indent) -> str:
            new = new if literal.raw else literals.encode(new, literal.quote)
            if len(literal.quote) == 1:
                return new
            return _wrapped(new, "\n" + " " * indent, indent)

        line = code.count("\n", 0, begin) + 1
        found.append(Segment(said, begin, finish, line, "docstring", write=write))
    return found


def _paragraphs(body: str) -> Iterator[list[tuple[int, str]]]:
    """Yield groups of lines, each (where it begins in `body`, text), that read as one sentence."""
    group: list[tuple[int, str]] = []
    position, in_example = 0, False
    for text in body.splitlines(keepends=True):
        begin, position = position, position + len(text)
        stripped = text.strip()
        indent = len(text) - len(text.lstrip())
        in_example = stripped.startswith(">>>") or (in_example and bool(stripped))
        begins_anew = group and (
            _NEW_ITEM.match(stripped)
            or group[-1][1].rstrip().endswith(":")
            # The first line follows the quotes: its indent says nothing.
            or (group[-1][0] > 0 and indent != len(group[-1][1]) - len(group[-1][1].lstrip()))
        )
        if group and (not stripped or in_example or begins_anew or not has_words(stripped)):
            yield group
            group = []
        if stripped and not in_example and (has_words(stripped) or group):
            group.append((begin, text))
    if group:
        yield group


def _comments(masked: str) -> list[tuple[int, int, str]]:
    """Return all comments as (line from 1, column, text)."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(masked, newline="").readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [(*t.start, t.string) for t in tokens if t.type == tokenize.COMMENT]


def _marked(comments: list[tuple[int, int, str]]) -> set[int]:
    """Return the lines (from 1) whose strings the author marked for translation."""
    return {row for row, _, text in comments if re.match(rf"#+\s*{MARK}\b", text)}


def _comment_segments(
    comments: list[tuple[int, int, str]], lines: Lines, stubs: tuple[str, ...]
) -> list[Segment]:
    groups: list[list[tuple[int, int, str, str]]] = []  # (row, column, marker, text)
    open_group = False
    for row, column, comment in comments:
        marker = re.match(r"#+[ \t]*", comment)[0]
        text = comment[len(marker) :].rstrip()
        own_line = not lines[row - 1][:column].strip()
        if not text or _NOT_FOR_READERS.match(text) or _SHAPE.match(text):
            open_group = False
            continue
        alone = not own_line or text in stubs
        last = groups[-1][-1] if groups else None
        if (
            open_group
            and not alone
            and last[:3] == (row - 1, column, marker)
            and not _NEW_ITEM.match(text)
        ):
            groups[-1].append((row, column, marker, text))
        else:
            groups.append([(row, column, marker, text)])
        open_group = not alone
    found = []
    for group in groups:
        said = " ".join(text for *_, text in group)
        if not has_words(said):
            continue
        (row, column, marker, _), (last_row, last_column, last_marker, last_text) = (
            group[0],
            group[-1],
        )
        own_line = not lines[row - 1][:column].strip()
        start = lines.starts[row - 1] + column + len(marker)
        end = lines.starts[last_row - 1] + last_column + len(last_marker) + len(last_text)
        separator = f"\n{lines[row - 1][:column]}{marker}" if own_line else ""

        def write(new: str, separator: str = separator, column: int = column) -> str:
            return _wrapped(new, separator, column + 2) if separator else " ".join(new.split())

        found.append(Segment(said, start, end, row, "comment", write=write))
    return found


def _wrapped(text: str, separator: str, indent: int) -> str:
    width = max(_WIDTH - indent, 40)
    rows = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return separator.join(rows)


def _paths(node: ast.AST, path: tuple = ()) -> Iterator[tuple[tuple, ast.AST]]:
    yield path, node
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield from _paths(value, (*path, name))
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _paths(item, (*path, name, number))


def _at(node: ast.AST, path: tuple) -> ast.AST:
    for step in path:
        node = node[step] if isinstance(step, int) else getattr(node, step)
    return node


def _replace(tree: ast.AST, path: tuple) -> None:
    parent, last = _at(tree, path[:-1]), path[-1]
    if isinstance(last, int):
        parent[last] = ast.Constant("")
    else:
        setattr(parent, last, ast.Constant(""))


def _formatted_values(node: ast.AST) -> set[str]:
    values = node.values if isinstance(node, ast.JoinedStr) else []
    return {ast.dump(value) for value in values if isinstance(value, ast.FormattedValue)}


def _shown(dumps: set[str], node: ast.AST) -> str:
    values = [v for v in getattr(node, "values", []) if ast.dump(v) in dumps]
    return ", ".join("{" + ast.unparse(v.value) + "}" for v in values)
