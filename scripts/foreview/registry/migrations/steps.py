"""What migrations do, so that one that was killed can be run again.

MariaDB records each change of a table at once, so a migration that ended halfway has left some.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op


def is_sqlite() -> bool:
    """Whether the registry is a file."""
    return op.get_bind().dialect.name == "sqlite"


def create_table(name: str, *parts: Any) -> None:
    """Make a table to which rows can only be added."""
    options = {
        f"{dialect}_{option}": value
        for dialect in ("mysql", "mariadb")
        for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_nopad_bin"))
    }
    op.create_table(name, *parts, if_not_exists=True, **options)
    for verb in ("UPDATE", "DELETE"):
        trigger, message = f"{name}_no_{verb.lower()}", f"{name} is append-only"
        if is_sqlite():
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS {trigger} BEFORE {verb} ON {name} FOR EACH ROW "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        else:
            op.execute(
                f"CREATE OR REPLACE TRIGGER {trigger} BEFORE {verb} ON {name} FOR EACH ROW "
                f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{message}'"
            )


def add_column(table: str, name: str, kind: Any) -> None:
    """Add a column, which is blank in the rows that are there."""
    op.add_column(table, sa.Column(name, kind, nullable=True), if_not_exists=not is_sqlite())


def drop_column(table: str, name: str) -> None:
    """Take a column away, with what is in it."""
    op.drop_column(table, name, if_exists=not is_sqlite())
