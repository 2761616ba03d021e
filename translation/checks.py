"""What is wrong with documents and catalogs: stale, missing, fuzzy, lost markup, wrong words."""

import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import polib

from translation import catalogs, glossary, spelling
from translation.documents import Configuration, Document
from translation.glossary import Term
from translation.languages import SOURCE
from translation.lost import lost
from translation.segments import Segment, TranslationError, shorten
from translation.spelling import Speller

__all__ = ["Counts", "Problem", "Standards", "check", "check_source", "counts", "lost", "standards"]

_EXTRACT = "run: python -m translation extract"


@dataclass(frozen=True)
class Problem:
    """One thing to mend: in which file and line, for which language, what."""

    path: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.language}: {self.text}"


@dataclass(frozen=True)
class Counts:
    """How many of a document's messages are translated, fuzzy and missing."""

    translated: int
    fuzzy: int
    missing: int

    @property
    def share(self) -> float:
        """How much is translated, from 0 to 1."""
        total = self.translated + self.fuzzy + self.missing
        return self.translated / total if total else 1.0


@dataclass(frozen=True)
class Standards:
    """What words are held against, by language: dictionaries, and the glossary's terms.

    `unknown`: words that no dictionary has are problems too, not accents alone.
    """

    spellers: Mapping[str, Speller] = field(default_factory=dict)
    terms: Mapping[str, list[Term]] = field(default_factory=dict)
    unknown: bool = False


def standards(conf: Configuration, with_spelling: bool = True, unknown: bool = False) -> Standards:
    """Return the dictionaries and the glossary that documents.yaml names.

    Raises TranslationError where a dictionary is not installed.
    """
    spellers = spelling.spellers(conf.spelling, conf.targets) if with_spelling else {}
    page, terms = conf.root / conf.glossary, {}
    if page.is_file():
        text = page.read_text(encoding="utf-8")
        for language in conf.targets:
            path = page.parent / "locale" / language / f"{page.stem}.po"
            if path.is_file():
                terms[language] = glossary.terms(text, catalogs.read(path), language)
    return Standards(spellers, terms, unknown)


def counts(document: Document, language: str) -> Counts:
    """Count a document's messages in one language. Raises TranslationError."""
    path = document.catalogs[language]
    known = {e.msgid: e for e in catalogs.read(path) if not e.obsolete} if path.exists() else {}
    messages = {segment.msgid for segment in document.segments(language)}
    entries = [known.get(message) for message in messages]
    fuzzy = sum(1 for e in entries if e and _texts(e) and e.fuzzy)
    translated = sum(1 for e in entries if e and e.translated())
    return Counts(translated, fuzzy, len(messages) - fuzzy - translated)


def check_source(document: Document, against: Standards) -> list[Problem]:
    """Return what is wrong with the words of a document itself."""
    speller = against.spellers.get(SOURCE)
    if speller is None:
        return []
    try:
        found = document.segments()
    except TranslationError:
        return []  # `check` says so
    problems: dict[str, Problem] = {}  # each word once, where it stands first
    for segment in found:
        for text in speller.problems(segment.msgid, _names(document, segment), against.unknown):
            where = _file(document, segment), _line(segment)
            problems.setdefault(text, Problem(*where, SOURCE, f"{text}{_cell(segment)}"))
    return list(problems.values())


def check(document: Document, language: str, against: Standards | None = None) -> list[Problem]:
    """Return all that is wrong with one document's catalog in one language."""
    path = document.catalogs[language]
    try:
        segments = document.segments(language)
    except TranslationError as error:
        return [Problem(document.path, error.line or 1, language, str(error))]
    if not path.exists():
        missing = f"there is no catalog; {_EXTRACT}"
        return [Problem(path, 1, language, missing)] if segments else []
    try:
        catalog = catalogs.read(path)
    except TranslationError as error:
        return [Problem(path, error.line or 1, language, error.reason.removeprefix(f"{path}: "))]
    return list(_problems(document, language, segments, catalog, against or Standards()))


def _problems(
    document: Document, language: str, segments: list[Segment], catalog, against: Standards
) -> Iterator[Problem]:
    path = document.catalogs[language]
    known = {entry.msgid: entry for entry in catalog if not entry.obsolete}
    kinds = {segment.msgid: segment for segment in reversed(segments)}
    misspelt: set[str] = set()  # each word once, where it stands first
    for message, segment in reversed(kinds.items()):
        entry = known.get(message)
        if entry is None:
            text = f"not in the catalog: «{shorten(message)}»{_cell(segment)}; {_EXTRACT}"
            yield Problem(_file(document, segment), _line(segment), language, text)
        elif not _texts(entry) or not (entry.fuzzy or entry.translated()):
            yield Problem(path, entry.linenum, language, f"missing: «{shorten(message)}»")
        elif entry.fuzzy:
            hint = "the source changed; mend the translation and remove 'fuzzy'"
            yield Problem(path, entry.linenum, language, f"fuzzy: «{shorten(message)}» ({hint})")
        else:
            speller = against.spellers.get(language)
            wrong = [text for t in _texts(entry) for text in lost(message, t, segment.kind)]
            if speller:
                names = _names(document, segment)
                words = [
                    x for t in _texts(entry) for x in speller.problems(t, names, against.unknown)
                ]
                wrong += dict.fromkeys(word for word in words if word not in misspelt)
                misspelt.update(words)
            if glossary.IGNORE not in entry.flags:
                terms = against.terms.get(language, ())
                wrong += glossary.problems(message, " ".join(_texts(entry)), terms)
            for text in wrong:
                text = f"{text} in the translation of «{shorten(message, 40)}»"
                yield Problem(path, entry.linenum, language, text)
    for message, entry in known.items():
        if message not in kinds:
            text = f"no longer in {document.name}: «{shorten(message)}»; {_EXTRACT}"
            yield Problem(path, entry.linenum, language, text)
    try:
        document.translate(catalog, language)
    except TranslationError as error:
        yield Problem(path, 1, language, str(error))


def _texts(entry: polib.POEntry) -> list[str]:
    """Return the translations of an entry: one, or one for each plural form."""
    texts = [entry.msgstr, *entry.msgstr_plural.values()]
    return [text for text in texts if text]


def _file(document: Document, segment: Segment) -> Path:
    in_file = segment.kind == "template"
    return document.root / segment.place if in_file else document.path


def _line(segment: Segment) -> int:
    return 1 if segment.place and segment.kind != "template" else segment.line


def _cell(segment: Segment) -> str:
    in_cell = segment.place and segment.kind != "template"
    return f" (cell {segment.place}, line {segment.line})" if in_cell else ""


def _names(document: Document, segment: Segment) -> frozenset[str]:
    """Return the names of the document's code, which its comments may call by name."""
    if segment.kind in ("comment", "docstring", "string", "f-string"):
        return _code_names(document.path)
    return frozenset()


@cache
def _code_names(path: Path) -> frozenset[str]:
    """Return all names in the Python of a notebook or a page."""
    if path.suffix not in (".ipynb", ".md"):
        return frozenset()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        import nbformat

        cells = nbformat.reads(text, as_version=4).cells
        code = [cell.source for cell in cells if cell.cell_type == "code"]
    else:
        code = [m[2] for m in re.finditer(r"^(```+)\{code-cell\}.*?\n(.*?)^\1", text, re.M | re.S)]
    return frozenset(name for piece in code for name in _tokens(piece))


def _tokens(code: str) -> Iterator[str]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.NAME:
                yield token.string
    except (tokenize.TokenError, SyntaxError):
        return
