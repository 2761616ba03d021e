"""Which language a request gets, and the sentences in it.

JupyterHub has no translation of its own. What is used here are its documented ways in: a Jinja
extension (`JupyterHub.jinja_environment_options`) that adds gettext to both of the hub's template
environments. The language is decided anew for every page, from the request that the page answers:

1. the person's own choice, the cookie `minga_language`;
2. what the browser asks for (`Accept-Language`);
3. Spanish, the language that everything is written in.

Spanish sentences are the message ids; how they are marked and said: translation/sentences.py.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache

import jinja2
from babel.dates import format_datetime, format_timedelta
from jinja2.ext import InternationalizationExtension
from markupsafe import Markup

from translation.languages import SOURCE, locale, name, offered
from translation.languages import negotiate as preferred
from translation.sentences import N_, catalog, read_catalog, translate

__all__ = ["COOKIE", "LANGUAGES", "NAMES", "N_", "SOURCE", "catalog", "negotiate", "translate"]

LANGUAGES = offered()  # the deployment's
NAMES = {code: name(code) for code in LANGUAGES}
COOKIE = "minga_language"


def negotiate(
    chosen: str | None, accepted: str | None, languages: tuple[str, ...] = LANGUAGES
) -> str:
    """The language for somebody who chose `chosen` and whose browser asks for `accepted`.

    `chosen` is the value of the cookie, `accepted` an Accept-Language header; either may be
    missing or nonsense, which is then ignored.
    """
    return chosen if chosen in languages else preferred(accepted, languages)


@lru_cache
def script_messages(language: str) -> Markup:
    """The sentences of our own scripts as JSON, to be embedded in a page; `{}` for Spanish.

    A sentence belongs to the scripts when its PO entry says that it was found in a `.js` file.
    """
    if language == SOURCE or language not in LANGUAGES:
        return Markup("{}")
    messages = {
        entry.id: entry.string
        for entry in read_catalog(language)
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
