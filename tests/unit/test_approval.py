"""Approvals: what voids one, and that it can be given anew."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace, with_tables_folder
from test_report import figure, mart
from test_thresholds import impact_of, renamed, with_rules

from conftest import PROJECT, acting
from foreview.approval import _moved_otherwise, approve
from foreview.errors import RefusedError
from foreview.impact import Impact
from foreview.receipt import record_receipt
from foreview.workspace import Workspace

SEEN = figure("2026-04-01", "ABC", 1000, 1100)
WEEK = "audience_by_market_week"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return with_tables_folder(network_workspace(tmp_path))


def otherwise(workspace: Workspace, approved: Impact, now: Impact) -> list[Any]:
    record_receipt(workspace, approved)
    receipt = workspace.registry.receipt(approved.checksum)
    assert receipt is not None
    (change_set,) = approved.change_sets
    return [one[1:] for one in _moved_otherwise(workspace, change_set, receipt, now)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ([SEEN], []),
        ([SEEN, figure("2026-04-06", "ABC", 10, 20)], []),  # after the horizon, 5 April
        ([figure("2026-04-01", "ABC", 1500, 1600)], []),  # moves as approved, from elsewhere
        ([figure("2026-04-01", "ABC", 1000, 1101)], [("seconds", 100, 101)]),
        ([], [("seconds", 100, 0)]),
        ([SEEN, figure("2026-04-05", "FOX", None, 7)], None),
    ],
)
def test_a_figure_that_was_seen_and_moves_otherwise_voids(
    workspace: Workspace, now: list[Any], expected: Any
) -> None:
    change_set = renamed(workspace)
    found = otherwise(
        workspace,
        impact_of(mart(SEEN), change_sets=(change_set,)),
        impact_of(mart(*now), change_sets=(change_set,)),
    )
    if expected is None:  # a figure that nobody saw, on a day that was looked at
        assert {one[0] for one in found} == {("2026-04-05", "FOX")}
    else:
        assert [one for _, *one in found if one[0] == "seconds"] == list(map(list, expected))


@pytest.mark.parametrize(
    ("tolerance", "is_void"), [("0", True), ("0.0009", True), ("0.001", False)]
)
def test_a_tables_tolerance_is_a_share_of_the_figure(
    workspace: Workspace, tolerance: str, is_void: bool
) -> None:
    lenient = with_rules(workspace, "ana", tolerance=Decimal(tolerance))
    change_set = renamed(lenient)
    before = impact_of(mart(SEEN), change_sets=(change_set,))
    now = impact_of(mart(figure("2026-04-01", "ABC", 1000, 1101)), change_sets=(change_set,))
    assert bool(otherwise(lenient, before, now)) == is_void


@pytest.mark.parametrize(("monday", "is_void"), [("2026-03-30", True), ("2026-04-06", False)])
def test_a_week_counts_once_its_last_day_was_seen(
    workspace: Workspace, monday: str, is_void: bool
) -> None:
    change_set = renamed(workspace)
    before = impact_of(mart(name=WEEK), change_sets=(change_set,))
    week = mart(figure(monday, "ABC", 1, 2), name=WEEK)
    now = impact_of(week, change_sets=(change_set,))
    assert bool(otherwise(workspace, before, now)) == is_void


def test_what_was_approved_is_approved_again_only_as_something_else(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    rob = acting(workspace, "rob")
    impact = impact_of(mart(SEEN), change_sets=(change_set,))
    record_receipt(workspace, impact)
    approve(rob, change_set.id)
    with pytest.raises(RefusedError, match="can't be approved any more"):
        approve(rob, change_set.id)
    record_receipt(workspace, replace(impact, checksum="d" * 64))
    again = approve(rob, change_set.id)
    assert workspace.registry.approval(change_set.id) == again
    assert again.receipt_checksum == "d" * 64


def test_rules_that_changed_since_the_preview_ask_for_another_preview(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    rob = acting(workspace, "rob")
    old = replace(impact_of(change_sets=(change_set,)), contracts={"network": "another"})
    record_receipt(workspace, old)
    with pytest.raises(RefusedError, match="rules of network changed since the preview"):
        approve(rob, change_set.id)
    rules = {"network": workspace.contract("network").hash}
    record_receipt(workspace, replace(old, contracts=rules, checksum="e" * 64))
    assert approve(rob, change_set.id).contracts == rules
