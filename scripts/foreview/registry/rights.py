"""Who may do what in a registry on MariaDB: roles of the server, and the grants that make them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

READER = "reader"
_ADDS: dict[str, tuple[str, ...]] = {
    READER: (),
    "analyst": ("change_sets", "changes", "receipts", "withdrawals", "events"),
    "reviewer": ("reviews", "receipts", "events"),
    "publisher": (
        "releases",
        "release_change_sets",
        "promotion_steps",
        "receipts",
        "closings",
        "events",
    ),
    "restater": ("reopenings", "events"),
}
"""The tables and views to which each role may add rows. All may read; none changes or deletes."""

ROLES = tuple(_ADDS)


def role_statements(database: str) -> list[str]:
    """Return the statements that make the roles of a registry's database."""
    statements = []
    for role, tables in _ADDS.items():
        name = _name(f"{database}_{role}")
        statements.append(f"CREATE ROLE IF NOT EXISTS {name}")
        statements.append(f"GRANT SELECT ON {_name(database)}.* TO {name}")
        statements += [f"GRANT INSERT ON {_name(database)}.{one} TO {name}" for one in tables]
    return statements


def grant_statements(
    database: str, user: str, roles: Iterable[str], host: str = "%"
) -> Sequence[str]:
    """Return the statements that give a user of the server roles, and no others.

    MariaDB lets a user have one role at a time: each gets a role of their own, which has the
    others.

    Args:
        database: The registry's.
        user: A user that the server has.
        roles: Of `ROLES`.
        host: From where the user connects.
    """
    own, account = _name(f"{database}_of_{user}"), f"{_text(user)}@{_text(host)}"
    return (
        f"CREATE OR REPLACE ROLE {own}",
        *(f"GRANT {_name(f'{database}_{one}')} TO {own}" for one in roles),
        f"GRANT {own} TO {account}",
        f"SET DEFAULT ROLE {own} FOR {account}",
    )


def _name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
