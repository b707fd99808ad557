"""Reviews may have comments on cells."""

import sqlalchemy as sa

from foreview.registry.migrations.steps import add_column, drop_column
from foreview.registry.schema import LONG

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; reviews recorded before have none."""
    add_column("reviews", "cells", sa.Text(LONG))


def downgrade() -> None:
    """Take the column away."""
    drop_column("reviews", "cells")
