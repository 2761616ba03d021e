"""Check a receipt against the exchange: `python -m exchange.receipt recibo.json`.

The exit status is 0 if what the receipt says is stored, 1 if not, 2 if it could not be asked.
"""

import argparse
import json
import os
import sys
import unicodedata
from pathlib import Path

from translation.sentences import in_all, languages

from . import filesets
from .client import ExchangeClient, ExchangeProblem
from .words import WORDS, say

SAID = ("id", "course", "assignment", "student", "timestamp", "sha256", "files", "attempt")


def file_name(language: str) -> str:
    """Return what the receipt beside a student's work is called."""
    return say(language, "receipt_file") + ".json"


def file_names() -> list[str]:
    """Return what receipts are called in all languages."""
    return [file_name(language) for language in languages()]


def differences(receipt: dict, stored: dict) -> list[str]:
    """Return the parts of a receipt that are not as the exchange has them stored."""
    wrong = [name for name in SAID if receipt.get(name) != stored.get(name)]
    files = [filesets.File(**entry) for entry in stored["manifest"]]
    if filesets.digest(files) != receipt.get("sha256") and "sha256" not in wrong:
        wrong.append("sha256")
    return wrong


def changed(folder: Path, stored: dict) -> list[str]:
    """Return the files of `folder` that are not as they were handed in."""
    here = {unicodedata.normalize("NFC", file.path): file.sha256 for file in filesets.read(folder)}
    return [e["path"] for e in stored["manifest"] if here.get(e["path"]) != e["sha256"]]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m exchange.receipt", description=in_all(WORDS["check_receipt"])
    )
    parser.add_argument("file", type=Path, help=", ".join(file_names()))
    file: Path = parser.parse_args(arguments).file
    language = os.environ.get("MINGA_LANGUAGE") or "es"
    try:
        receipt = json.loads(file.read_text(encoding="utf-8"))
        number = receipt["id"]
        if not isinstance(number, str):
            raise TypeError("id")
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(say(language, "receipt_unreadable", file=file, why=error), file=sys.stderr)
        return 2
    url = os.environ.get("MINGA_EXCHANGE_URL", "")
    try:
        token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
        with ExchangeClient(url, token, language, tell=_warn) as client:
            stored = client.submission(number)
    except ExchangeProblem as error:
        print(error, file=sys.stderr)
        return 1 if error.code == "no_such_submission" else 2
    wrong = differences(receipt, stored)
    if wrong:
        print(say(language, "receipt_wrong", what=", ".join(wrong)))
        return 1
    print(say(language, "receipt_holds", **stored))
    later = changed(file.parent, stored)
    if later:
        print(say(language, "changed_since", names=", ".join(later)))
    return 0


def _warn(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
