"""What Slurm's accounting (slurmdbd) says of jobs that are over: the question and its answer."""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Accounted(NamedTuple):
    """One job as sacct has it; times in whole seconds since 1970, 0: not yet.

    GPUs and cores are None where the accounting does not keep them (AccountingStorageTRES).
    """

    submitted: int
    started: int
    ended: int
    gpus: int | None
    cores: int | None


def command(jobs: Sequence[str]) -> list[str]:
    """Return the command that asks for jobs by their numbers; every field of it is Slurm's own.

    https://slurm.schedmd.com/sacct.html
    """
    words = ["sacct", "--allocations", "--noheader", "--parsable2", f"--jobs={','.join(jobs)}"]
    return [*words, "--format=JobIDRaw,Submit,Start,End,AllocTRES"]


def read(answer: str) -> dict[str, Accounted]:
    """Return the jobs in sacct's answer by number; ValueError for anything else.

    Times are read as SLURM_TIME_FORMAT=%s writes them.
    """
    found = {}
    for line in answer.splitlines():
        number, submitted, started, ended, tres = line.split("|")
        if not number.isdigit():  # part of a larger job: none of ours
            continue
        times = [int(t) if t.isascii() and t.isdigit() else 0 for t in (submitted, started, ended)]
        found[number] = Accounted(*times, _count("gres/gpu", tres), _count("cpu", tres))
    return found


def _count(name: str, tres: str) -> int | None:
    """Return how much of `name` is in a list like `billing=4,cpu=4,gres/gpu=1`."""
    found = re.search(rf"(?:^|,){name}=(\d+)(?:,|$)", tres)
    return int(found[1]) if found else None
