"""Changes have notes: what was mended, which formula a value comes from, a cell's comment."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LONG = 4_294_967_295


def upgrade() -> None:
    """Add the column; changes recorded before have none."""
    op.add_column("changes", sa.Column("notes", sa.Text(LONG), nullable=True))
