"""What the set-up and the launcher say in a terminal, in Spanish or English (by LANG).

Two strings side by side, and not gettext as elsewhere: this speaks before anything is installed
that could read a catalog, and to whoever runs a machine, not to students.
"""

import os
import sys


def language() -> str:
    """Return `en` if the terminal's locale is English, `es` otherwise."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "en" if value.lower().startswith("en") else "es"
    return "es"


def say(spanish: str, english: str) -> None:
    """Print one line, at once."""
    print(english if language() == "en" else spanish, flush=True)


def fail(spanish: str, english: str, status: int = 1):
    """Say on standard error what is wrong and what to do, and end the program."""
    print(english if language() == "en" else spanish, file=sys.stderr, flush=True)
    raise SystemExit(status)
