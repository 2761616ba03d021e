"""What can go wrong when grading, in words for the person who grades."""

from translation.sentences import Message


class GradingError(Exception):
    """Grading cannot go on; `message` says why and what to do. As text, in all languages."""

    def __init__(self, message: Message):
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message.in_all()


class SandboxUnavailable(GradingError):
    """This machine cannot isolate student code; nothing is run without."""


class SubmissionFailed(GradingError):
    """One submission could not be run to its end. `reason` is a word for programs.

    It is one of memory, cpu, wall, output, timeout, dead, speech (what the kernel sent is no
    Jupyter message), files (they do not fit), notebook (it is none that can be run), setup.
    """

    def __init__(self, reason: str, message: Message):
        super().__init__(message)
        self.reason = reason
