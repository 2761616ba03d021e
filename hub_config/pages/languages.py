"""Which language a request gets, and the sentences in it.

JupyterHub has no translation of its own. What is used here are its documented ways in: a Jinja
extension (`JupyterHub.jinja_environment_options`) that adds gettext to both of the hub's template
environments. The language is decided anew for every page, from the request that the page answers:

1. the person's own choice, the cookie `minga_language`;
2. what the browser asks for (`Accept-Language`);
3. Spanish, the language that everything is written in.

Spanish sentences are the message ids; `locale/<language>/LC_MESSAGES/minga.po` holds the others
(`python -m translation`). What a catalog does not have is shown in Spanish.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import jinja2
from babel.dates import format_datetime, format_timedelta
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from jinja2.ext import InternationalizationExtension
from markupsafe import Markup

from translation.languages import SOURCE, locale, name, offered

LANGUAGES = offered()  # the deployment's
NAMES = {code: name(code) for code in LANGUAGES}
COOKIE = "minga_language"
LOCALE = Path(__file__).parent / "locale"


def N_(text: str) -> str:
    """Mark a Spanish sentence for translation where it is written, not where it is shown."""
    return text


def negotiate(
    chosen: str | None, accepted: str | None, languages: tuple[str, ...] = LANGUAGES
) -> str:
    """The language for somebody who chose `chosen` and whose browser asks for `accepted`.

    `chosen` is the value of the cookie, `accepted` an Accept-Language header; either may be
    missing or nonsense, which is then ignored.
    """
    if chosen in languages:
        return chosen
    for language in _by_preference(accepted or ""):
        if language in languages:
            return language
    return SOURCE if SOURCE in languages else languages[0]


def _by_preference(accepted: str) -> list[str]:
    """Primary language subtags of an Accept-Language header, the most wanted first."""
    wanted = []
    for part in accepted.split(","):
        tag, _, parameters = part.partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            quality = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            quality = 0.0
        if tag.strip() and quality > 0:
            wanted.append((-quality, len(wanted), tag.strip().lower().split("-")[0]))
    return [tag for _, _, tag in sorted(wanted)]


@lru_cache
def catalog(language: str) -> NullTranslations:
    """The gettext catalog of a language, read from its PO file; Spanish needs none."""
    if language == SOURCE or language not in LANGUAGES:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, _read_po(language))
    compiled.seek(0)
    return Translations(compiled)


def _read_po(language: str) -> Catalog:
    path = LOCALE / language / "LC_MESSAGES" / "minga.po"
    if not path.is_file():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def translate(text: str, language: str, **values) -> str:
    """A Spanish sentence in `language`, with its `{placeholders}` filled from `values`."""
    translated = catalog(language).gettext(text)
    return translated.format(**values) if values else translated


@lru_cache
def script_messages(language: str) -> Markup:
    """The sentences of our own scripts as JSON, to be embedded in a page; `{}` for Spanish.

    A sentence belongs to the scripts when its PO entry says that it was found in a `.js` file.
    """
    if language == SOURCE or language not in LANGUAGES:
        return Markup("{}")
    messages = {
        entry.id: entry.string
        for entry in _read_po(language)
        if entry.string
        and not entry.fuzzy
        and isinstance(entry.id, str)
        and any(place.endswith(".js") for place, _ in entry.locations)
    }
    # "<" must not end the script element that carries the JSON
    return Markup(json.dumps(messages, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704


def language_of(request) -> str:
    """The language for a tornado request."""
    cookie = request.cookies.get(COOKIE)
    return negotiate(cookie.value if cookie else None, request.headers.get("Accept-Language"))


def request_of(context: jinja2.runtime.Context):
    """The tornado request that a page answers, or None where a template is rendered alone.

    Every page of the hub is given `static_url`, a method of its request handler.
    """
    handler = getattr(context.get("static_url"), "__self__", None)
    return getattr(handler, "request", None)


@jinja2.pass_context
def page_language(context: jinja2.runtime.Context) -> str:
    """The language of the page that is being rendered."""
    request = request_of(context)
    return language_of(request) if request is not None else SOURCE


@jinja2.pass_context
def _gettext(context, text: str) -> str:
    return catalog(page_language(context)).gettext(text)


@jinja2.pass_context
def _ngettext(context, singular: str, plural: str, number: int) -> str:
    return catalog(page_language(context)).ngettext(singular, plural, number)


def localized(texts: dict[str, str] | str, language: str) -> str:
    """One of `{"es": …, "en": …}`: that of `language`, else the Spanish one; text as it is."""
    if isinstance(texts, str):
        return texts
    return texts.get(language) or texts.get(SOURCE) or next(iter(texts.values()), "")


@jinja2.pass_context
def _in_language(context, texts) -> str:
    return localized(texts, page_language(context))


@jinja2.pass_context
def _ago(context, moment: datetime) -> Markup:
    """A `<time>` element: how long ago (or until) a moment of the hub's clock (UTC) is."""
    language = locale(page_language(context))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    words = format_timedelta(moment - datetime.now(UTC), add_direction=True, locale=language)
    full = format_datetime(moment, "medium", locale=language) + " UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), full, words
    )


class HubPages(InternationalizationExtension):
    """Jinja extension: `{% trans %}`, `_()`, `language()` and dates in the reader's language."""

    def __init__(self, environment: jinja2.Environment):
        super().__init__(environment)
        environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)
        environment.policies["ext.i18n.trimmed"] = True
        environment.globals.update(
            language=page_language,
            language_names=NAMES,
            script_messages=script_messages,
            request=jinja2.pass_context(request_of),
        )
        environment.filters.update(
            in_language=_in_language,
            ago=_ago,
            moment=lambda seconds: datetime.fromtimestamp(seconds, UTC),
        )
