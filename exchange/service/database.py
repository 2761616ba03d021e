"""The database: how it is opened, migrated and asked.

A write is one transaction that holds the write lock from its first statement on, so that
numbering attempts and comparing times need no second try.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import alembic.command
import alembic.config
import anyio
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .problems import Problem

T = TypeVar("T")
READERS, WRITERS = 8, 4
BUSY_SECONDS = 5  # how long to wait for a lock of another process (a backup, sqlite3)


class Database:
    """Transactions on threads of their own, off the event loop."""

    def __init__(self, url: str):
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.sqlite = parsed.get_backend_name() == "sqlite"
        options = {"pool_size": READERS + WRITERS, "max_overflow": 0, "pool_timeout": BUSY_SECONDS}
        if self.sqlite:
            options["connect_args"] = {"timeout": BUSY_SECONDS}
        else:
            # A connection that the database server closed is found before it is used.
            options["pool_pre_ping"] = True
            options["connect_args"] = {"connect_timeout": BUSY_SECONDS}
        self.engine = create_engine(parsed, **options)
        if self.sqlite:
            event.listen(self.engine, "connect", _sqlite_connect)
            event.listen(self.engine, "begin", _sqlite_begin)
        self._file = Path(parsed.database) if self.sqlite else None
        self._inode = None
        self._writing = self.engine.execution_options(writes=True)
        # SQLite has one writer: the others wait here, in order, without holding a thread.
        self._readers = anyio.CapacityLimiter(READERS)
        self._writers = anyio.CapacityLimiter(1 if self.sqlite else WRITERS)

    def migrate(self) -> None:
        """Bring the database to the form that this version of the program needs."""
        config = alembic.config.Config()
        folder = Path(__file__).parent / "migrations"
        # A "%" would be taken for a variable.
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        with self._writing.begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
        self._inode = self._seen()

    async def read(self, work: Callable[..., T], *arguments) -> T:
        """Return work(session, *arguments), run in a thread and a transaction."""
        return await anyio.to_thread.run_sync(
            self._run, self.engine, work, arguments, limiter=self._readers
        )

    async def write(self, work: Callable[..., T], *arguments) -> T:
        """As `read`, and committed: what it returns is durable. Nothing is kept if it raises."""
        return await anyio.to_thread.run_sync(
            self._run, self._writing, work, arguments, limiter=self._writers
        )

    def _run(self, engine, work, arguments):
        self._check_file()
        for last in (False, True):
            try:
                # What `work` returns is used after the transaction.
                with Session(engine, expire_on_commit=False) as session, session.begin():
                    answer = work(session, *arguments)
                self._check_file()
                return answer
            except IntegrityError:
                # Two transactions made the same row (PostgreSQL); the second finds it.
                if last:
                    raise

    def _check_file(self) -> None:
        """Raise Problem try_again where the file of the open database is no longer at its place.

        SQLite would go on writing into a file that was removed or replaced, and what it commits
        there would be lost.
        """
        if self.sqlite and self._seen() != self._inode:
            self.engine.dispose()
            raise Problem("try_again")

    def _seen(self):
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return "gone"
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _sqlite_connect(connection, _) -> None:
    connection.isolation_level = None  # the driver begins no transactions; _sqlite_begin does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a commit is on the disk when it returns
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _sqlite_begin(connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
