"""The database of use: how it is opened and migrated; the hub writes, the page's service too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
import alembic.config
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.orm import Session

BUSY_SECONDS = 10  # how long to wait for a lock of the other process


class Database:
    """Transactions in the database at a SQLAlchemy URL, for ordinary threads."""

    def __init__(self, url: str):
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite":
            self.engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
            event.listen(self.engine, "connect", _sqlite_connect)
            event.listen(self.engine, "begin", _sqlite_begin)
        else:
            # A connection that the database server closed is found before it is used.
            self.engine = create_engine(parsed, pool_pre_ping=True)

    def migrate(self) -> None:
        """Bring the database to the form that this version of the program needs."""
        config = alembic.config.Config()
        folder = Path(__file__).parent / "migrations"
        # A "%" would be taken for a variable.
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose changes are kept if the block ends well, all or none."""
        with Session(self.engine) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _sqlite_connect(connection, _) -> None:
    connection.isolation_level = None  # the driver begins no transactions; _sqlite_begin does
    connection.execute("PRAGMA journal_mode=WAL")


def _sqlite_begin(connection) -> None:
    # Every transaction here may write, and holds the lock from its first statement on.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
