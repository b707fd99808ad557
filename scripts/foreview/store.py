"""The reference store on MariaDB: approved rows for other applications, dbt's target `mariadb`.

dbt builds it from the same seeds, models and tests as the dimensions in Delta. The registry says
what it must hold; large tables, which are no seeds, are loaded from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from foreview.audit import Check, check_rows, state_of
from foreview.changes import State
from foreview.dbt_project import Progress, run_dbt
from foreview.engine import target_settings
from foreview.errors import EngineError, Problem, RefusedError
from foreview.loads import approved_lines, write_seed
from foreview.submission import refuse_unfinished

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from foreview.contract import Contract
    from foreview.workspace import Workspace

TARGET = "mariadb"
"""The store's target in profiles.yml."""

ADDRESS = "FOREVIEW_STORE"
"""Names the server, and who connects or a file that says so."""


def is_configured() -> bool:
    """Return whether the environment names a server."""
    return bool(os.environ.get(ADDRESS))


@contextmanager
def instead(address: str | None) -> Iterator[None]:
    """Let the environment name this server and no other, or none, for a while."""
    own = (ADDRESS, "DBT_ENV_SECRET_STORE_PASSWORD")
    kept = {name: os.environ.pop(name) for name in own if name in os.environ}
    if address is not None:
        os.environ[ADDRESS] = address
    try:
        yield
    finally:
        os.environ.pop(ADDRESS, None)
        os.environ.update(kept)


def bring_up(workspace: Workspace, *, progress: Progress | None = None) -> list[Check]:
    """Bring the store up to what is in effect, and compare it with the registry.

    Readers see the new rows at once, with the last statement. Killed anywhere, they see what they
    saw before, and the same command goes on.

    Args:
        workspace: Where.
        progress: Called after each node.

    Returns:
        A check per dimension; all agree.

    Raises:
        RefusedError: No server is named, nothing is in effect, a promotion is unfinished, or the
            store has other rows than the registry.
        EngineError: The server can't be reached, or dbt failed.
    """
    if not is_configured():
        message = "No reference store is named."
        fix = "Set FOREVIEW_STORE to its address: docs/reference-store.md."
        raise RefusedError(Problem("no-store", message, fix=fix))
    refuse_unfinished(workspace)
    release = workspace.registry.latest_release()
    if not release:
        message = "Nothing is in effect yet."
        raise RefusedError(Problem("nothing-in-effect", message, fix="Load a baseline first."))
    _connect(workspace).close()
    with TemporaryDirectory(prefix="store-", dir=workspace.home) as folder:
        files = {
            one.dimension: _write(workspace, one, Path(folder))
            for one in workspace.contracts.values()
            if one.storage != "seed"
        }
        arguments = json.dumps({"files": files})
        run_dbt(workspace, ["run-operation", "load_store", "--args", arguments], target=TARGET)
    run_dbt(workspace, ["build"], variables={"release": release}, progress=progress, target=TARGET)
    checks = check_store(workspace)
    if problems := [one.problem for one in checks if one.problem]:
        raise RefusedError(problems)
    return checks


def check_store(workspace: Workspace) -> list[Check]:
    """Compare what readers of the store see with the registry, dimension by dimension.

    Raises:
        EngineError: The server can't be reached, or has no store yet.
    """
    checks = []
    with _connect(workspace) as connection:
        for contract in workspace.contracts.values():
            expected, _ = workspace.registry.approved_rows(contract.dimension)
            found = _published(connection, workspace, contract)
            checks.append(check_rows(contract, "reference store", found, expected))
    return checks


def _write(workspace: Workspace, contract: Contract, folder: Path) -> str:
    path = folder / f"{contract.dimension}.csv"
    state, last = workspace.registry.approved_rows(contract.dimension)
    write_seed(path, *approved_lines(contract, state, last))
    return str(path)


def _published(connection: Connection, workspace: Workspace, contract: Contract) -> State:
    import sqlalchemy as sa

    schema, name = workspace.table(f"dim_{contract.dimension}", "published").split(".")
    table = sa.table(name, *map(sa.column, contract.row_columns), schema=schema)
    flags = [one.name for one in contract.columns if one.type == "boolean"]
    try:
        rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    except sa.exc.DBAPIError as error:
        raise _lost(str(error.orig)) from error
    for row in rows:  # MariaDB's booleans are numbers
        row |= {flag: bool(row[flag]) for flag in flags if row[flag] is not None}
    return state_of(contract, rows)


def _connect(workspace: Workspace) -> Connection:
    import sqlalchemy as sa
    from dbt.adapters.exceptions import FailedToConnectError

    from dbt.adapters.foreview_mariadb.connections import Credentials, connect

    settings = target_settings(workspace, TARGET)
    given = {name: value for name, value in settings.items() if name not in ("type", "threads")}
    engine = sa.create_engine(
        "mariadb+pymysql://",
        creator=lambda: connect(Credentials(**given)),
        poolclass=sa.NullPool,
    )
    try:
        return engine.connect()
    except FailedToConnectError as error:
        raise _lost(str(error)) from error


def _lost(message: str) -> EngineError:
    fix = "Mend that, and run foreview store: it goes on where it stopped."
    return EngineError(Problem("store-lost", message, fix=fix))
