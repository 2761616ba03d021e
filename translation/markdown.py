"""MyST Markdown: find the text for readers in a page or a cell, and put a translation in place.

The parser's line maps say where each block is; everything that is not a message is sliced from
the source, so that a page without translations comes back byte for byte.
"""

import re
from collections.abc import Iterator
from functools import cache

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

from translation import code, directives, yaml_text
from translation.segments import Lines, Segment, has_words, put_guarded, translations

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_HTML_COMMENT = re.compile(r"\s*<!--.*-->\s*\Z", re.DOTALL)
_NOT_PROSE_HTML = re.compile(r"\s*<(script|style|svg)\b", re.IGNORECASE)


def segments(text: str) -> list[Segment]:
    """Return the messages of a page or a Markdown cell, in order of place."""
    return _Splitter(text).run()


def translate(text: str, catalog) -> str:
    """Return a page or a Markdown cell with the catalog's translations in place.

    `catalog` is a polib.POFile or a mapping. What is missing or fuzzy stays in the source
    language. Raises TranslationError where a translation would change more than words.
    """
    return put_guarded(text, segments(text), translations(catalog), difference)


def difference(before: str, after: str) -> str | None:
    """Say what differs in two pages beside words (blocks, code, maths, labels), or None."""
    old, new = list(_outline(before)), list(_outline(after))
    for was, now in zip(old, new, strict=False):
        if was[0] == now[0] == "code" and was[1] != now[1]:
            if found := code.difference(was[1], now[1]):
                return found
        elif was != now:
            return f"the structure of the page would change ({_name(was)} → {_name(now)})"
    if len(old) != len(new):
        return "the structure of the page would change"
    return None


def _name(block: tuple) -> str:
    return " ".join(str(part) for part in block if part)[:50]


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for plugin in (deflist_plugin, amsmath_plugin, colon_fence_plugin, myst_block_plugin):
        parser.use(plugin)
    parser.use(dollarmath_plugin, allow_space=True, allow_digits=False, double_inline=True)
    parser.use(footnote_plugin)
    # Blocks only: inline markup belongs to the messages, and footnotes stay where they are.
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def blocks(text: str) -> list[Token]:
    """Return the block tokens of a text (inline content is not parsed)."""
    return _parser().parse(text)


def front_matter(text: str) -> re.Match | None:
    """Return the front matter (group 1: its YAML), if the text begins with one."""
    match = _FRONT_MATTER.match(text)
    return match if match and yaml_text.is_mapping(match[1]) else None


