"""The history of a row: where each value comes from, and on to the figures that it moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from networks import export, network_workspace, promote_recorded, rows_of, run, write_cells

from conftest import PROJECT, acting
from foreview.changes import Action, ChangeSet, Edit, Kind, changes_of
from foreview.contract import BEGINNING
from foreview.feed import _rows
from foreview.history import Origin, Version, versions_of
from foreview.rollback import rollback
from foreview.submission import read_change_set
from foreview.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


def proposed(
    workspace: Workspace,
    action: Action,
    values: dict[str, str | None],
    day: str | None = None,
    cells: dict[str, str] | None = None,
    book: str = "book.xlsx",
) -> ChangeSet:
    """Record an edit of ALFA's last row."""
    contract = workspace.contract("network")
    state, _ = workspace.registry.approved_rows("network")
    identity = max(one for one in state if one[0] == "ALFA")
    where = f"{book} line 2"
    edit = Edit(action, identity, values, state[identity], day, cells or {}, where)
    changes, problems = changes_of(contract, edit, state)
    assert problems == []
    base, hashes = workspace.registry.latest_release(), {"network": contract.hash}
    change_set = ChangeSet("ana", "why", "edit", base, book, "ab" * 32, hashes, tuple(changes))
    workspace.registry.record_change_set(change_set)
    return change_set


def edited(workspace: Workspace, *arguments: Any, **named: Any) -> ChangeSet:
    change_set = proposed(workspace, *arguments, **named)
    promote_recorded(workspace, change_set)
    return change_set


def last(workspace: Workspace) -> Version:
    return versions_of(workspace, "network", "ALFA")[-1]


def test_a_value_that_splits_merely_copied_names_the_workbook_and_cell_that_it_came_from(
    workspace: Workspace,
) -> None:
    named = edited(
        workspace,
        Action.CORRECT,
        {"network_name": "Alpha"},
        cells={"network_name": "Network!B2"},
        book="first.xlsx",
    )
    group = {"network_group_id": "G1"}
    split = edited(
        workspace, Action.CHANGE_FROM, group, "2026-05-01", cells={"network_group_id": "Network!C9"}
    )
    found = last(workspace)
    assert found.changed == {"network_group_id": "Network!C9"}
    name = found.origins["network_name"]
    assert (name.release, name.change_set_id) == (2, named.id)
    assert (name.source_name, name.cell) == ("first.xlsx", "Network!B2")
    assert "valid_to" not in found.origins  # it is open: the end that the split gave is not its
    # Through a second split, without cells as a supplier's, and a correction of another column.
    edited(workspace, Action.CHANGE_FROM, {"network_group_id": None}, "2026-06-01", book="x.csv")
    found = last(workspace)
    assert found.changed == {"network_group_id": "x.csv line 2"}
    assert found.origins["network_name"] == name
    edited(workspace, Action.CORRECT, {"network_group_id": "G1"}, book="y.csv")
    assert last(workspace).origins["network_name"] == name
    told = run(workspace, "history", "network", "ALFA").stdout
    line = next(one for one in told.splitlines() if "network_name = 'Alpha'  copied" in one)
    assert f"Network!B2 first.xlsx (reference version 2, change request {named.id})" in line
    assert split.id in told


def test_a_version_leads_on_to_its_publication_and_to_the_figures_that_it_moved(
    workspace: Workspace,
) -> None:
    change_set = proposed(workspace, Action.CORRECT, {"network_name": "Alpha"})
    registry = workspace.registry
    registry.record_receipt(
        {
            "checksum": "e" * 64,
            "change_set_ids": [change_set.id],
            "base_release": 1,
            "horizon_day": None,
            "horizon_batch": 0,
            "content": {"figures_moved": {"audience_by_network_day": 1234, "other": 0}},
        },
        actor="ana",
    )
    rob = acting(workspace, "rob").registry
    rob.record_review(change_set.id, "rob", "approve", receipt_checksum="e" * 64, contracts={})
    rob.begin_promotion([change_set.id], actor="rob", detail={"receipt": "e" * 64})
    rob.record_release(2, [change_set.id], kind="promotion", publication=17, actor="rob")
    told = run(workspace, "history", "network", "ALFA").stdout
    assert (
        "publication 17; its changes together moved figures: 1,234 of audience_by_network_day; "
        "before and after: foreview feed 2\n"
    ) in told
    versions = json.loads(run(workspace, "history", "network", "ALFA", "--json").stdout)
    assert [one["publication"] for one in versions] == [1, 17]
    assert versions[1]["figures_moved"]["audience_by_network_day"] == 1234


def test_a_rollback_names_who_changed_the_same_cell_since(workspace: Workspace) -> None:
    edited(workspace, Action.CORRECT, {"network_name": "Alpha"})
    since = edited(workspace, Action.CORRECT, {"network_name": "Alef"})
    other = edited(workspace, Action.CORRECT, {"network_group_id": "G1"})
    told = run(workspace, "rollback", "2").output
    assert f"ana (change set {since.id}, reference version 3)" in told
    assert other.id not in told


