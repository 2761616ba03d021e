"""Run by alembic: database.py hands it the connection to migrate."""

from alembic import context

from transparency.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table="transparency_version",  # other parts may be in the same database
    render_as_batch=True,  # SQLite cannot change a table in place
    transactional_ddl=True,  # all or nothing, in SQLite too: it is asked to begin
)
with context.begin_transaction():
    context.run_migrations()
