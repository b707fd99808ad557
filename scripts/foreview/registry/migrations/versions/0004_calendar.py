"""The publication calendar: which days of which product are published."""

import sqlalchemy as sa
from alembic import op

from foreview.registry.migrations.steps import create_table
from foreview.registry.schema import LONG

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; nothing is published by it at first."""
    create_table(
        "calendar",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("market", sa.String(255), nullable=False),
        sa.Column("first_day", sa.String(10), nullable=False),
        sa.Column("last_day", sa.String(10), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(LONG), nullable=False),
        sa.Column("confirms", sa.Integer, sa.ForeignKey("calendar.id"), nullable=True),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("calendar", if_exists=True)
