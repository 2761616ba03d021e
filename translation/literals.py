"""Python's string literals as messages: read what they say, write other words the same way.

Works on source text, so that it is the same for Python 3.11, where an f-string is one token, and
3.12 and later, where it is many.
"""

import ast
import io
import re
import tokenize
from dataclasses import dataclass

from translation.segments import TranslationError

_PREFIX = re.compile(r"([A-Za-z]*)('''|\"\"\"|'|\")")
_ESCAPE = re.compile(
    r"\\(?:\r\n|[\n\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
    r"|N\{[^}]+\})"
)
_F_START = {getattr(tokenize, n, None) for n in ("FSTRING_START", "TSTRING_START")} - {None}
_F_END = {getattr(tokenize, n, None) for n in ("FSTRING_END", "TSTRING_END")} - {None}
_STRING_TOKENS = _F_START | _F_END | {tokenize.STRING}


@dataclass(frozen=True)
class Literal:
    """One literal as written: its place in the text, prefix, quotes and what is between them."""

    start: int
    end: int
    prefix: str
    quote: str
    body: str

    @property
    def formatted(self) -> bool:
        """Whether it is an f-string."""
        return "f" in self.prefix.lower()

    @property
    def raw(self) -> bool:
        """Whether backslashes stand for themselves."""
        return "r" in self.prefix.lower()


def split(text: str) -> list[Literal]:
    """Return the literals of one string expression ("a" f"b" is two); empty if it is not one."""
    wrapped = f"({text})"  # lines may go on inside parentheses
    starts = [0, *(m.end() for m in re.finditer(r"\r\n?|\n", wrapped))]
    found, depth, opened = [], 0, 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(wrapped, newline="").readline):
            if token.type not in _STRING_TOKENS:
                continue
            first, last = (starts[row - 1] + column for row, column in (token.start, token.end))
            if token.type in _F_START:
                opened = opened if depth else first
                depth += 1
            elif token.type in _F_END:
                depth -= 1
                if not depth:
                    found.append((opened, last))
            elif not depth:
                found.append((first, last))
    except (tokenize.TokenError, SyntaxError, IndexError):
        return []
    literals = []
    for first, last in found:
        source = wrapped[first:last]
        match = _PREFIX.match(source)
        quote = match[2]
        body = source[match.end() : -len(quote)]
        literals.append(Literal(first - 1, last - 1, match[1], quote, body))
    return literals


def pieces(text: str, raw: bool = True) -> list[tuple[bool, str]]:
    """Split the inside of an f-string into (is a placeholder, text); `{{` stays in the text.

    Raises TranslationError when a brace is not closed.
    """
    parts, position, start = [], 0, 0
    while position < len(text):
        if not raw and text[position] == "\\":
            escape = _ESCAPE.match(text, position)
            position = escape.end() if escape else position + 1
        elif text[position : position + 2] in ("{{", "}}"):
            position += 2
        elif text[position] == "{":
            end = _placeholder_end(text, position)
            parts += [(False, text[start:position]), (True, text[position:end])]
            start = position = end
        elif text[position] == "}":
            raise TranslationError("a '}' without '{' (write '}}' for the character)")
        else:
            position += 1
    parts.append((False, text[start:]))
    return [part for part in parts if part[1]]


def _placeholder_end(text: str, start: int) -> int:
    """Return where the placeholder that opens at `start` ends; strings inside may hold braces."""
    position, depth, in_format = start + 1, 0, False
    while position < len(text):
        character = text[position]
        if character == "{" and in_format:
            position = _placeholder_end(text, position)
            continue
        if character == "}" and not depth:
            return position + 1
        if not in_format:
            if character in "([{":
                depth += 1
            elif character in ")]}":
                depth -= 1
            elif character == ":" and not depth:
                in_format = True
            elif character in "'\"":
                quote = text[position : position + 3]
                quote = quote if quote == character * 3 else character
                closing = text.find(quote, position + len(quote))
                if closing < 0:
                    break
                position = closing + len(quote) - 1
        position += 1
    raise TranslationError("a '{' without '}' (write '{{' for the character)")


