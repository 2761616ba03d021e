"""Run by alembic: the service hands it the connection to migrate (database.py)."""

from alembic import context

from exchange.service.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,  # SQLite cannot change a table in place
    transactional_ddl=True,  # all or nothing, in SQLite too: it is asked to begin
)
with context.begin_transaction():
    context.run_migrations()
