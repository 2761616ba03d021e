"""The start page: what its form has chosen already, and bytes in it that are no text.

JupyterHub decodes a form's fields without a net: one byte that is not UTF-8 is an internal error
(500). Importing this module puts a handler in its place that reads such a byte as U+FFFD, which
no choice contains, so that the form refuses it with a sentence as it does any other value.
"""

import contextlib
from typing import Any

from jupyterhub import handlers
from jupyterhub.handlers.pages import SpawnHandler

from .choices import Offer
from .messages import SessionError


def remembered(offer: Offer, *sources: Any) -> dict:
    """Return what of `sources` (the last choice, a link's wishes) is on offer now, by field.

    Later sources win. What is not offered (any more), or no choice at all, is left out: the form
    shows its own default there.
    """
    chosen = {}
    # The profile says which sites and hours there are.
    for field in ("profile", "site", "hours", "course", "language"):
        for source in reversed(sources):
            if field not in chosen and isinstance(source, dict) and field in source:
                with contextlib.suppress(SessionError):
                    chosen[field] = getattr(offer.choose(chosen | {field: source[field]}), field)
    return chosen


class FormHandler(SpawnHandler):
    """`/hub/spawn`: the form, and what it posts."""

    async def prepare(self):
        """Make text of every argument before JupyterHub's code reads it."""
        request = self.request
        for values in (request.arguments, request.query_arguments, request.body_arguments):
            for name, items in values.items():
                values[name] = [item.decode("utf8", "replace").encode() for item in items]
        await super().prepare()


handlers.default_handlers[:] = [
    (pattern, FormHandler if handler is SpawnHandler else handler, *rest)
    for pattern, handler, *rest in handlers.default_handlers
]
