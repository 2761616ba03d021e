"""What every kind of document shares: a segment of text for readers, and putting words back."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import polib

_NEWLINE = re.compile(r"\r\n?|\n")
# What is left of a message without these decides whether there is anything to translate.
_NOT_WORDS = re.compile(
    r"(\$\$?)(?!\s*\$).+?\1"  # maths
    r"|(?:\{[\w:+-]+\})?(`+).*?(?<!`)\2(?!`)"  # code, and roles with a bare target
    r"|https?://[^\s)>]+"
    r"|<[^<>]*>"  # tags
    r"|\]\([^()]*\)",  # link targets
    re.DOTALL,
)
_ROLE_WITH_TEXT = re.compile(r"\{[\w:+-]+\}`[^`<]*[^\W\d_]{2,}[^`<]*<[^`>]*>`")
_WORD = re.compile(r"[^\W\d_]{2,}")


class TranslationError(Exception):
    """A document or a translation that a person must mend; the message says what and where."""

    def __init__(self, reason: str, line: int | None = None):
        self.reason = reason
        self.line = line
        super().__init__(f"line {line}: {reason}" if line else reason)


@dataclass(frozen=True)
class Segment:
    """One message and the slice of the source (`start` to `end`) that it stands for.

    `write` turns a translation into what is put in place of the slice (escapes, indentation).
    `line` counts from 1. `kind` is "text" (inline Markdown), "string", "f-string", "comment",
    "docstring", "yaml" or "html".
    """

    msgid: str
    start: int
    end: int
    line: int
    kind: str = "text"
    headings: tuple[str, ...] = ()
    place: str = ""
    write: Callable[[str], str] = str

    def moved(self, characters: int, lines: int = 0, **changes) -> "Segment":
        """Return the segment as seen from a text in which its own text begins later."""
        return replace(
            self,
            start=self.start + characters,
            end=self.end + characters,
            line=self.line + lines,
            **changes,
        )


class Lines:
    """Where the lines of a text begin and end (line ends not counted), from line 0."""

    def __init__(self, text: str):
        self.text = text
        breaks = [(m.start(), m.end()) for m in _NEWLINE.finditer(text)]
        self.starts = [0, *(end for _, end in breaks)]
        self.ends = [*(start for start, _ in breaks), len(text)]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> str:
        return self.text[self.starts[number] : self.ends[number]]


def has_words(text: str) -> bool:
    """Say whether a text has something to translate, beside maths, code, tags and addresses."""
    return bool(_ROLE_WITH_TEXT.search(text) or _WORD.search(_NOT_WORDS.sub(" ", text)))


def translations(catalog: Iterable[polib.POEntry] | Mapping[str, str] | None) -> dict[str, str]:
    """Return message → translation for all that is translated, not fuzzy and not obsolete."""
    if isinstance(catalog, Mapping):
        return {source: text for source, text in catalog.items() if text}
    return {
        entry.msgid: entry.msgstr
        for entry in catalog or ()
        if entry.msgstr and not entry.fuzzy and not entry.obsolete
    }


def put(text: str, segments: Iterable[Segment], words: Mapping[str, str]) -> str:
    """Return `text` with the translated segments in place; all else is sliced from the source."""
    parts, position = [], 0
    for segment in sorted(segments, key=lambda s: s.start):
        translated = words.get(segment.msgid)
        if translated is None or translated == segment.msgid or segment.start < position:
            continue
        parts += [text[position : segment.start], segment.write(translated)]
        position = segment.end
    return "".join(parts) + text[position:]


def put_guarded(
    text: str,
    segments: list[Segment],
    words: Mapping[str, str],
    difference: Callable[[str, str], str | None],
) -> str:
    """Like `put`, but raise TranslationError where a translation changes more than words.

    `difference(before, after)` says what changed that must not, or None.
    """
    try:
        result = put(text, segments, words)
        found = None if result == text else difference(text, result)
    except TranslationError as error:
        result, found = text, error.reason
    if found is None:
        return result
    for segment in segments:  # find the one to blame
        try:
            found_here = difference(text, put(text, [segment], words))
        except TranslationError as error:
            found_here = error.reason
        if found_here:
            raise TranslationError(
                f"the translation of «{shorten(segment.msgid)}» cannot be used: {found_here}",
                segment.line,
            )
    raise TranslationError(f"the translations together cannot be used: {found}")


def shorten(text: str, length: int = 60) -> str:
    """Return the beginning of a text on one line."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
