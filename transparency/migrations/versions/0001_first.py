"""Sessions, and the months that were published."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "transparency_sessions",
        sa.Column("tag", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(32), nullable=False),
        sa.Column("institution", sa.String(40), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("job", sa.String(20), nullable=False),
        sa.Column("gpus", sa.Integer, nullable=False),
        sa.Column("cores", sa.Integer, nullable=False),
        sa.Column("submitted", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("source", sa.String(5), nullable=False),
        sa.Column("month", sa.String(7)),
    )
    op.create_index("transparency_sessions_by_month", "transparency_sessions", ["month"])
    op.create_table(
        "transparency_months",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("published", sa.BigInteger, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
    )
