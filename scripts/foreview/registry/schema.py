"""The registry's tables, as the newest migration leaves them.

The types are those that SQLite and MariaDB share: text with a length, integers, and JSON kept as
canonical text, because its bytes are hashed. On MariaDB the tables are `utf8mb4_nopad_bin`, so that
keys compare as they do in Python and in SQLite, blanks at their ends included. A test compares this
module with the migrations.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0007"
"""The newest migration; a database that says this needs no Alembic."""

LONG = 4_294_967_295
"""Length of a long text: MariaDB makes it a LONGTEXT."""

METADATA = MetaData()

CHANGE_SETS = Table(
    "change_sets",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("author", String(255), nullable=False),
    Column("reason", Text(LONG), nullable=False),
    Column("ticket", String(255), nullable=True),
    Column("base_release", Integer, nullable=False),
    Column("source_name", String(255), nullable=False),
    Column("source_hash", String(64), nullable=False),
    Column("contracts", Text(LONG), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("content", Text(LONG), nullable=False),
)

CHANGES = Table(
    "changes",
    METADATA,
    Column("change_set_id", String(16), ForeignKey("change_sets.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("dimension", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("identity", Text(LONG), nullable=False),
    Column("row_key", Text(LONG), nullable=False),
    Column("key_text", String(512), nullable=False),
    Column("action", String(16), nullable=False),
    Column("before", Text(LONG), nullable=False),
    Column("after", Text(LONG), nullable=False),
    Column("copied_from", Text(LONG)),
    Column("cells", Text(LONG), nullable=False),
    Column("where_", Text(LONG), nullable=False),
    Column("notes", Text(LONG), nullable=True),
    Column("reason", Text(LONG), nullable=False),
    Index("changes_by_key", "dimension", "key_text"),
    Index("changes_by_dimension", "change_set_id", "dimension"),
)

RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("checksum", String(64), primary_key=True),
    Column("change_set_ids", Text(LONG), nullable=False),
    Column("base_release", Integer, nullable=False),
    Column("horizon_day", String(10)),
    Column("horizon_batch", Integer, nullable=False),
    Column("content", Text(LONG), nullable=False),
    Column("created_at", String(32), nullable=False),
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("change_set_id", String(16), ForeignKey("change_sets.id"), nullable=False),
    Column("reviewer", String(255), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("receipt_checksum", String(64), ForeignKey("receipts.checksum")),
    Column("contracts", Text(LONG), nullable=False),
    Column("comment", Text(LONG), nullable=False),
    Column("cells", Text(LONG), nullable=True),
    Column("created_at", String(32), nullable=False),
    Index("reviews_by_change_set", "change_set_id"),
)

RELEASES = Table(
    "releases",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("publication", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("promoted_by", String(255), nullable=False),
    Column("promoted_at", String(32), nullable=False),
)

RELEASE_CHANGE_SETS = Table(
    "release_change_sets",
    METADATA,
    Column("release", Integer, ForeignKey("releases.number"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("change_set_id", String(16), ForeignKey("change_sets.id"), nullable=False),
    UniqueConstraint("change_set_id", name="promoted_once"),
)

PROMOTION_STEPS = Table(
    "promotion_steps",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("release", Integer, nullable=False),
    Column("step", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("detail", Text(LONG), nullable=False),
    Column("at", String(32), nullable=False),
    Index("promotion_steps_by_release", "release"),
)

CALENDAR = Table(
    "calendar",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("product", String(64), nullable=False),
    Column("market", String(255), nullable=False),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text(LONG), nullable=False),
    Column("confirms", Integer, ForeignKey("calendar.id"), nullable=True),
    Column("actor", String(255), nullable=False),
    Column("at", String(32), nullable=False),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("payload", Text(LONG), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)


def through(view: str, table: Table, connection: sa.Connection) -> sa.TableClause:
    """Return the view by which rows of some kind are added to a table; on SQLite the table itself.

    On MariaDB who may add some rows to a table may not add all of them.
    """
    if connection.dialect.name == "sqlite":
        return table
    return sa.table(view, *(sa.column(one.name, one.type) for one in table.columns))
