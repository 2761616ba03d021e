"""What programs say to people: written once, in Spanish, and said in any language.

A Spanish sentence is its own message id. `hub_config/pages/locale/<language>/LC_MESSAGES/minga.po`
holds the others (`python -m translation extract hub_config`); what a catalog does not have is
said in Spanish. Mark a sentence where it is written: `Message("…")`, `N_("…")` or `_("…")`.

Standard library only, until something is said in another language: notebooks and grading workers
start with this. Where Babel is not installed yet (deploy/install.py) all is said in Spanish.
"""

import gettext
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

from translation.languages import SOURCE

LOCALE = Path(__file__).parent.parent / "hub_config" / "pages" / "locale"


def N_(text: str) -> str:
    """Mark a Spanish sentence for translation where it is written, not where it is shown."""
    return text


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that can be spoken: the source, and those that have a catalog."""
    return (SOURCE, *sorted(path.parts[-3] for path in LOCALE.glob("*/LC_MESSAGES/minga.po")))


def spoken(language: object) -> str:
    """Return `language` if it can be spoken, else the source's; a submission may name anything."""
    return language if language in languages() else SOURCE


def read_catalog(language: str):
    """Return the `babel.messages.Catalog` of a language; an empty one where there is none."""
    from babel.messages import Catalog
    from babel.messages.pofile import read_po

    path = LOCALE / language / "LC_MESSAGES" / "minga.po"
    if not path.is_file():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def catalog(language: object) -> gettext.NullTranslations:
    """Return the gettext catalog of a language; one without entries for what nobody speaks."""
    return _catalog(spoken(language))


@cache
def _catalog(language: str) -> gettext.NullTranslations:
    if language == SOURCE:
        return gettext.NullTranslations()
    try:
        from babel.messages.mofile import write_mo
    except ImportError:  # before anything is installed
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_catalog(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(text: str, language: object, **values) -> str:
    """Return a Spanish sentence in `language`, with its `{placeholders}` filled from `values`."""
    translated = catalog(language).gettext(text)
    return translated.format(**values) if values else translated


def in_all(text: str, **values) -> str:
    """Return a sentence in all languages, for where nobody knows the reader's: "Sí / Yes"."""
    return _joined(translate(text, language, **values) for language in languages())


def _joined(said: Iterable[str]) -> str:
    """Return what was said in several languages as one text, each only once."""
    different = list(dict.fromkeys(said))
    return ("\n\n" if "\n" in different[0] else " / ").join(different)


@dataclass(frozen=True)
class Message:
    """A Spanish sentence with `{placeholders}` and the values that fill them."""

    text: str
    values: dict = field(default_factory=dict)

    @classmethod
    def verbatim(cls, text: str) -> "Message":
        """Return what is the same in every language, such as what another program said."""
        return cls("{text}", {"text": text})

    @classmethod
    def of_data(cls, data: dict) -> "Message":
        """Return the Message that `data` wrote."""
        values = {
            k: cls.of_data(v) if isinstance(v, dict) else v for k, v in data["values"].items()
        }
        return cls(data["text"], values)

    def data(self) -> dict:
        """Return the Message as plain data, which JSON can hold if it can hold the values."""
        return asdict(self)

    def filled(self, **values) -> "Message":
        """Return this sentence with other values."""
        return Message(self.text, values)

    def render(self, gettext: Callable[[str], str] = str) -> str:
        """Return the sentence in the language of `gettext`, Spanish by default.

        A value may itself be a Message (a reason inside a sentence); it is rendered likewise.
        """
        values = {
            key: value.render(gettext) if isinstance(value, Message) else value
            for key, value in self.values.items()
        }
        return gettext(self.text).format(**values)

    def said_in(self, language: object) -> str:
        """Return the sentence in a language."""
        return self.render(catalog(language).gettext)

    def in_all(self) -> str:
        """Return the sentence in all languages, for where nobody knows the reader's."""
        return _joined(self.said_in(language) for language in languages())
