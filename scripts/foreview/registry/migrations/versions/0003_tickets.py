"""Change sets may name a ticket."""

import sqlalchemy as sa

from foreview.registry.migrations.steps import add_column, drop_column

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; change sets recorded before have none."""
    add_column("change_sets", "ticket", sa.String(255))


def downgrade() -> None:
    """Take the column away."""
    drop_column("change_sets", "ticket")
