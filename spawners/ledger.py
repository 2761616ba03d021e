"""Jobs that must still be taken back: Slurm did not take the order when it was given.

A student stopped the session while the scheduler was silent, or a hand-in failed in a way that
leaves open whether Slurm has the job (`sbatch` waited in vain for the answer). The session is
over for its person; its job is remembered here, also over the hub's end, until it is gone.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Debt:
    """One job to take back: known by its id, or only by the tag that it was handed in with."""

    site: str
    user: str  # whose session it was: the name in the hub
    job: str = ""
    tag: str = ""
    since: float = field(default_factory=time.time)  # seconds since 1970, by the hub's clock


class Ledger:
    """The debts of one hub, in a file (None: in memory, for a hub that keeps nothing)."""

    def __init__(self, file: Path | None = None):
        self._file = file
        self.debts: list[Debt] = []
        if file and file.exists():
            self.debts = [Debt(**entry) for entry in json.loads(file.read_text())]

    def __deepcopy__(self, memo):
        """One ledger for all sessions: traitlets would give each a copy."""
        return self

    def add(self, debt: Debt) -> None:
        """Remember a job that must be taken back. Raises OSError if it cannot be written."""
        self.debts.append(debt)
        self._write()

    def settle(self, debt: Debt) -> None:
        """Forget a job that is gone."""
        self.debts.remove(debt)
        self._write()

    def of(self, user: str) -> list[Debt]:
        """Return what is still to be taken back of this person's."""
        return [debt for debt in self.debts if debt.user == user]

    def _write(self) -> None:
        if self._file is None:
            return
        draft = self._file.with_suffix(".tmp")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps([asdict(debt) for debt in self.debts], indent=1))
        draft.replace(self._file)
