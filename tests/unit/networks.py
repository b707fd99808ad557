"""Three networks in a registry, without an engine: what tests of commands share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from registries import ServerStore
from typer.testing import CliRunner

from conftest import acting, make_workspace
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.cli import app
from foreview.contract import BEGINNING
from foreview.mariadb_server import Server
from foreview.registry import Registry
from foreview.submission import baseline_change_set, read_change_set
from foreview.workspace import Workspace, system_user

PEOPLE = ("ana", "rob", "bob", "eve", system_user())
"""Who acts in tests of commands."""

NETWORKS = [
    {
        "network_id": code,
        "network_name": code.title(),
        "network_group_id": None,
        "valid_from": BEGINNING,
        "valid_to": None,
    }
    for code in ("ALFA", "BETA", "007")
]


GROUPS = [
    {
        "network_group_id": "G1",
        "network_group_name": "One",
        "valid_from": BEGINNING,
        "valid_to": None,
    }
]


def network_workspace(tmp_path: Path, server: Server | None = None) -> Workspace:
    """Return a workspace with a group and three networks, recorded without an engine.

    Its registry is a file, or a database of a server, to which each connects as themselves.
    """
    found = make_workspace(tmp_path, "foreview")
    if server is not None:
        store = ServerStore(server, "foreview", PEOPLE)
        Registry(store.owner(), found.clock)
        found = replace(found, registry_url=store.url)
    change_set = baseline_change_set(
        found, {"network_group": GROUPS, "network": NETWORKS}, tmp_path / "networks.csv"
    )
    load_without_engine(found, change_set)
    return found


def load_without_engine(workspace: Workspace, change_set: ChangeSet) -> None:
    """Record a first load as a release."""
    registry = workspace.registry
    registry.record_change_set(change_set)
    number = registry.begin_promotion([change_set.id], actor="ana", kind="baseline")
    registry.record_release(
        number, [change_set.id], kind="baseline", publication=number, actor="ana"
    )


def channel_rows(workspace: Workspace) -> list[dict[str, str | None]]:
    """Return three channels, A, B and C."""
    blank = dict.fromkeys(workspace.contract("channel").row_columns)
    known = {"is_nsfw": "false", "country_id": "US", "valid_from": BEGINNING}
    return [{**blank, **known, "channel_id": one, "channel_name": one} for one in "ABC"]


def channels_exported(workspace: Workspace, tmp_path: Path) -> Path:
    """Load the three channels without an engine; return their workbook."""
    country = {"country_id": "US", "country_name": "US", "valid_from": BEGINNING, "valid_to": None}
    tables: dict[str, Any] = {"country": [country], "channel": channel_rows(workspace)}
    load_without_engine(
        workspace, baseline_change_set(workspace, tables, tmp_path / "channels.csv")
    )
    file = tmp_path / "channels.xlsx"
    assert run(workspace, "export", "channel", "-o", str(file)).exit_code == 0
    return file


def rows_of(file: Path, sheet: str, key: str) -> list[int]:
    """Return the numbers of a key's rows in a sheet, whose key is headed by the sheet's name."""
    found = openpyxl.load_workbook(file)[sheet]
    column = {cell.value: cell.column for cell in found[1]}[sheet]
    return [one for one in range(2, found.max_row + 1) if found.cell(one, column).value == key]


def write_cells(file: Path, sheet: str, rows: Mapping[int, Mapping[str, str]]) -> Path:
    """Write cells of a sheet, by row and heading, and save it; return the file."""
    book: Any = openpyxl.load_workbook(file)
    headings = {cell.value: cell.column for cell in book[sheet][1]}
    for number, cells in rows.items():
        for heading, value in cells.items():
            book[sheet].cell(number, headings[heading]).value = value
    book.save(file)
    return file


def server_of(request: pytest.FixtureRequest) -> Server | None:
    """Return the server for a fixture with the parameters "file" and "server"."""
    return request.getfixturevalue("mariadb") if request.param == "server" else None


def with_tables_folder(workspace: Workspace) -> Workspace:
    """Make the folder of the tables, which without an engine is not there, and return the same."""
    workspace.warehouse.readlink().mkdir(parents=True)
    return workspace


def run(workspace: Workspace, *arguments: str) -> Any:
    environment = {
        "FOREVIEW_PROJECT": str(workspace.project),
        "FOREVIEW_SCHEMA": workspace.schema,
        "FOREVIEW_REGISTRY": workspace.registry_url,
    }
    arguments = (*arguments, "--home", str(workspace.home))
    return CliRunner().invoke(app, arguments, env=environment)


def export(workspace: Workspace, tmp_path: Path) -> Path:
    file = tmp_path / "networks.xlsx"
    result = run(workspace, "export", "network", "-o", str(file))
    assert result.exit_code == 0, result.output
    return file


def promote_without_engine(workspace: Workspace, file: Path, author: str) -> ChangeSet:
    """Record a workbook's change set and its promotion, as if figures had been looked at."""
    own = acting(workspace, author)
    change_set = read_change_set(own, file, "first")
    own.registry.record_change_set(change_set)
    promote_recorded(workspace, change_set)
    return change_set


def promote_recorded(workspace: Workspace, change_set: ChangeSet) -> int:
    """Record the approval and promotion of a recorded change set; return the release."""
    approve_recorded(workspace, change_set)
    registry = acting(workspace, "rob").registry
    number = registry.begin_promotion([change_set.id], actor="rob")
    registry.record_release(
        number, [change_set.id], kind="promotion", publication=number, actor="rob"
    )
    return number


def begin_to_rename(workspace: Workspace) -> ChangeSet:
    """Begin to promote another name of BETA, without writing its row; return the change set."""
    contract, identity = workspace.contract("network"), ("BETA", BEGINNING)
    now, _ = workspace.registry.approved_rows("network")
    edit = Edit(Action.CORRECT, identity, {"network_name": "Second"}, now[identity])
    changes, _ = changes_of(contract, edit, now)
    base, hashes = workspace.registry.latest_release(), {"network": contract.hash}
    found = ChangeSet("ana", "why", "edit", base, "a.xlsx", "", hashes, tuple(changes))
    workspace.registry.record_change_set(found)
    approve_recorded(workspace, found)
    workspace.registry.begin_promotion([found.id], actor="rob")
    return found


def approve_recorded(workspace: Workspace, change_set: ChangeSet) -> None:
    """Record a preview of a recorded change set and its approval."""
    registry = acting(workspace, "rob").registry
    checksum = change_set.id.ljust(64, "0")
    acting(workspace, change_set.author).registry.record_receipt(
        {
            "checksum": checksum,
            "change_set_ids": [change_set.id],
            "base_release": registry.latest_release(),
            "horizon_day": None,
            "horizon_batch": 0,
            "content": {},
        },
        actor=change_set.author,
    )
    registry.record_review(change_set.id, "rob", "approve", receipt_checksum=checksum, contracts={})
