"""The database: made by migrations alone, and the same service on PostgreSQL."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from exchange.service.database import Database
from exchange.service.tables import Table
from tests.exchange.service.exchange_server import COURSE, ExchangeServer, FakeHub, problem
from tests.postgresql import postgres  # noqa: F401 (a fixture)

pytestmark = pytest.mark.slow

SUBMISSIONS = f"courses/{COURSE}/assignments/a1/submissions"


def differences(url: str) -> list:
    database = Database(url)
    database.migrate()
    database.migrate()  # nothing to do is fine
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, Table.metadata)
    database.close()
    return found


def test_migrations_make_what_the_program_expects(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert differences(f"sqlite:///{tmp_path / '100 %.sqlite'}") == []


def test_how_sqlite_is_opened(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    database.migrate()
    with database.engine.connect() as connection:
        said = {
            name: connection.execute(sa.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.close()
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_the_same_tables_on_postgresql(postgres):  # noqa: F811
    *_, url = postgres
    assert differences(url) == []


def test_the_service_on_postgresql(postgres, tmp_path):  # noqa: F811
    """Handing in, again, too often; the database goes away and comes back."""
    run, options, url = postgres
    hub = FakeHub()
    server = ExchangeServer(tmp_path / "store", hub, MINGA_EXCHANGE_DATABASE=url).start()
    try:
        student, instructor = server.person("student"), server.person("instructor")
        assert instructor.release({"nb.ipynb": b"{}"}).status_code == 200
        first = student.submit({"nb.ipynb": b"1"}, key="k").json()
        assert student.submit({"nb.ipynb": b"1"}, key="k").json() == first
        assert instructor.policy(attempts=2).status_code == 200

        run("-m", "immediate", "stop")
        said = problem(student.submit({"nb.ipynb": b"2"}, key="l"), 503, "try_again")
        assert "base de datos" in said["detail"]
        run("-o", options, "start")

        assert student.submit({"nb.ipynb": b"2"}, key="l").json()["attempt"] == 2
        problem(student.submit({"nb.ipynb": b"3"}, key="m"), 409, "no_attempts_left")
        assert len(instructor.get(SUBMISSIONS).json()) == 2
        assert not (tmp_path / "store" / "exchange.sqlite").exists()
        assert (server.check()["wrong"], server.check()["submissions"]) == ([], 2)
    finally:
        server.stop()
        hub.close()
