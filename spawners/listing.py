"""How a site's whole queue is asked for and read, so that nothing in it can be misread.

A job's name and comment are whatever its owner wrote, newlines and separators included, so what
decides over sessions is asked for without them: every field of `Listing` is Slurm's own. The
comments, which tell whose job it is, are another question, asked seldom; there fields and records
are separated by marks that are made anew each time, because a command line can be read by
everybody on its machine. The marks have no letter that a shell gives a meaning: `ssh` hands the
command to one.
"""

import re
import secrets

from .queue import Job

# squeue's letters, in the order of `_job`.
FIELDS = ("%A", "%T", "%r", "%B", "%S", "%P", "%Q", "%e", "%u", "%V")


class Listing:
    """The query for a whole queue, and how its answer is read."""

    def __init__(self):
        mark = secrets.token_hex(6)
        self._field, self._end = f"+{mark}+", f"={mark}="
        # --states=all: jobs that ended stay listed for MinJobAge, with their last state. All
        # jobs, not only ours: a place in the queue counts those of others too.
        self.command = ["squeue", "--noheader", "--states=all", "--array-unique"]
        self.command.append(f"--format={self._field.join(FIELDS)}{self._end}")
        self._read: dict[str, Job] = {}  # the last answer's records: most are there again

    def jobs(self, answer: str) -> list[Job]:
        """Return the jobs in squeue's answer; ValueError, which is no answer, for anything else."""
        *records, rest = answer.split(self._end)
        if rest.strip():
            raise ValueError(f"squeue answered something else: {rest.strip()[:200]!r}")
        last, self._read = self._read, {}
        for record in records:
            self._read[record] = last.get(record) or _job(record.lstrip("\n").split(self._field))
        return list(self._read.values())


def _job(fields: list[str]) -> Job:
    job_id, state, reason, node, started, partition, priority, ends, user, since = fields
    return Job(
        id=str(int(job_id)),
        state=state,
        reason=reason,
        node="" if node == "n/a" else node,
        started=_moment(started),
        partition=partition,
        priority=int(priority),
        ends=_moment(ends),
        user=user,
        since=_moment(since),
    )


class Comments:
    """One question for the comments of all jobs, and how its answer is read; for one use."""

    def __init__(self):
        mark = secrets.token_hex(6)
        self._field, self._end = f"+{mark}+", f"={mark}="
        self.command = ["squeue", "--noheader", "--states=all", "--array-unique"]
        self.command.append(f"--format=%A{self._field}%k{self._end}")

    def read(self, answer: str) -> dict[str, str]:
        """Return the comment of each job by its id; ValueError for anything else."""
        *records, rest = answer.split(self._end)
        if rest.strip():
            raise ValueError(f"squeue answered something else: {rest.strip()[:200]!r}")
        pairs = [record.lstrip("\n").split(self._field) for record in records]
        return {str(int(job_id)): comment for job_id, comment in pairs}


def _moment(text: str) -> str:
    """Return seconds since 1970 as Slurm wrote them, "" for its words for none."""
    return text if text.isascii() and text.isdigit() else ""


# What `scontrol show jobs` writes first of each job, in the first column of a line.
STATED = re.compile(r"^JobId=(\d+) .*?^ *JobState=([A-Z_]+) ", re.MULTILINE | re.DOTALL)
ALL_JOBS = ["scontrol", "show", "jobs"]


def states(answer: str) -> dict[str, str]:
    """Return the state of each job by its id, as `scontrol show jobs` has them.

    Raises ValueError for anything but its answer.
    """
    if answer.strip() == "No jobs in the system":
        return {}
    stated = STATED.findall(answer)
    found = dict(stated)
    # scontrol writes comments too: a job that is there twice was written into one.
    if not found or len(found) != len(stated):
        raise ValueError(f"scontrol answered something else: {answer.strip()[:200]!r}")
    return found
