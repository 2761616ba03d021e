"""Spelling, accents above all: Hunspell's dictionaries, and our own lists of words.

A word is right that a dictionary of its language has, or one of our lists (words/<language>.txt
for one language, words/all.txt for names and terms of all). Names inside a sentence, acronyms and
whatever looks like code are not asked about. A dictionary cannot tell that "numero" (I number)
was meant as "número"; for such words accents.yaml says where they are wrong.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from translation.languages import SOURCE
from translation.segments import TranslationError

FOLDER = Path(__file__).parent
DICTIONARIES = FOLDER / "dictionaries" / "node_modules"
WORDS = FOLDER / "words"
NOT_PROSE = re.compile(
    r"\{[\w:+-]+\}(`+)[^`<]*\1"  # a role with a bare target
    r"|(?<=\})`(?=[^`]*<[^`>]*>`)|<[^<>]*>`?"  # a role's text stays, its target goes; tags
    r"|(`+).+?(?<!`)\2(?!`)"  # code
    r"|(\$\$?)(?!\s).+?\3"  # maths
    r"|\]\([^()\s]*\)|\[\^[^\]]+\]|(?<![\w`])@[\w:-]+"  # link targets, footnotes, citations
    r"|\bhttps?://[^\s)>]+|\b[\w.-]+@[\w.-]+\b"
    r"|\{[^{}]*\}|%\(\w+\)s|\\[a-zA-Z]+"  # placeholders
    r"|&\w+;",
    re.DOTALL,
)
# What is no word of prose: names with digits, dots, underscores, paths, calls, options.
_CODE_LIKE = re.compile(r"[\w./=()\[\]{}<>*+:#%^~|\\-]*[\d_/=\\<>\[\]{}^~|#][^\s,;]*|--?\w[\w-]*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ITALICS = re.compile(r"(?<![*\w])([*_])(?![\s*_])[^*_]+(?<!\s)\1(?![*\w])")
# An entry of a bibliography has other people's words: "A. Cauchy (1847). …".
_REFERENCE = re.compile(r"[^(]{2,200}\((1[6-9]|20)\d\d\w?\)\. ")
_SENTENCE_BEGINS = re.compile(r"[.:?!¿¡»”\"*]\s*\W*\Z")
# The stress stays where the verb has it: one vowel before the verb's end.
_ENCLITIC = re.compile(
    r"(\w*[áéíóú][^\Waeiouáéíóú]+[aeiou]{1,2})(?:[mts]e|nos)?(?:l[aeo]s?|[mts]e|nos)"
)
_ACUTE = dict(zip("aeiou", "áéíóú", strict=True))
_NO_ACUTE = str.maketrans("áéíóú", "aeiou")
_CALL = re.compile(r"\b[\w.]+\(\)?|\b\w+\.\w[\w.]*|\.\w+\b")


class Speller:
    """Asks the dictionaries of one language. Raises TranslationError where they are missing."""

    def __init__(self, language: str, dictionaries: Iterable[str], words: Path = WORDS):
        self.language = language
        self.list = words / f"{language}.txt"
        self._hunspell = [_dictionary(name) for name in dictionaries]
        self._known = _words_of(self.list) | _words_of(words / "all.txt")
        self._right: dict[str, bool] = {}

    def right(self, word: str) -> bool:
        """Say whether a word is one; at the beginning of a sentence it may be capitalized."""
        if word not in self._right:
            forms = {word, word[:1].lower() + word[1:], word.replace("’", "'")}
            forms |= {re.sub(r"['’]s$", "", form) for form in forms}
            if word.isupper():
                forms.add(word.lower())
            if self.language == SOURCE and (verb := _spanish_imperative(word)):
                forms.add(verb)
            self._right[word] = bool(forms & self._known) or any(
                book.spell(form) for book in self._hunspell for form in forms
            )
        return self._right[word]

    def proposals(self, word: str) -> list[str]:
        """Return what was perhaps meant (slow: some tenths of a second)."""
        found = [text for book in self._hunspell for text in book.suggest(word)]
        return list(dict.fromkeys(found))

    def accented(self, word: str) -> str:
        """Return the word of the same letters with other accents, or nothing."""
        plain = bare(word)
        if self.language != SOURCE and plain != word.lower():
            return ""  # a foreign word or name, which brings its accents along
        forms = [plain] + [
            plain[:place] + _ACUTE[letter] + plain[place + 1 :]
            for place, letter in enumerate(plain)
            if letter in _ACUTE
        ]
        right = (form for form in forms if form != word.lower() and self.right(form))
        found = next(right, "")
        return found.capitalize() if word[:1].isupper() else found

    def problems(
        self, text: str, code_names: frozenset[str] = frozenset(), unknown: bool = False
    ) -> Iterator[str]:
        """Yield what is wrong with a sentence (inline Markdown, or a displayed string): accents.

        With `unknown` also each word that nobody knows: a slip, a name, or a word too new.
        """
        if _REFERENCE.match(text):
            return
        prose = NOT_PROSE.sub(" ", text)
        prose = _CODE_LIKE.sub(" ", _CALL.sub(" ", self._without_foreign(prose)))
        for number, match in enumerate(_WORD.finditer(prose)):
            word = match[0]
            if len(word) < 2 or word in code_names or self.right(word):
                continue
            inside = number and not _SENTENCE_BEGINS.search(prose[: match.start()])
            if word[1:] != word[1:].lower() or (inside and word[0].isupper()):
                continue  # GPU, PyTorch; a name inside a sentence
            if other := self.accented(word):
                yield f"accent: «{word}» → «{other}»"
            elif unknown:
                proposals = ", ".join(self.proposals(word)[:3])
                perhaps = f" (perhaps: {proposals})" if proposals else ""
                yield (
                    f"unknown word: «{word}»{perhaps}; if it is right, "
                    f"add it to translation/words/{self.list.name}"
                )
        for wrong, right in _traps(self.language):
            for match in wrong.finditer(prose):
                yield f"accent: «{match[0]}» → «{match['after']}{right}{match['before']}»"

    def _without_foreign(self, prose: str) -> str:
        """Leave out what stands in italics and is of another language: titles, foreign words."""

        def native(match: re.Match) -> str:
            words = _WORD.findall(match[0])
            unknown = [word for word in words if not self.right(word)]
            slip = len(words) == 1 and self.accented(words[0])
            return " " if 3 * len(unknown) > len(words) and not slip else match[0]

        return _ITALICS.sub(native, prose)


def _spanish_imperative(word: str) -> str:
    """Return the verb of an imperative with pronouns (resuélvela → resuelve), else nothing.

    The dictionary has not all of them. Without the accent that they need, it is none.
    """
    match = _ENCLITIC.fullmatch(word.lower())
    return match[1].translate(_NO_ACUTE) if match else ""


def spellers(spelling: Mapping[str, list[str]], languages: Iterable[str]) -> dict[str, Speller]:
    """Return a speller for each of the languages that has dictionaries."""
    return {
        language: _speller(language, tuple(spelling[language]))
        for language in (SOURCE, *languages)
        if language in spelling
    }


@cache
def _speller(language: str, dictionaries: tuple[str, ...]) -> Speller:
    return Speller(language, dictionaries)


def bare(text: str) -> str:
    """Return a text in lower case without accents; ñ is a letter of its own."""
    kept = text.lower().replace("ñ", "\0")
    parts = unicodedata.normalize("NFD", kept)
    return "".join(c for c in parts if not unicodedata.combining(c)).replace("\0", "ñ")


@cache
def _dictionary(name: str):
    try:
        from hunspell import Hunspell
    except ImportError as error:
        raise TranslationError(
            "the spell checker is not installed: python3 deploy/install.py test (or leave "
            "spelling out: --no-spelling)"
        ) from error
    folder = DICTIONARIES / name
    if not (folder / "index.dic").is_file():
        raise TranslationError(
            f"the dictionary '{name}' is not installed: python3 deploy/install.py test, or "
            "npm ci in translation/dictionaries (or leave spelling out: --no-spelling)"
        )
    return Hunspell("index", hunspell_data_dir=str(folder))


def _words_of(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    lines = (line.partition("#")[0] for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(word for line in lines for word in line.split())


@cache
def _traps(language: str) -> list[tuple[re.Pattern, str]]:
    """Return what a dictionary cannot see: where a word is wrong, and the right one."""
    data = yaml.safe_load((WORDS / "accents.yaml").read_text(encoding="utf-8"))
    found = []
    for rule in data.get(language, []):
        sign = rule.get("after", "").startswith("[")  # ¿ and ¡ stand at the word itself
        after = rf"(?<!\w){rule['after']}{'' if sign else ' '}" if "after" in rule else ""
        before = rf" {rule['before']}\b" if "before" in rule else ""
        for wrong, right in rule["words"].items():
            expression = rf"(?P<after>{after})\b{wrong}\b(?P<before>{before})"
            found.append((re.compile(expression, re.IGNORECASE), right))
    return found
