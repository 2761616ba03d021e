"""Assignments with releases and policies, submissions, feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _file_set() -> list[sa.Column]:
    return [
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
    ]


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "assignments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("course", sa.String(80), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("release", sa.Integer),
        sa.Column("due", sa.BigInteger),
        sa.Column("grace_seconds", sa.Integer, nullable=False),
        sa.Column("late_policy", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer),
        sa.Column("policy_updated", sa.BigInteger),
        sa.Column("policy_updated_by", sa.String(255)),
        sa.UniqueConstraint("course", "name"),
    )
    op.create_table(
        "extensions",
        sa.Column("assignment", sa.Integer, sa.ForeignKey("assignments.id"), primary_key=True),
        sa.Column("student", sa.String(255), primary_key=True),
        sa.Column("due", sa.BigInteger),
        sa.Column("attempts", sa.Integer),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("assignment", sa.Integer, sa.ForeignKey("assignments.id"), nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        *_file_set(),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("assignment", sa.Integer, sa.ForeignKey("assignments.id"), nullable=False),
        sa.Column("student", sa.String(255), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("clock", sa.BigInteger, nullable=False),
        sa.Column("late_seconds", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger),
        *_file_set(),
        sa.UniqueConstraint("assignment", "student", "attempt"),
        sa.UniqueConstraint("assignment", "student", "key"),
    )
    op.create_index("submissions_by_time", "submissions", ["assignment", "timestamp"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("submission", sa.String(32), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        *_file_set(),
    )
    op.create_index("ix_releases_assignment", "releases", ["assignment"])
    op.create_index("ix_feedback_submission", "feedback", ["submission"])
