"""Who may do what in a registry on MariaDB: roles of the server, and the grants that make them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.engine import make_url

from foreview.errors import Problem, UsageError
from foreview.registry.server import is_server

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
    "rule": ("rulings", "events"),
}
"""The tables and views to which each role may add rows. All may read; none changes or deletes."""

ROLES = tuple(_ADDS)


def statements_for(address: str, user: str, roles: Iterable[str], host: str = "%") -> list[str]:
    """Return the statements that give a user of the registry's server roles, and no others.

    They make the roles first. MariaDB lets a user have one role at a time: each user gets a role
    of their own, which has the others.

    Args:
        address: The registry's.
        user: A user that the server has.
        roles: Of `ROLES`.
        host: From where the user connects.

    Raises:
        UsageError: The registry is a file.
    """
    url = make_url(address)
    if not is_server(url) or not url.database:
        message = "The registry is a file, whose rights are those of the file."
        fix = "Name a registry on a MariaDB server in FOREVIEW_REGISTRY."
        raise UsageError(Problem("registry-is-a-file", message, fix=fix))
    database = url.database
    statements = []
    for role, tables in _ADDS.items():
        name = _name(f"{database}_{role}")
        statements.append(f"CREATE ROLE IF NOT EXISTS {name}")
        statements.append(f"GRANT SELECT ON {_name(database)}.* TO {name}")
        statements += [f"GRANT INSERT ON {_name(database)}.{one} TO {name}" for one in tables]
    own, account = _name(f"{database}_of_{user}"), f"{_text(user)}@{_text(host)}"
    return [
        *statements,
        f"CREATE OR REPLACE ROLE {own}",
        *(f"GRANT {_name(f'{database}_{one}')} TO {own}" for one in roles),
        f"GRANT {own} TO {account}",
        f"SET DEFAULT ROLE {own} FOR {account}",
    ]


def _name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
