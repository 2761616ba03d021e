"""What can go wrong when grading, in words for the person who grades, in both languages."""


class GradingError(Exception):
    """Grading cannot go on; `es` and `en` say why and what to do."""

    def __init__(self, es: str, en: str):
        super().__init__(f"{es} / {en}" if "\n" not in es else f"{es}\n\n{en}")
        self.es, self.en = es, en


class SandboxUnavailable(GradingError):
    """This machine cannot isolate student code; nothing is run without."""


class SubmissionFailed(GradingError):
    """One submission could not be run to its end. `reason` is a word for programs.

    It is one of memory, cpu, wall, output, timeout, dead, speech (what the kernel sent is no
    Jupyter message), files (they do not fit), notebook (it is none that can be run), setup.
    """

    def __init__(self, reason: str, es: str, en: str):
        super().__init__(es, en)
        self.reason = reason
