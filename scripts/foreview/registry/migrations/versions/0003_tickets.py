"""Change sets may name a ticket."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; change sets recorded before have none."""
    op.add_column("change_sets", sa.Column("ticket", sa.String(255), nullable=True))
