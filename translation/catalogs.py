"""gettext catalogs: made from a document's messages, merged as msgmerge does, written stably."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import SequenceMatcher
from pathlib import Path

import polib

from translation import languages, nbgrader_stubs
from translation.segments import Segment, TranslationError

WIDTH = 80
# How alike two messages must be for the old translation to be proposed (msgmerge has 0.6 too).
ALIKE = 0.6
# Each line of a catalog: nothing, a comment, or a keyword with a closed string. polib itself
# takes a string that is not closed and drops its last letter.
_LINE = re.compile(
    r"\s*\Z|#(?![~|])|(?:#~\|?\s*|#\|\s*)?(?:msg(?:ctxt|id|id_plural|str(?:\[\d+\])?)\s+)?"
    r'"(?:[^"\\]|\\.)*"\s*\Z'
)


def read(path: Path) -> polib.POFile:
    """Read a catalog. Raises TranslationError with file, line and reason when it is not valid."""
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if not _LINE.match(line):
                raise ValueError(f"(line {number}): {line.strip()[:60]}")
        return polib.pofile(str(path), encoding="utf-8", wrapwidth=WIDTH, check_for_duplicates=True)
    except (OSError, ValueError) as error:
        line = re.search(r"\(line (\d+)\)", str(error))
        reason = re.sub(rf"^Syntax error in po file |{re.escape(str(path))}:? ?", "", str(error))
        raise TranslationError(
            f"{path}: not a valid catalog {reason}", int(line[1]) if line else None
        ) from error


def empty(language: str) -> polib.POFile:
    """Return a new catalog with the standard headers."""
    catalog = polib.POFile(wrapwidth=WIDTH, encoding="utf-8")
    catalog.metadata = {
        "Project-Id-Version": "Minga",
        "Report-Msgid-Bugs-To": "",
        "POT-Creation-Date": _now(),
        "PO-Revision-Date": "YEAR-MO-DA HO:MI+ZONE",
        "Last-Translator": "",
        "Language-Team": "",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": languages.plural_forms(language),
        "X-Source-Language": languages.SOURCE,
    }
    return catalog


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M+0000")


def entries(segments: Sequence[Segment], document: str) -> list[polib.POEntry]:
    """Return one untranslated entry per message, in the order of first use, with its places."""
    made: dict[str, polib.POEntry] = {}
    for segment in segments:
        place = f"{document}#{segment.place}" if segment.place else document
        path = " › ".join(title for title in segment.headings if title != segment.msgid)
        comment = f"{segment.kind}: {path}" if path else segment.kind
        entry = made.setdefault(segment.msgid, polib.POEntry(msgid=segment.msgid, comment=comment))
        entry.occurrences.append((place, str(segment.line)))
    return list(made.values())


def merge(
    old: polib.POFile, segments: Sequence[Segment], document: str, language: str
) -> polib.POFile:
    """Return the catalog for the document as it is now, with all that `old` knows.

    As msgmerge: equal messages keep their translation; a changed one gets the most similar old
    translation, marked fuzzy, with the old message; what is gone stays as obsolete.
    """
    merged = polib.POFile(wrapwidth=WIDTH, encoding="utf-8")
    merged.metadata = {**empty(language).metadata, **old.metadata}
    merged.metadata_is_fuzzy = old.metadata_is_fuzzy
    merged.header = old.header
    known = {entry.msgid: entry for entry in reversed(old)}
    new = entries(segments, document)
    now = {entry.msgid for entry in new}
    # Those no longer in the document come first: with equal likeness they are the origin.
    candidates = sorted(
        (e for e in known.values() if e.msgstr), key=lambda e: (e.msgid in now, e.obsolete)
    )
    stubs = nbgrader_stubs.TRANSLATIONS.get(language, {})
    for entry in new:
        if before := known.get(entry.msgid):
            entry.msgstr, entry.tcomment = before.msgstr, before.tcomment
            entry.previous_msgid = before.previous_msgid
            entry.flags = list(before.flags)
        elif entry.msgid in stubs:
            entry.msgstr = stubs[entry.msgid]
        elif origin := most_alike(entry.msgid, candidates):
            entry.msgstr, entry.tcomment = origin.msgstr, origin.tcomment
            entry.flags.insert(0, "fuzzy")
            # A fuzzy translation still belongs to the message before.
            was_fuzzy = origin.fuzzy and origin.previous_msgid
            entry.previous_msgid = origin.previous_msgid if was_fuzzy else origin.msgid
        merged.append(entry)
    for before in old:
        if before.msgid not in now and before.msgstr:
            before.obsolete, before.occurrences, before.comment = True, [], ""
            merged.append(before)
    return merged


def most_alike(message: str, candidates: Sequence[polib.POEntry]) -> polib.POEntry | None:
    """Return the entry with the most similar message, or None when none is alike enough."""
    best, likeness = None, ALIKE
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(message)
    for entry in candidates:
        matcher.set_seq1(entry.msgid)
        if matcher.real_quick_ratio() <= likeness or matcher.quick_ratio() <= likeness:
            continue
        if (ratio := matcher.ratio()) > likeness:
            best, likeness = entry, ratio
    return best


def update(path: Path, segments: Sequence[Segment], document: str, language: str) -> bool:
    """Merge a document's messages into its catalog file; return whether the file changed.

    A file in which only line numbers would change is left as it is, so that diffs stay small.
    """
    old = read(path) if path.exists() else empty(language)
    before = [_content(entry) for entry in old]
    if not segments and not before:
        return False
    merged = merge(old, segments, document, language)
    if path.exists() and before == [_content(entry) for entry in merged]:
        return False
    if path.exists():
        merged.metadata["POT-Creation-Date"] = _now()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(merged).rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    return True


def _content(entry: polib.POEntry) -> tuple:
    places = tuple(place for place, _ in entry.occurrences)
    return (
        entry.msgid,
        entry.msgstr,
        entry.obsolete,
        tuple(entry.flags),
        entry.previous_msgid,
        " ".join((entry.comment or "").split()),  # wrapped in the file
        places,
    )
