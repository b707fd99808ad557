"""The publication calendar: which days of which product are published."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LONG = 4_294_967_295


def upgrade() -> None:
    """Make the table; nothing is published by it at first."""
    op.create_table(
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
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
    )
    for verb in ("UPDATE", "DELETE"):  # as 0001 does for the first tables
        head = f"CREATE TRIGGER calendar_no_{verb.lower()} BEFORE {verb} ON calendar FOR EACH ROW"
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"{head} BEGIN SELECT RAISE(ABORT, 'calendar is append-only'); END")
        else:
            op.execute(
                f"{head} SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'calendar is append-only'"
            )
