"""Headings' labels: the same in every language, so that a link or the switch finds the section."""

import re
import unicodedata
from collections.abc import Iterator

_FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})(.*)$")
_HEADING = re.compile(r"^#{2,6}\s+(.+?)\s*#*\s*$")
_LABEL = re.compile(r"^\([^)\s]+\)=\s*$")


def label_headings(text: str, source: str, slug: str) -> str:
    """Label the headings of a page that have no label, after those of `source`, its Spanish text.

    mystmd makes ids of the heading's words, which differ between languages, and loses accents.
    """
    labels = _new_labels(source, slug)
    lines = text.splitlines(keepends=True)
    unlabelled = _unlabelled_headings(lines)
    for (number, _), label in reversed(list(zip(unlabelled, labels, strict=False))):
        lines.insert(number, f"({label})=\n")
    return "".join(lines)


def _new_labels(source: str, slug: str) -> list[str]:
    labels: list[str] = []
    for _, title in _unlabelled_headings(source.splitlines()):
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        label = f"{slug}-{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:60]}"
        labels.append(label if label not in labels else f"{label}-{len(labels)}")
    return labels


def _unlabelled_headings(lines: list[str]) -> list[tuple[int, str]]:
    return [
        (number, title)
        for number, title in _headings(lines)
        if not any(_LABEL.match(line) for line in _line_before(lines, number))
    ]


def _line_before(lines: list[str], number: int) -> list[str]:
    return next(([line] for line in reversed(lines[:number]) if line.strip()), [])


def _headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield (line number, title) of the headings outside code and directives."""
    open_fences: list[str] = []
    for number, line in enumerate(lines):
        if fence := _FENCE.match(line):
            marks, rest = fence[1], fence[2].strip()
            inside_code = open_fences and open_fences[-1][0] != ":"
            closes = open_fences and not rest and marks.startswith(open_fences[-1])
            if closes:
                open_fences.pop()
            elif not inside_code:
                open_fences.append(marks)
        elif not open_fences and (heading := _HEADING.match(line)):
            yield number, heading[1]
