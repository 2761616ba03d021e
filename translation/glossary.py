"""The glossary: a page of terms and definitions whose catalogs say how each term is translated.

The book shows it; `check` wants that a sentence with a term is translated with the term's
translation. A term's other forms stand in glossary.yaml.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import polib
import yaml

from translation import markdown
from translation.spelling import bare

FORMS = Path(__file__).parent / "glossary.yaml"
# A flag of an entry in a catalog (Weblate knows it): this sentence says it in another way.
IGNORE = "ignore-check-glossary"


@dataclass(frozen=True)
class Term:
    """One term: as the source says it, and the forms that a translation may use."""

    source: str
    translations: tuple[str, ...]

    def missing_in(self, message: str, translation: str) -> bool:
        """Say whether the message has the term and its translation none of the forms."""
        return bool(_pattern(self.source).search(_plain(message))) and not any(
            _pattern(form).search(_plain(translation)) for form in self.translations
        )


def terms(page: str, catalog: Iterable[polib.POEntry], language: str) -> list[Term]:
    """Return the terms of the glossary's page, as far as they are translated."""
    words = {e.msgid: e.msgstr for e in catalog if e.translated() and not e.obsolete}
    also = _forms().get(language, {})
    return [
        Term(term, (words[term], *also.get(term, ())))
        for term in names(page)
        if term in words and also.get(term, True) is not None
    ]


def names(page: str) -> list[str]:
    """Return the terms that a glossary page defines, in its order."""
    tokens = _definition_lists(page)
    return [inline.content for opening, inline in pairwise(tokens) if opening.type == "dt_open"]


def _definition_lists(text: str) -> list:
    """Return the tokens of a page, with those of its `{glossary}` blocks in their places."""
    found = []
    match = markdown.front_matter(text)
    for token in markdown.blocks(text[match.end() :] if match else text):
        inside = token.type in ("fence", "colon_fence") and token.info.startswith("{glossary}")
        found += _definition_lists("\n" + token.content) if inside else [token]
    return found


def problems(message: str, translation: str, found: Iterable[Term]) -> Iterator[str]:
    """Yield what a translation calls otherwise than the glossary."""
    for term in found if message != translation else ():  # a name that stays as it is
        if term.missing_in(message, translation):
            yield (
                f"glossary: «{term.source}» is «{term.translations[0]}» "
                f"(other forms: translation/glossary.yaml)"
            )


@cache
def _forms() -> Mapping[str, Mapping[str, list[str]]]:
    return yaml.safe_load(FORMS.read_text(encoding="utf-8")) or {}


@cache
def _plain(text: str) -> str:
    """Return a sentence without markup and accents, in lower case."""
    text = re.sub(r"(`+).+?\1|(\$\$?).+?\2|\]\([^)]*\)|\{[^{}]*\}", " ", text, flags=re.DOTALL)
    return bare(re.sub(r"[*_\[\]]", "", text))


@cache
def _pattern(term: str) -> re.Pattern:
    """Return what finds a term, its words in singular or plural."""
    words = [re.escape(word) for word in bare(re.sub(r"\s*\([^)]*\)", "", term)).split()]
    return re.compile(r"\b" + r"[\s-]+".join(f"{word}(?:e?s)?" for word in words) + r"\b")
