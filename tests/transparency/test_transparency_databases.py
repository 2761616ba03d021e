"""The database of use: made by migrations alone, in one place with the exchange, on both kinds."""

import dataclasses

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.postgresql import postgres  # noqa: F401 (a fixture)
from tests.transparency.test_transparency_figures import classroom, hand_back
from transparency.database import Database
from transparency.publish import begin, publish_due, published
from transparency.record import read_key
from transparency.settings import Settings
from transparency.tables import Table


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def test_the_same_on_every_database_beside_the_exchange(kind, tmp_path, monkeypatch, request):
    monkeypatch.chdir("/")
    url = f"sqlite:///{tmp_path / '100 %.sqlite'}"
    if kind == "postgres":
        *_, url = request.getfixturevalue("postgres")
    settings = Settings(folder=str(tmp_path), database=url, exchange=url)
    sessions, graded = classroom(read_key(settings.key_file))
    hand_back(settings, graded)
    database = Database(url)
    database.migrate()
    database.migrate()  # nothing to do is fine
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "version_table": "transparency_version",
                "include_name": lambda name, kind, _: (
                    kind != "table" or name.startswith("transparency_")
                ),
            },
        )
        assert compare_metadata(context, Table.metadata) == []
    with database.transaction() as session:
        session.add_all(sessions)
    assert len(publish_due(settings, database, begin("2027-06"))) == 6
    totals = [
        (month, row["sessions"], row["graded"])
        for month, figures in published(database)
        for row in figures
        if row["dimension"] == "total"
    ]
    assert totals == [(month, 240, 80) for month in ("2026-11", "2026-12", "2027-01")]
    database.close()
    assert dataclasses.replace(settings, database="").database_url.endswith("use.sqlite")
