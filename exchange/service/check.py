"""Compare what was promised with what is on the disk: `python -m exchange.service.check`.

Reads the same variables as the service, which may be running. Exits with 1 when a file that
somebody has a receipt for is missing or not what it was.
"""

import argparse
import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from .database import Database
from .names import digest
from .settings import Settings
from .store import Store
from .tables import Feedback, Release, Submission


@dataclass
class Findings:
    """What was found; `wrong` holds one sentence for each thing that is not as it should be."""

    submissions: int = 0
    files: int = 0
    unused: int = 0  # files that nothing names: of uploads whose database commit failed
    incoming: int = 0  # files that are being received, or that a crash left
    wrong: list[str] = field(default_factory=list)


def check(settings: Settings) -> Findings:
    """Read every file that a release, a submission or a feedback names."""
    store, found = Store(settings.folder, 0), Findings()
    database = Database(settings.database_url)
    good: dict[str, bool] = {}
    with Session(database.engine) as session:
        for table in (Release, Submission, Feedback):
            rows = session.scalars(select(table).options(undefer(table.manifest)))
            for row in rows.yield_per(100):
                what = f"{table.__tablename__} {row.id}"
                found.submissions += table is Submission
                if row.sha256 != digest(row.entries) or row.files != len(row.manifest):
                    found.wrong.append(f"{what}: the list of files is not the one of its SHA-256")
                for entry in row.entries:
                    if entry.sha256 not in good:
                        good[entry.sha256] = _intact(store.blob(entry.sha256), entry.sha256)
                    if not good[entry.sha256]:
                        found.wrong.append(f"{what}: {entry.path}: missing or changed")
    database.close()
    found.files = len(good)
    blobs = [path.name for path in store.blobs.glob("*/*")]
    found.unused = len(set(blobs) - set(good))
    found.wrong += [
        f"{name}: not what its name says"
        for name in blobs
        if name not in good and not _intact(store.blob(name), name)
    ]
    found.incoming = sum(1 for _ in store.incoming.glob("*"))
    return found


def _intact(path: Path, sha256: str) -> bool:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m exchange.service.check", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args()
    found = check(Settings.from_environment(os.environ))
    if given.json:
        print(json.dumps(asdict(found)))
    else:
        for line in found.wrong:
            print(line)
        print(
            f"{found.submissions} submissions, {found.files} files; {found.unused} files that "
            f"nothing names, {found.incoming} half received; wrong: {len(found.wrong)}"
        )
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
