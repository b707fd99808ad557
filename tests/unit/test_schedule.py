"""Scheduled promotions, and approving at once what moves no figure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace, run, server_of, with_tables_folder
from test_report import figure, mart
from test_thresholds import impact_of, renamed

from conftest import PROJECT, acting
from foreview.approval import approve, without_impact
from foreview.errors import RefusedError
from foreview.promotion import promote
from foreview.receipt import record_receipt
from foreview.schedule import due, schedule, scheduled
from foreview.workspace import Workspace


@pytest.fixture(params=["file", "server"])
def workspace(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return with_tables_folder(network_workspace(tmp_path, server_of(request)))


def at(workspace: Workspace, hour: int) -> Workspace:
    return replace(workspace, clock=lambda: datetime(2026, 5, 1, hour, tzinfo=UTC))


def approved(workspace: Workspace) -> str:
    change_set = renamed(workspace)
    record_receipt(workspace, impact_of(change_sets=(change_set,)))
    approve(acting(workspace, "rob"), change_set.id)
    return change_set.id


def test_a_scheduled_promotion_is_embargoed_until_it_is_due(workspace: Workspace) -> None:
    id_ = approved(workspace)
    assert schedule(at(workspace, 6), id_, "2026-05-01T08:00") == "2026-05-01T08:00:00+00:00"
    with pytest.raises(RefusedError, match="not to be seen before 2026-05-01 08:00 UTC"):
        promote(at(workspace, 7), id_)
    assert due(at(workspace, 7)) == []
    assert due(at(workspace, 8)) == [id_]
    schedule(at(workspace, 8), id_, "2026-05-01T11:00+01:00")
    assert list(scheduled(workspace).values()) == [datetime(2026, 5, 1, 10, tzinfo=UTC)]
    assert (due(at(workspace, 9)), due(at(workspace, 10))) == ([], [id_])
    assert f"Scheduled: {id_} at 2026-05-01T10:00 UTC" in run(workspace, "status").stdout
    registry = acting(workspace, "rob").registry
    number = registry.begin_promotion([id_], actor="rob")
    registry.record_release(number, [id_], kind="promotion", publication=2, actor="rob")
    assert due(at(workspace, 11)) == []


def test_only_approved_change_sets_are_scheduled_and_for_later(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    with pytest.raises(RefusedError, match="not approved"):
        schedule(at(workspace, 6), change_set.id, "2026-05-01T08:00")
    record_receipt(workspace, impact_of(change_sets=(change_set,)))
    approve(acting(workspace, "rob"), change_set.id)
    with pytest.raises(RefusedError, match="has passed"):
        schedule(at(workspace, 6), change_set.id, "2026-05-01T05:00")
    with pytest.raises(RefusedError, match="no instant"):
        schedule(at(workspace, 6), change_set.id, "tomorrow")


@pytest.mark.parametrize("moves", [False, True])
def test_what_moves_no_figure_is_approved_at_once_but_not_by_its_author(
    workspace: Workspace, moves: bool
) -> None:
    change_set = renamed(workspace)
    moved: Any = [mart(figure("2026-04-01", "ABC", 1000, 1100))] if moves else [mart()]
    record_receipt(workspace, impact_of(*moved, change_sets=(change_set,)))
    rob = acting(workspace, "rob")
    assert without_impact(workspace) == []
    assert without_impact(rob) == ([] if moves else [change_set.id])
    result = run(workspace, "approve", "--without-impact", "--as", "rob", "--json")
    assert json.loads(result.stdout) == ([] if moves else [change_set.id])
    assert run(workspace, "approve", "--without-impact", "--by-rule").exit_code == 2
    assert workspace.registry.status(change_set.id) == ("pending" if moves else "approved")
