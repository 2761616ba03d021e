"""The hub's pages: sentences in templates, scripts and Python, found and merged by Babel.

The same commands as for documents; the catalogs are those that the hub reads itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import PoFileError, read_po, write_po

from translation.segments import Segment, TranslationError

# What marks a sentence beside gettext's own names: hub_config.pages.N_ and spawners' Message.
KEYWORDS = DEFAULT_KEYWORDS | {"N_": None, "Message": None}

_PREVIOUS = re.compile(r'^#\| (?P<word>msgid|msgid_plural) ""(?P<lines>( "(\\.|[^"\\])*")+)$', re.M)
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')


@dataclass(frozen=True)
class HubPages:
    """All sentences below some folders, as Babel's configuration (`path`) finds them."""

    path: Path
    catalogs: dict[str, Path]
    name: str
    root: Path
    folders: tuple[str, ...]

    @cached_property
    def template(self) -> Catalog:
        """The catalog of all sentences without translations, each with its places."""
        with self.path.open(encoding="utf-8") as file:
            methods, options = parse_mapping_cfg(file, filename=self.name)
        template = Catalog(project="Minga")
        for folder in self.folders:
            found = extract_from_dir(self.root / folder, methods, options, KEYWORDS)
            for name, line, message, comments, context in found:
                place = (f"{folder}/{name}", line)
                template.add(message, None, [place], auto_comments=comments, context=context)
        return template

    def segments(self, language: str = "") -> list[Segment]:
        """Return the sentences; `place` is the file, `line` counts in it."""
        return [
            Segment(_first(message.id), 0, 0, line, "template", place=place)
            for message in self.template
            if message.id
            for place, line in message.locations[:1]
        ]

    def translate(self, catalog: Iterable, language: str = "") -> str:
        """Return Babel's configuration: the hub translates when it shows a page."""
        return self.path.read_text(encoding="utf-8")

    def update(self, language: str) -> bool:
        """Bring the catalog up to date; return whether the file changed.

        As `pybabel update --previous`; sentences that are gone are dropped. Raises
        TranslationError for a file that is no catalog.
        """
        path = self.catalogs[language]
        old = self._read(path, language) if path.exists() else _empty(language)
        before = _content(old)
        old.update(self.template, no_fuzzy_matching=False, update_creation_date=False)
        old.obsolete.clear()
        if path.exists() and _content(old) == before:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        written = BytesIO()
        write_po(written, old, width=0, include_previous=True)
        text = _PREVIOUS.sub(_on_lines_of_their_own, written.getvalue().decode())
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        return True

    def _read(self, path: Path, language: str) -> Catalog:
        try:
            with path.open("rb") as file:
                found = read_po(file, locale=language, abort_invalid=True)
        except (PoFileError, ValueError) as error:
            raise TranslationError(f"{path}: not a valid catalog {error}") from error
        for message in found:  # Babel reads what a sentence was before as a comment by a person
            message.user_comments = [c for c in message.user_comments if not c.startswith("|")]
        return found


def _on_lines_of_their_own(previous: re.Match) -> str:
    """Return a previous sentence of several lines as PO has it; Babel 2.18 puts them in one."""
    lines = _QUOTED.findall(previous["lines"])
    return "\n".join([f'#| {previous["word"]} ""', *(f"#| {line}" for line in lines)])


def _first(id_: str | tuple[str, ...]) -> str:
    return id_ if isinstance(id_, str) else id_[0]


def _content(catalog: Catalog) -> list[tuple]:
    """Return what a new run may not change without a reason: all but line numbers and dates."""
    entries = [
        (m.id, m.string, m.fuzzy, tuple(m.previous_id), sorted({place for place, _ in m.locations}))
        for m in catalog
        if m.id
    ]
    return [*entries, sorted(map(str, catalog.obsolete))]


def _empty(language: str) -> Catalog:
    return Catalog(language, header_comment="#", project="Minga", fuzzy=False)
