"""What our templates can call beside gettext: addresses, the hub's texts, what a session is."""

from functools import lru_cache
from itertools import count
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import jinja2

from translation.spelling import bare

from .handlers import version
from .hub_texts import FUNCTIONS
from .languages import N_, HubPages, localized, page_language, request_of, translate


@jinja2.pass_context
def here(context) -> str:
    """The path of this page, to come back to it; without the token of a submitted form.

    (The start form's address must not keep `_xsrf`: the hub would take it for an option and start
    a session with it.)
    """
    request = request_of(context)
    if request is None:
        return ""
    parts = urlsplit(request.uri)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "_xsrf"]
    return parts.path + ("?" + urlencode(query) if query else "")


@jinja2.pass_context
def language_url(context, language: str) -> str:
    """Where the switch to a language leads."""
    return f"{context['base_url']}language/{language}?next={quote(here(context), safe='')}"


@jinja2.pass_context
def asset(context, name: str) -> str:
    """The address of one of our static files."""
    return f"{context['base_url']}minga/{name}?v={_version(name)}"


_version = lru_cache(version)


@jinja2.pass_context
def form_spawner(context, user):
    """The spawner of the session that a start form is for: `/hub/spawn/<user>/<session>`."""
    request = request_of(context)
    below = urlsplit(request.uri).path.removeprefix(context["base_url"]) if request else ""
    parts = [unquote(part) for part in below.split("/")]
    name = parts[2] if len(parts) == 3 and parts[0] == "spawn" else ""
    return user.spawners[name] if user and name in user.orm_user.orm_spawners else None


@jinja2.pass_context
def session_words(context, spawner, offered: dict | None = None) -> list[str]:
    """What runs in a session, in words: course, site, profile; what is unknown is left out.

    `offered` is what names the choices, for a session that has no spawner now.
    """
    if offered is None and hasattr(spawner, "offer"):
        offered = spawner.offer()
    chosen, words = spawner.user_options or {}, []
    if not offered or not isinstance(chosen, dict):
        return []
    for kind in ("course", "site", "profile"):
        for item in offered.get(kind + "s", []):
            if item["name"] == chosen.get(kind):
                words.append(localized(item["title"], page_language(context)))
    return words


@jinja2.pass_context
def free_name(context, spawners) -> str:
    """A name for one more session that none of `spawners` has: sesion-2, sesion-3 …"""
    taken = {spawner.name for spawner in spawners}
    word = bare(translate(N_("sesión"), page_language(context)))
    return next(name for n in count(2) if (name := f"{word}-{n}") not in taken)


class Pages(HubPages):
    """The Jinja extension that `configure` names."""

    def __init__(self, environment: jinja2.Environment):
        super().__init__(environment)
        environment.globals.update(
            FUNCTIONS,
            here=here,
            language_url=language_url,
            asset=asset,
            form_spawner=form_spawner,
            free_name=free_name,
            session_words=session_words,
        )
