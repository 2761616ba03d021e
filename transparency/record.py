"""What the hub writes down of each session, in a thread of its own: no session waits for it.

A row is written when a session is reached and completed when it is over, so that one whose end
no hub saw (it was off, its database was restored) counts until its time limit at most.
"""

import asyncio
import hashlib
import hmac
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import select

from spawners.sites import SchedulerError

from .database import Database
from .tables import SessionUse

log = logging.getLogger("JupyterHub.minga")
AT_ONCE = 200  # jobs in one question to sacct
SAME_JOB = 60  # seconds that the times of one job may differ by; its number may come again


def read_key(file: Path) -> bytes:
    """Return the key in `file`, made at the first start; only this account reads it."""
    try:
        return bytes.fromhex(file.read_text())
    except FileNotFoundError:
        made = secrets.token_bytes(32)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(made.hex())
        return made


def pseudonym(key: bytes, name: str) -> str:
    """Return what stands for a person: the same for the same name, and no way back without key."""
    return hmac.new(key, name.encode(), hashlib.sha256).hexdigest()[:32]


class Recorder:
    """Writes to the database of use; what fails is logged, and nobody's session minds."""

    def __init__(self, database: Database, key: bytes):
        self.database, self._key = database, key
        self._migrated, self._migrating = False, threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minga-use")  # keeps the order

    def started(self, name: str, **use) -> None:
        """Note a session of the person called `name`; `use` are SessionUse's columns.

        Told again, its time limit is what is new.
        """
        row = {**use, "person": pseudonym(self._key, name), "source": "hub"}
        self._thread.submit(self._write, self._add, row)

    def ended(self, tag: str, ended: float | None) -> None:
        """Note when it ended, in seconds since 1970; None: before now, nobody knows when."""
        self._thread.submit(self._write, self._complete, tag, ended)

    def close(self) -> None:
        """Return when all is written."""
        self._thread.shutdown()

    def _write(self, work: Callable, *arguments) -> None:
        try:
            self._make_ready()
            with self.database.transaction() as session:
                work(session, *arguments)
        except Exception:  # whatever it is: the next one must be written
            log.exception("the use of a session could not be recorded")

    def _make_ready(self) -> None:
        """Migrate the database, once in a process."""
        with self._migrating:
            if not self._migrated:
                self.database.migrate()
                self._migrated = True

    @staticmethod
    def _add(session, row: dict) -> None:
        known = session.get(SessionUse, row["tag"])
        if known is None:
            session.add(SessionUse(**row))
        else:  # Slurm moved its job, or it was made longer
            known.ends = row["ends"]

    @staticmethod
    def _complete(session, tag: str, ended: float | None) -> None:
        row = session.get(SessionUse, tag)
        if row is not None and row.ended is None and row.month is None:
            row.ended = max(
                row.started, int(min(time.time(), row.ends) if ended is None else ended)
            )

    async def correct(self, sites: Mapping) -> int:
        """Take the times and machines of sessions that are over from sacct, where a site has it.

        Returns how many rows it has put right. A site that does not say changes nothing.
        """
        known = 0
        for name, site in sites.items():
            if not hasattr(site, "accounted"):
                continue
            jobs = await asyncio.to_thread(self._to_correct, name)
            numbers = sorted(jobs, key=int)
            for first in range(0, len(numbers), AT_ONCE):
                try:
                    found = await site.accounted(numbers[first : first + AT_ONCE])
                except (SchedulerError, OSError, TimeoutError, ValueError) as error:
                    log.debug("site=%s has no accounting for the figures of use: %s", name, error)
                    break
                known += await asyncio.to_thread(self._correct, jobs, found)
        return known

    def _to_correct(self, site: str) -> dict[str, tuple[str, int]]:
        """Return the jobs whose sessions are over: number -> (tag, submitted)."""
        over = (SessionUse.ended.is_not(None)) | (SessionUse.ends < time.time())
        mine = (SessionUse.site == site) & (SessionUse.source == "hub")
        self._make_ready()
        with self.database.transaction() as session:
            rows = session.scalars(select(SessionUse).where(mine, over, SessionUse.month.is_(None)))
            return {row.job: (row.tag, row.submitted) for row in rows}

    def _correct(self, jobs: Mapping, found: Mapping) -> int:
        right = 0
        with self.database.transaction() as session:
            for number in jobs.keys() & found.keys():
                (tag, submitted), job = jobs[number], found[number]
                row = session.get(SessionUse, tag)
                if not job.ended or abs(job.submitted - submitted) > SAME_JOB or row.month:
                    continue
                row.started, row.ended, row.source = job.started, job.ended, "sacct"
                row.gpus = row.gpus if job.gpus is None else job.gpus
                row.cores = row.cores if job.cores is None else job.cores
                right += 1
        return right
