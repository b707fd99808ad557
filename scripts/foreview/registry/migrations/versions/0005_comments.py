"""Reviews may have comments on cells."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; reviews recorded before have none."""
    op.add_column("reviews", sa.Column("cells", sa.Text(4_294_967_295), nullable=True))
