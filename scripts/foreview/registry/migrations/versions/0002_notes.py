"""Changes have notes: what was mended, which formula a value comes from, a cell's comment."""

import sqlalchemy as sa

from foreview.registry.migrations.steps import add_column, drop_column
from foreview.registry.schema import LONG

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; changes recorded before have none."""
    add_column("changes", "notes", sa.Text(LONG))


def downgrade() -> None:
    """Take the column away."""
    drop_column("changes", "notes")
