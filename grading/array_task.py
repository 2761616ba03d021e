"""One task of a Slurm array: run its jobs, one after the other, and write each outcome.

    python -m grading.array_task <folder>/tasks-0.json

SLURM_ARRAY_TASK_ID says which task. What has a result already is not run again.
"""

import json
import os
import sys
from pathlib import Path

from . import jobs
from .array import write_whole
from .jobs import Job


def main(tasks: Path, index: int) -> None:
    """Run the jobs of task `index`."""
    for digest in json.loads(tasks.read_text())[index]:
        result = tasks.parent / "results" / f"{digest}.json"
        if not result.exists():
            job = Job.load((tasks.parent / "jobs" / f"{digest}.json").read_text())
            write_whole(result, json.dumps(jobs.run(job)))


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]), int(os.environ["SLURM_ARRAY_TASK_ID"]))
