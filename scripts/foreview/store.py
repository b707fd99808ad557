"""The reference store on MariaDB: approved rows for other applications, dbt's target `mariadb`.

dbt builds it from the same seeds, models and tests as the dimensions in Delta. The registry says
what it must hold; large tables, which are no seeds, are loaded from there.
"""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from foreview.changes import Identity, Row, identity_of
from foreview.dbt_project import Progress, run_dbt
from foreview.engine import target_settings
from foreview.errors import EngineError, Problem, RefusedError
from foreview.loads import ensure_seeds, write_seed
from foreview.submission import refuse_unfinished

if TYPE_CHECKING:
    from foreview.audit import Check
    from foreview.contract import Contract
    from foreview.workspace import Workspace

TARGET = "mariadb"
"""The store's target in profiles.yml."""


def is_configured() -> bool:
    """Return whether the environment names a server."""
    names = ("FOREVIEW_STORE_HOST", "FOREVIEW_STORE_DEFAULTS_FILE")
    return any(os.environ.get(one) for one in names)


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
        fix = "Set FOREVIEW_STORE_HOST or FOREVIEW_STORE_DEFAULTS_FILE: docs/reference-store.md."
        raise RefusedError(Problem("no-store", message, fix=fix))
    refuse_unfinished(workspace)
    release = workspace.registry.latest_release()
    if not release:
        message = "Nothing is in effect yet."
        raise RefusedError(Problem("nothing-in-effect", message, fix="Load a baseline first."))
    _connect(workspace).close()
    ensure_seeds(workspace)
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
    from foreview.audit import check_rows

    checks = []
    with closing(_connect(workspace)) as connection:
        for contract in workspace.contracts.values():
            expected, _ = workspace.registry.approved_rows(contract.dimension)
            if expected:
                found = _published(connection, workspace, contract)
                checks.append(check_rows(contract, "reference store", found, expected))
    return checks


def _write(workspace: Workspace, contract: Contract, folder: Path) -> str:
    path = folder / f"{contract.dimension}.csv"
    state, last = workspace.registry.approved_rows(contract.dimension)
    rows = [{**state[one], "change_set_id": last[one]} for one in sorted(state)]
    write_seed(path, (*contract.row_columns, "change_set_id"), rows)
    return str(path)


def _published(connection: Any, workspace: Workspace, contract: Contract) -> dict[Identity, Row]:
    import pymysql

    from foreview.audit import as_text

    flags = {one.name for one in contract.columns if one.type == "boolean"}
    names = contract.row_columns
    columns = ", ".join(f"`{name}`" for name in names)
    table = workspace.table(f"dim_{contract.dimension}", "published")
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"select {columns} from {table}")  # noqa: S608 - names of the contract
            rows = cursor.fetchall()
    except pymysql.Error as error:
        raise _lost(str(error)) from error
    found: dict[Identity, Row] = {}
    for row in rows:
        text = {
            name: as_text(bool(value) if name in flags and value is not None else value)
            for name, value in zip(names, row, strict=True)
        }
        found[identity_of(contract, text)] = text
    return found


def _connect(workspace: Workspace) -> Any:
    from dbt.adapters.exceptions import FailedToConnectError

    from dbt.adapters.foreview_mariadb.connections import Credentials, connect

    settings = target_settings(workspace, TARGET)
    settings["port"] = int(settings["port"])
    given = {name: value for name, value in settings.items() if name not in ("type", "threads")}
    try:
        return connect(Credentials(**given))
    except FailedToConnectError as error:
        raise _lost(str(error)) from error


def _lost(message: str) -> EngineError:
    fix = "Mend that, and run foreview store: it goes on where it stopped."
    return EngineError(Problem("store-lost", message, fix=fix))
