"""Log lines that an operator can grep: `user=ana session=- site=chile job=4711 …`.

The same four fields, in the same order, start every line about a session; a line about a whole
site has `site=` alone. `-` stands for what is not there (yet); the default server of a person is
`session=-`, a named server its name.
"""

import logging
import re
from collections.abc import Callable

# A child of JupyterHub's own logger: its lines go where the hub's go, in the same format.
HUB = logging.getLogger("JupyterHub.minga")


def fields(**values: str) -> str:
    """Return `name=value` pairs; no value can contain a space, a line end or another field.

    >>> fields(user="ana", session="", site="chile", job="a b=c")
    'user=ana session=- site=chile job=a\\\\u0020b\\\\u003dc'
    """
    return " ".join(f"{name}={_safe(value)}" for name, value in values.items())


def _safe(value: str) -> str:
    # Named servers are named by students, and a line must not be forged by a name. Other
    # letters than ASCII may stay: they are \w.
    return re.sub(r"[^\w@.+-]", lambda found: f"\\u{ord(found[0]):04x}", str(value or "-"))


class FieldLog(logging.LoggerAdapter):
    """A logger whose lines start with fields; `describe()` returns them when a line is written."""

    def __init__(self, logger: logging.Logger, describe: Callable[[], str]):
        super().__init__(logger, {})
        self._describe = describe

    def process(self, msg, kwargs):
        """Put the fields before the message."""
        return f"{self._describe()} {msg}", kwargs


def of_site(site: str) -> FieldLog:
    """Return the log of a whole site."""
    return FieldLog(HUB, lambda: fields(site=site))


def of_session(spawner, logger: logging.Logger) -> FieldLog:
    """Return the log of one session, on top of the hub's `logger`."""
    return FieldLog(logger, lambda: session_fields(spawner))


def session_fields(spawner) -> str:
    """Return `user=… session=… site=… job=…` of a MingaSpawner, whatever is known by now."""
    choice = getattr(spawner, "choice", None)
    return fields(
        user=spawner.user.name if spawner.user else "",
        session=spawner.name,
        site=spawner.site_name or (choice.site if choice else ""),
        job=spawner.job_id,
    )
