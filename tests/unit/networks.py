"""Three networks in a registry, without an engine: what tests of commands share."""

from __future__ import annotations

import getpass
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from registries import ServerStore
from typer.testing import CliRunner

from conftest import acting, make_workspace
from foreview.changes import ChangeSet
from foreview.cli import app
from foreview.contract import BEGINNING
from foreview.mariadb_server import Server
from foreview.registry import Registry
from foreview.submission import baseline_change_set, read_change_set
from foreview.workspace import Workspace

PEOPLE = ("ana", "rob", "bob", "eve", getpass.getuser())
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
    found.registry.record_change_set(change_set)
    number = found.registry.begin_promotion([change_set.id], actor="ana", kind="baseline")
    found.registry.record_release(
        number, [change_set.id], kind="baseline", publication=1, actor="ana"
    )
    return found


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
    number = registry.begin_promotion([change_set.id], actor="rob")
    registry.record_release(
        number, [change_set.id], kind="promotion", publication=number, actor="rob"
    )
    return number
