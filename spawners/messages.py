"""Sentences for people, kept apart from the language they are read in.

A sentence is written once, in Spanish, and is the message id of the hub's gettext catalog
(`hub_config/pages/locale`); whoever shows it picks the reader's language.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jupyterhub.spawner import SpawnException


@dataclass(frozen=True)
class Message:
    """A Spanish sentence with `{placeholders}` and the values that fill them."""

    text: str
    values: dict = field(default_factory=dict)

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


class SessionError(SpawnException):
    """A session cannot start (or ended); `text` is the Message that its student reads.

    `reason` is the short label that metrics and logs count by. The HTTP status is 400 for
    what the student asked, 5xx for what broke on our side.
    """

    def __init__(self, text: Message, *, reason: str, status_code: int = 400, log_message=""):
        super().__init__(
            text.render(), reason=reason, status_code=status_code, log_message=log_message
        )
        self.text = text
