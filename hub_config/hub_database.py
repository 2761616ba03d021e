"""How the hub uses its database: written ahead, and read at once when it starts."""

from jupyterhub import orm
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import ORMExecuteState, Session


def configure() -> None:
    """Make it so for all of this process's databases; twice is as once."""
    event.listen(Engine, "connect", write_ahead)
    event.listen(Session, "do_orm_execute", read_at_once)


def write_ahead(connection, record) -> None:
    """Let SQLite write ahead (WAL): a commit then does not stop the hub's only thread.

    Nothing is lost when the hub is killed; a power cut may take the last moments' commits, and
    the sessions with them. https://www.sqlite.org/wal.html
    """
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")


def read_at_once(state: ORMExecuteState) -> None:
    """Keep what JupyterHub's start reads of running sessions in one query, and their users.

    It asks for them with `populate_existing` (JupyterHub.init_spawners), which throws the users
    away again that were read for each session, so that five queries follow for each: 1,500 with
    300 sessions, 2 seconds in which the hub does not answer. Nothing was read before that could
    be out of date.
    """
    mapper = state.bind_mapper
    if state.is_select and mapper is not None and mapper.class_ is orm.Spawner:
        if state.execution_options.get("populate_existing"):
            state.update_execution_options(populate_existing=False)