def test_a_value_that_a_rollback_put_back_names_the_cell_that_it_had_come_from(
    workspace: Workspace,
) -> None:
    first = edited(
        workspace, Action.CORRECT, {"network_name": "Alpha"}, cells={"network_name": "Network!B2"}
    )
    edited(workspace, Action.CORRECT, {"network_name": "Alef"}, book="other.xlsx")
    promote_recorded(workspace, rollback(workspace, 3))
    edited(workspace, Action.CORRECT, {"network_group_id": "G1"})
    for version, of in zip(versions_of(workspace, "network", "ALFA")[-2:], (4, 5), strict=True):
        assert (version.release, version.values["network_name"]) == (of, "Alpha")
        assert version.origins["network_name"] == Origin(2, first.id, "book.xlsx", "Network!B2")
    told = run(workspace, "history", "network", "ALFA").output
    assert "network_name = 'Alpha'  put back; it is from Network!B2 book.xlsx" in told


def test_a_row_is_told_as_it_was_put_into_effect_and_not_as_it_was_submitted(
    workspace: Workspace,
) -> None:
    split = proposed(
        workspace, Action.CHANGE_FROM, {"network_group_id": "G1"}, "2026-05-01", {
            "network_group_id": "Network!C2"
        },
    )  # fmt: skip
    named = edited(workspace, Action.CORRECT, {"network_name": "Named since"})
    promote_recorded(workspace, split)
    first, second = [
        one for one in versions_of(workspace, "network", "ALFA") if one.known_to is None
    ]
    state, _ = workspace.registry.approved_rows("network")
    assert [one.values for one in (first, second)] == [
        state["ALFA", one.valid_from] for one in (first, second)
    ]
    assert second.values["network_name"] == "Named since"
    assert second.origins["network_name"].change_set_id == named.id
    # The old row's half ended it, and did not write the new group.
    assert first.changed == {"valid_to": "book.xlsx line 2"}
    assert second.changed == {"network_group_id": "Network!C2"}
    release = workspace.registry.latest_release()
    rows = list(_rows(workspace, [split.id], release))
    assert [one["after"].get("network_name") for one in rows] == [None, "Named since"]


def believed(workspace: Workspace) -> dict[str, Any]:
    """Return ALFA's rows that are still believed, by their first day."""
    versions = versions_of(workspace, "network", "ALFA")
    return {one.valid_from: one.values for one in versions if one.known_to is None}


def approved(workspace: Workspace) -> dict[str, Any]:
    state, _ = workspace.registry.approved_rows("network")
    return {day: row for (key, day), row in state.items() if key == "ALFA"}


def test_two_rows_that_change_places_are_both_still_believed(
    workspace: Workspace, tmp_path: Path
) -> None:
    edited(workspace, Action.CHANGE_FROM, {"network_name": "May"}, "2026-05-01")
    file = export(workspace, tmp_path)
    first, second = rows_of(file, "Network", "ALFA")
    wrong = {"Action": "was always wrong"}
    cells = {
        first: {**wrong, "True from": "2026-05-01", "True until": ""},
        second: {**wrong, "True from": BEGINNING, "True until": "2026-05-01"},
    }
    change_set = read_change_set(workspace, write_cells(file, "Network", cells), "x")
    workspace.registry.record_change_set(change_set)
    promote_recorded(workspace, change_set)
    assert approved(workspace)[BEGINNING]["network_name"] == "May"
    assert believed(workspace) == approved(workspace)


def test_a_row_that_takes_the_days_of_one_removed_after_it_is_still_believed(
    workspace: Workspace,
) -> None:
    edited(workspace, Action.CHANGE_FROM, {"network_name": "May"}, "2026-05-01")
    state, _ = workspace.registry.approved_rows("network")
    contract = workspace.contract("network")
    first, second = sorted(one for one in state if one[0] == "ALFA")
    ends = {"valid_from": "2026-05-01", "valid_to": None}
    moved = Edit(Action.CORRECT, first, ends, state[first])
    gone = Edit(Action.DELETE, second, {}, state[second])
    changes = [
        one for edit in (moved, gone) for one in changes_of(contract, edit, state, [second])[0]
    ]
    assert [one.kind for one in changes] == [Kind.REMOVED, Kind.ADDED, Kind.REMOVED]
    hashes = {"network": contract.hash}
    found = ChangeSet("ana", "why", "edit", 2, "a.xlsx", "ab" * 32, hashes, tuple(changes))
    workspace.registry.record_change_set(found)
    promote_recorded(workspace, found)
    assert list(approved(workspace)) == ["2026-05-01"]
    assert believed(workspace) == approved(workspace)