class _Splitter:
    """Walk the blocks of one text, nested directives included, and collect segments."""

    def __init__(self, text: str):
        self.text = text
        self.lines = Lines(text)
        self.found: list[Segment] = []
        self.headings: list[tuple[int, str]] = []

    def run(self) -> list[Segment]:
        body, first = self.text, 0
        if match := front_matter(self.text):
            lines = self.text.count("\n", 0, match.start(1))
            self.found += [
                segment.moved(match.start(1), lines)
                for segment in yaml_text.segments(match[1], nested=False)
            ]
            first = len(Lines(match[0])) - 1
            body = self.text[self.lines.ends[first] :]
        self.walk(body, first)
        return sorted(self.found, key=lambda segment: segment.start)

    def walk(self, content: str, base: int) -> None:
        """Collect from a part of the text whose first line is line `base` of the whole."""
        tokens = blocks(content)
        row: list[str] = []
        row_line = 0
        for number, token in enumerate(tokens):
            before = tokens[number - 1] if number else None
            if token.type == "tr_open":
                row, row_line = [], token.map[0]
            elif token.type == "tr_close":
                self.table_row(base + row_line, row)
            elif token.type == "inline" and before.type in ("th_open", "td_open"):
                row.append(token.content)
            elif token.type == "inline":
                level = int(before.tag[1]) if before.type == "heading_open" else 0
                atx = level and before.markup.startswith("#")
                self.inline(token.content, base + token.map[0], level, bool(atx))
            elif token.type in ("fence", "colon_fence"):
                self.fence(token, base + token.map[0])
            elif token.type == "html_block":
                self.html(token, base + token.map[0])

    def add(self, msgid: str, start: int, end: int, kind: str = "text", write=str) -> None:
        if msgid and has_words(msgid):
            line = self.text.count("\n", 0, start) + 1
            path = tuple(title for _, title in self.headings)
            self.found.append(Segment(msgid, start, end, line, kind, path, write=write))

    def inline(self, content: str, first: int, level: int = 0, atx: bool = False) -> None:
        """Add a paragraph, a heading or a term that begins on line `first`."""
        rows = content.split("\n")
        line = self.lines[first]
        if atx:
            column = line.find(rows[0], re.match(r"[^#]*#+", line).end())
            end = self.lines.starts[first] + column + len(rows[0])
        else:
            column = _suffix(line, rows[0])
            last = first + len(rows) - 1
            end = self.lines.starts[last] + len(self.lines[last].rstrip())
            if _suffix(self.lines[last], rows[-1]) < 0:
                return
        if column < 0:
            return
        message = join(rows)
        if level:
            self.headings = [h for h in self.headings if h[0] < level] + [(level, message)]
        prefix = ""
        if len(rows) > 1:
            second = self.lines[first + 1]
            prefix = second[: max(_suffix(second, rows[1].strip()), 0)]

        def write(new: str) -> str:
            return new.replace("\n", "\n" + prefix)

        self.add(message, self.lines.starts[first] + column, end, write=write)

    def table_row(self, number: int, cells: list[str]) -> None:
        line, position = self.lines[number], 0
        for cell in cells:
            source = cell.replace("|", "\\|")
            found = line.find(source, position)
            if not cell or found < 0:
                continue
            position = found + len(source)
            begin = self.lines.starts[number] + found
            self.add(cell, begin, begin + len(source), write=_cell)

    def html(self, token: Token, first: int) -> None:
        rows = token.content.rstrip("\n").split("\n")
        if _HTML_COMMENT.match(token.content) or _NOT_PROSE_HTML.match(token.content):
            return
        start = self.lines.starts[first] + max(_suffix(self.lines[first], rows[0].strip()), 0)
        last = first + len(rows) - 1
        end = self.lines.starts[last] + len(self.lines[last].rstrip())
        slice_ = self.text[start:end]
        if join(slice_.split("\n")) == join(rows):
            self.add(slice_, start, end, "html")

    def fence(self, token: Token, first: int) -> None:
        directive = directives.parse(token)
        if directive is None:
            return
        rows = token.content.split("\n")
        if directive.title:
            column = _suffix(self.lines[first], directive.title)
            if column >= 0:
                begin = self.lines.starts[first] + column
                self.add(directive.title, begin, begin + len(directive.title), write=_one_line)
        for number, key, value in directive.text_options:
            line = self.lines[first + 1 + number]
            column = _suffix(line, value)
            if column >= 0:
                self.option(key, value, self.lines.starts[first + 1 + number] + column)
        body_line = first + 1 + directive.body_starts
        body = "\n".join(rows[directive.body_starts :])
        if directive.is_code_cell:
            if "translate" in directive.tags and body_line < len(self.lines):
                self.code(body, body_line)
        elif directive.has_prose:
            self.walk(body, body_line)

    def option(self, key: str, value: str, start: int) -> None:
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        if not quoted:
            self.add(value, start, start + len(value), write=_one_line)
            return
        try:
            said = yaml.safe_load(value)
        except yaml.YAMLError:
            return
        self.add(said, start, start + len(value), "yaml", yaml_text.scalar)

    def code(self, body: str, line: int) -> None:
        start = self.lines.starts[line]
        if not self.text.startswith(body.rstrip("\n"), start):
            return  # indented in a list: the code is not a slice of the page
        path = tuple(title for _, title in self.headings)
        for segment in code.segments(body):
            self.found.append(segment.moved(start, line, headings=path))


def _suffix(line: str, content: str) -> int:
    """Return the column at which `content` begins when the line ends with it, else -1."""
    line, content = line.rstrip(), content.rstrip()
    return len(line) - len(content) if line.endswith(content) else -1


def _one_line(new: str) -> str:
    return " ".join(new.split())


def _cell(new: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", _one_line(new))


def join(rows: list[str]) -> str:
    """Return wrapped lines as one message; only hard line breaks stay, written as `\\`."""
    text = ""
    for number, row in enumerate(rows):
        stripped = row.strip(" \t\r")
        if number + 1 == len(rows):
            text += stripped
        elif row.rstrip("\r").endswith("  ") or stripped.endswith("\\"):
            text = (text + stripped.rstrip("\\")).rstrip(" ") + "\\\n"
        else:
            text += stripped + " "
    return text.strip()


def _outline(text: str) -> Iterator[tuple]:
    """Yield what a translation may not change: blocks in order, code, maths, labels, comments."""
    if match := front_matter(text):
        yield "front matter", yaml_text.frame(match[1])
        text = text[match.end() :]
    for token in blocks(text):
        if token.type == "inline":
            continue
        directive = None
        if token.type in ("fence", "colon_fence"):
            directive = directives.parse(token)
        if directive is None:
            keep = token.type not in ("html_block",)
            yield token.type, token.tag, token.info, token.content if keep else ""
            continue
        yield token.type, directive.name, directive.kept_argument, *directive.kept_options
        body = "\n".join(token.content.split("\n")[directive.body_starts :])
        if directive.is_code_cell and "translate" in directive.tags:
            yield "code", body
        elif directive.has_prose:
            yield from _outline_of_body(body)
        else:
            yield "verbatim", body


def _outline_of_body(body: str) -> Iterator[tuple]:
    # A body never has front matter of its own.
    yield from _outline("\n" + body)
