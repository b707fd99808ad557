"""The registry's first tables, all of them append-only.

Triggers refuse UPDATE and DELETE, so that nothing that was recorded can be changed through SQL
without first removing a trigger.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from foreview.registry.migrations.steps import create_table
from foreview.registry.schema import LONG

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "change_sets",
    "changes",
    "receipts",
    "reviews",
    "releases",
    "release_change_sets",
    "promotion_steps",
    "events",
)


def upgrade() -> None:
    """Make the tables and their triggers."""
    _create_proposals()
    _create_reviews()
    _create_releases()
    _create_events()


def downgrade() -> None:
    """Take away all that was recorded."""
    for table in reversed(TABLES):
        op.drop_table(table, if_exists=True)


def _required(name: str, kind: Any) -> "sa.Column[Any]":
    return sa.Column(name, kind, nullable=False)


def _create_proposals() -> None:
    create_table(
        "change_sets",
        sa.Column("id", sa.String(16), primary_key=True),
        _required("kind", sa.String(16)),
        _required("author", sa.String(255)),
        _required("reason", sa.Text(LONG)),
        _required("base_release", sa.Integer),
        _required("source_name", sa.String(255)),
        _required("source_hash", sa.String(64)),
        _required("contracts", sa.Text(LONG)),
        _required("created_at", sa.String(32)),
        _required("content", sa.Text(LONG)),
    )
    create_table(
        "changes",
        sa.Column(
            "change_set_id", sa.String(16), sa.ForeignKey("change_sets.id"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        _required("dimension", sa.String(64)),
        _required("kind", sa.String(16)),
        _required("identity", sa.Text(LONG)),
        _required("row_key", sa.Text(LONG)),
        _required("key_text", sa.String(512)),
        _required("action", sa.String(16)),
        _required("before", sa.Text(LONG)),
        _required("after", sa.Text(LONG)),
        sa.Column("copied_from", sa.Text(LONG)),
        _required("cells", sa.Text(LONG)),
        _required("where_", sa.Text(LONG)),
        _required("reason", sa.Text(LONG)),
    )
    op.create_index("changes_by_key", "changes", ["dimension", "key_text"], if_not_exists=True)
    op.create_index(
        "changes_by_dimension", "changes", ["change_set_id", "dimension"], if_not_exists=True
    )


def _create_reviews() -> None:
    create_table(
        "receipts",
        sa.Column("checksum", sa.String(64), primary_key=True),
        _required("change_set_ids", sa.Text(LONG)),
        _required("base_release", sa.Integer),
        sa.Column("horizon_day", sa.String(10)),
        _required("horizon_batch", sa.Integer),
        _required("content", sa.Text(LONG)),
        _required("created_at", sa.String(32)),
    )
    create_table(
        "reviews",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("change_set_id", sa.String(16), sa.ForeignKey("change_sets.id"), nullable=False),
        _required("reviewer", sa.String(255)),
        _required("decision", sa.String(16)),
        sa.Column("receipt_checksum", sa.String(64), sa.ForeignKey("receipts.checksum")),
        _required("contracts", sa.Text(LONG)),
        _required("comment", sa.Text(LONG)),
        _required("created_at", sa.String(32)),
    )
    op.create_index("reviews_by_change_set", "reviews", ["change_set_id"], if_not_exists=True)


def _create_releases() -> None:
    create_table(
        "releases",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        _required("publication", sa.Integer),
        _required("kind", sa.String(16)),
        _required("promoted_by", sa.String(255)),
        _required("promoted_at", sa.String(32)),
    )
    create_table(
        "release_change_sets",
        sa.Column("release", sa.Integer, sa.ForeignKey("releases.number"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("change_set_id", sa.String(16), sa.ForeignKey("change_sets.id"), nullable=False),
        sa.UniqueConstraint("change_set_id", name="promoted_once"),
    )
    create_table(
        "promotion_steps",
        sa.Column("id", sa.Integer, primary_key=True),
        _required("release", sa.Integer),
        _required("step", sa.String(64)),
        _required("state", sa.String(16)),
        _required("detail", sa.Text(LONG)),
        _required("at", sa.String(32)),
    )
    op.create_index(
        "promotion_steps_by_release", "promotion_steps", ["release"], if_not_exists=True
    )


def _create_events() -> None:
    create_table(
        "events",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        _required("at", sa.String(32)),
        _required("actor", sa.String(255)),
        _required("kind", sa.String(64)),
        _required("payload", sa.Text(LONG)),
        _required("previous_hash", sa.String(64)),
        _required("hash", sa.String(64)),
    )
