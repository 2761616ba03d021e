"""Sentences for people, kept apart from the language they are read in.

A Message is written once, in Spanish; whoever shows it picks the reader's language.
"""

from jupyterhub.spawner import SpawnException

from translation.sentences import Message

__all__ = ["Message", "SessionError"]


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