def placeholders(message: str) -> set[str]:
    """Return the placeholders of an f-string message, as written. Raises TranslationError."""
    return {part for is_placeholder, part in pieces(message) if is_placeholder}


def message(literals: list[Literal]) -> tuple[str, bool]:
    """Return what the literals say together, and whether it is in f-string notation."""
    formatted = any(literal.formatted for literal in literals)
    text = ""
    for literal in literals:
        if literal.formatted:
            for is_placeholder, part in pieces(literal.body, literal.raw):
                text += part if is_placeholder or literal.raw else decode(part)
        else:
            part = literal.body if literal.raw else decode(literal.body)
            text += part.replace("{", "{{").replace("}", "}}") if formatted else part
    return text, formatted


def decode(body: str) -> str:
    """Return what the inside of an ordinary literal stands for."""

    def character(match: re.Match) -> str:
        if match[0][1] in "\r\n":  # the line goes on
            return ""
        return ast.literal_eval(f'"{match[0]}"')

    return _ESCAPE.sub(character, body)


def encode(text: str, quote: str) -> str:
    """Return a text as the inside of an ordinary literal with these quotes."""
    text = text.replace("\\", "\\\\")
    if len(quote) == 3:
        text = text.replace(quote, "\\" + quote)
        if text.endswith(quote[0]):
            text = text[:-1] + "\\" + quote[0]
        keep = "\n"
    else:
        text = text.replace(quote, "\\" + quote)
        keep = ""
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return "".join(
        c if c in keep or (c >= " " and c != "\x7f") else named.get(c, f"\\x{ord(c):02x}")
        for c in text
    )


def write(text: str, like: list[Literal], formatted: bool, column: int, width: int = 96) -> str:
    """Return `text` as one literal in the manner of `like`, or one a line where `like` was so.

    `column` is where the lines after the first begin. Raises TranslationError for braces that do
    not match in an f-string.
    """
    if len(like) < 2:
        return _literal(text, like[0], formatted, keep_f=like[0].formatted)
    chunks, line = [], ""
    for word in _words(text, formatted):
        if line and len(line) + len(word) > max(width - column, 40):
            chunks.append(line)
            line = ""
        line += word
    chunks.append(line)
    separator = "\n" + " " * column
    return separator.join(_literal(c, like[0], formatted) for c in chunks)


def _words(text: str, formatted: bool) -> list[str]:
    """Split at spaces, each word with the space after it; placeholders stay whole."""
    parts = pieces(text) if formatted else [(False, text)]
    words = [""]
    for is_placeholder, part in parts:
        if is_placeholder:
            words[-1] += part
            continue
        for word in re.findall(r"[^ ]* +|[^ ]+$", part):
            words[-1] += word
            if word.endswith(" "):
                words.append("")
    return [word for word in words if word] or [""]


def _literal(text: str, like: Literal, formatted: bool, keep_f: bool = False) -> str:
    parts = pieces(text) if formatted else [(False, text)]
    inside = "".join(part for is_placeholder, part in parts if is_placeholder)
    quote = next(
        (q for q in (like.quote, '"', "'", '"""', "'''") if q not in inside and q[0] not in inside),
        like.quote,
    )
    needs_f = formatted and (keep_f or any("{" in part or "}" in part for _, part in parts))
    words = "".join(part for is_placeholder, part in parts if not is_placeholder)
    raw = like.raw and not (
        quote in text or text.endswith(("\\", quote[0])) or ("\n" in words and len(quote) == 1)
    )
    body = "".join(
        part if is_placeholder or raw else encode(part, quote) for is_placeholder, part in parts
    )
    prefix = ("r" if raw else "") + ("f" if needs_f else "")
    return f"{prefix}{quote}{body}{quote}"
