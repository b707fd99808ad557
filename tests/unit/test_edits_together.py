"""What edits do to each other: those of one workbook, and those of an older one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from networks import (
    channels_exported,
    export,
    network_workspace,
    promote_recorded,
    rows_of,
    run,
    write_cells,
)
from test_scenario_conflicts import recorded

from conftest import PROJECT, acting
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.conflicts import check_applies
from foreview.contract import BEGINNING
from foreview.demo import edit_workbook
from foreview.errors import RefusedError
from foreview.exporting import refresh_workbook
from foreview.history import versions_of
from foreview.reviewing import take_part
from foreview.rollback import rollback
from foreview.submission import Asked, _changes, read_change_set
from foreview.workspace import Workspace

ALFA, LATER = ("ALFA", BEGINNING), ("ALFA", "2026-05-01")
DAY = "2026-04-07"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


@pytest.fixture
def channels(workspace: Workspace, tmp_path: Path) -> Path:
    return channels_exported(workspace, tmp_path)


def copied(file: Path, name: str) -> Path:
    copy = file.with_name(name)
    copy.write_bytes(file.read_bytes())
    return copy


def edited(workspace: Workspace, file: Path, values: Any, action: str, day: str = DAY) -> Path:
    edit_workbook(file, workspace.contract("channel"), values, action=action, day=day)
    return file


def submitted(workspace: Workspace, file: Path, author: str = "ana") -> ChangeSet:
    own = acting(workspace, author)
    change_set = read_change_set(own, file, "x")
    own.registry.record_change_set(change_set)
    return change_set


def promoted(workspace: Workspace, *edits: Edit, author: str = "ana") -> ChangeSet:
    change_set = proposed(workspace, *edits, author=author)
    promote_recorded(workspace, change_set)
    return change_set


def proposed(workspace: Workspace, *edits: Edit, author: str = "ana") -> ChangeSet:
    contract = workspace.contract("network")
    now = networks(workspace)
    found = [changes_of(contract, one, now) for one in edits]
    assert not any(problems for _, problems in found)
    return recorded(workspace, author, [change for some, _ in found for change in some])


def networks(workspace: Workspace) -> Any:
    return workspace.registry.approved_rows("network")[0]


def names_of_alfa(workspace: Workspace) -> dict[str, str | None]:
    return {
        day: row["network_name"] for (key, day), row in networks(workspace).items() if key == "ALFA"
    }


def test_two_channels_do_not_get_one_new_code(workspace: Workspace, channels: Path) -> None:
    edited(workspace, channels, {one: {"channel_id": "N"} for one in "AB"}, "new code")
    with pytest.raises(RefusedError) as caught:
        submitted(workspace, channels)
    problems = caught.value.problems
    assert {one.rule for one in problems} == {"duplicate-key"}
    assert "added twice, also by Channel!" in problems[0].message
    assert problems[0].where.startswith("Channel!")


def test_a_row_of_the_identities_is_not_deleted_and_merged_at_once(
    workspace: Workspace, channels: Path
) -> None:
    edited(workspace, channels, {"A": {"channel_id": "B"}}, "merge")
    promote_recorded(workspace, submitted(workspace, channels))
    file = channels.with_name("both.xlsx")
    asked = ("export", "channel", "channel_key", "-o", str(file))
    assert run(workspace, *asked).exit_code == 0
    edited(workspace, file, {"A": {"channel_id": "C"}}, "merge")
    edit_workbook(file, workspace.contract("channel_key"), {"A": {}}, action="delete")
    with pytest.raises(RefusedError) as caught:
        submitted(workspace, file)
    assert {one.rule for one in caught.value.problems} == {"duplicate-key"}


def test_a_new_row_does_not_take_the_place_of_a_row_that_is_split(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = export(workspace, tmp_path)
    (alfa,) = rows_of(file, "Network", "ALFA")
    changed = {"Network name": "May", "Action": "changed on a day", "Day": LATER[1]}
    inserted = {"Network": "ALFA", "Network name": "New", "Action": "new row", "Day": LATER[1]}
    with pytest.raises(RefusedError) as caught:
        submitted(workspace, write_cells(file, "Network", {alfa: changed, 5: inserted}))
    assert "duplicate-key" in {one.rule for one in caught.value.problems}


def test_an_older_workbook_does_not_merge_what_somebody_merged_since(
    workspace: Workspace, channels: Path
) -> None:
    older, later = (copied(channels, f"{one}.xlsx") for one in ("older", "later"))
    edited(workspace, channels, {"A": {"channel_id": "B"}}, "merge")
    promote_recorded(workspace, submitted(workspace, channels))
    for file, day in ((older, DAY), (later, "2026-04-09")):
        edited(workspace, file, {"A": {"channel_id": "C"}}, "merge", day)
        with pytest.raises(RefusedError):
            submitted(workspace, file, "bob")
    again = copied(channels, "again.xlsx")  # what is done already is no change
    with pytest.raises(RefusedError, match="changes nothing"):
        submitted(workspace, again, "bob")


@pytest.mark.parametrize(
    ("code", "values", "action"),
    [("A", {"channel_id": "B"}, "merge"), ("B", {"channel_id": "N"}, "new code")],
)
def test_an_older_workbook_does_not_follow_a_code_that_is_another_channels_since(
    workspace: Workspace, channels: Path, code: str, values: dict[str, str], action: str
) -> None:
    recycled = {
        "channel_id": "B",
        "channel_sk": "B#2",
        "valid_from": "2026-04-03",
        "valid_to": None,
    }
    contract = workspace.contract("channel_key")
    changes, _ = changes_of(contract, Edit(Action.INSERT, values=recycled), {})
    promote_recorded(workspace, recorded(workspace, "bob", changes))
    with pytest.raises(RefusedError, match="B counts as B#2 on 2026-04-07") as caught:
        submitted(workspace, edited(workspace, channels, {code: values}, action))
    assert {one.rule for one in caught.value.problems} == {"conflict"}


@pytest.fixture
def planned(workspace: Workspace, channels: Path) -> Path:
    """Rename A from 2026-06-01, and return a fresh workbook."""
    file = copied(channels, "planned.xlsx")
    edited(workspace, file, {"A": {"channel_name": "Renamed"}}, "changed on a day", "2026-06-01")
    promote_recorded(workspace, submitted(workspace, file))
    fresh = channels.with_name("fresh.xlsx")
    assert run(workspace, "export", "channel", "-o", str(fresh)).exit_code == 0
    return fresh


def rows_of_a(file: Path, *cells: dict[str, str]) -> Path:
    """Write cells of A's rows, the earlier one first, by heading."""
    rows = rows_of(file, "Channel", "A")
    return write_cells(file, "Channel", dict(zip(rows, cells, strict=False)))


NEW_CODE = {"Channel": "N", "Action": "new code", "Day": DAY}


def names_by_code(workspace: Workspace) -> dict[Any, Any]:
    rows, _ = workspace.registry.approved_rows("channel")
    return {
        key: (row["channel_name"], row["valid_to"])
        for key, row in sorted(rows.items())
        if key[0] in "AN"
    }


def test_rows_of_later_days_go_on_under_the_new_code(workspace: Workspace, planned: Path) -> None:
    before = names_by_code(workspace)
    found = submitted(workspace, rows_of_a(planned, NEW_CODE))
    moved = [one for one in found.changes if one.identity == ("N", "2026-06-01")]
    assert [set(one.cells) for one in moved] == [{"channel_id"}]
    key = next(one for one in found.changes if one.dimension == "channel_key")
    assert key.cells["valid_from"] == found.changes[0].cells["valid_to"]
    release = promote_recorded(workspace, found)
    assert names_by_code(workspace) == {
        ("A", BEGINNING): ("A", DAY),
        ("N", DAY): ("A", "2026-06-01"),
        ("N", "2026-06-01"): ("Renamed", None),
    }
    promote_recorded(workspace, rollback(workspace, release))
    assert names_by_code(workspace) == before


@pytest.mark.parametrize("action", ["was always wrong", "delete", "new code"])
def test_a_later_row_is_not_edited_and_moved_to_a_new_code_at_once(
    workspace: Workspace, planned: Path, action: str
) -> None:
    later = {
        "was always wrong": {"Channel name": "Other", "Action": action},
        "delete": {"Action": action},
        "new code": {"Channel": "M", "Action": action, "Day": "2026-07-01"},
    }[action]
    with pytest.raises(RefusedError) as caught:
        submitted(workspace, rows_of_a(planned, NEW_CODE, later))
    assert "edited-too" in {one.rule for one in caught.value.problems}


@pytest.mark.parametrize("is_one_workbook", [False, True])
def test_rows_of_another_channel_that_has_the_code_later_stay(
    workspace: Workspace, planned: Path, is_one_workbook: bool
) -> None:
    channel, key = (workspace.contract(one) for one in ("channel", "channel_key"))
    values = {"channel_id": "A", "channel_sk": "A#2", "valid_from": "2026-06-01", "valid_to": None}
    recycled = Edit(Action.INSERT, values=values)
    if not is_one_workbook:
        changes = tuple(changes_of(key, recycled, {})[0])
        latest, hashes = workspace.registry.latest_release(), {key.dimension: key.hash}
        found = ChangeSet("ana", "x", "edit", latest, "b.xlsx", "", hashes, changes)
        workspace.registry.record_change_set(found)
        promote_recorded(workspace, found)
    rows, _ = workspace.registry.approved_rows("channel")
    first = ("A", BEGINNING)
    new_code = Edit(Action.NEW_CODE, first, {"channel_id": "N"}, rows[first], DAY)
    asked = [(channel, new_code), (key, recycled)][: 1 + is_one_workbook]
    book: Any = SimpleNamespace(base_release=workspace.registry.latest_release())
    _, states, conflicts = _changes(
        workspace, [Asked(book, one, [edit], []) for one, edit in asked]
    )
    assert conflicts == []
    mine = {one for one in states["channel"] if one[0] in "AN"}
    assert mine == {first, ("N", DAY), ("A", "2026-06-01")}


def test_a_row_takes_the_days_of_one_that_the_same_workbook_deletes_or_moves(
    workspace: Workspace, tmp_path: Path
) -> None:
    for name, day, source in (("Two", "2026-03-01", ALFA), ("Three", "2026-05-01", None)):
        identity = source or ("ALFA", "2026-03-01")
        base = networks(workspace)[identity]
        values = {"network_name": name}
        promoted(workspace, Edit(Action.CHANGE_FROM, identity, values, base, day))
    file = export(workspace, tmp_path)
    moved = copied(file, "moved.xlsx")
    _, middle, last = rows_of(file, "Network", "ALFA")
    wrong = {"Action": "was always wrong", "True from": "2026-03-01"}
    write_cells(file, "Network", {middle: {"Action": "delete"}, last: wrong})
    deleted = submitted(workspace, file)
    first, middle, last = rows_of(moved, "Network", "ALFA")
    ends, begins = ({"Action": "was always wrong", one: ""} for one in ("True until", "True from"))
    cells = {
        first: {**ends, "True until": "2026-05-01"},
        middle: {**begins, "True from": "2026-05-01", "True until": "2026-07-01"},
        last: {**begins, "True from": "2026-07-01"},
    }
    both = submitted(workspace, write_cells(moved, "Network", cells), "bob")
    promote_recorded(workspace, both)
    days = names_of_alfa(workspace)
    assert days == {BEGINNING: "Alfa", "2026-05-01": "Two", "2026-07-01": "Three"}
    # A row that is taken away goes before its days are taken, so that no history has it gone.
    kinds = [(one.kind.value, one.identity[1]) for one in both.changes]
    assert kinds.index(("removed", "2026-05-01")) < kinds.index(("added", "2026-05-01"))
    versions = versions_of(workspace, "network", "ALFA")
    told = {one.valid_from: one.values["network_name"] for one in versions}
    assert {one: told[one] for one in days} == days
    promote_recorded(workspace, rollback(workspace, workspace.registry.latest_release()))
    promote_recorded(workspace, deleted)
    days = names_of_alfa(workspace)
    assert days == {BEGINNING: "Alfa", "2026-03-01": "Three"}


def test_a_refreshed_new_row_keeps_its_day(workspace: Workspace, tmp_path: Path) -> None:
    beta = ("BETA", BEGINNING)
    base = networks(workspace)[beta]
    promoted(workspace, Edit(Action.RETIRE, beta, {}, base, "2026-01-01"))
    file = export(workspace, tmp_path)
    again = {"Network": "BETA", "Network name": "Again", "Action": "new row", "Day": LATER[1]}
    write_cells(file, "Network", {5: again})
    fresh = tmp_path / "fresh.xlsx"
    assert refresh_workbook(workspace, file, fresh).conflicts == ()
    (change,) = submitted(workspace, fresh).changes
    assert change.identity == ("BETA", LATER[1])
    promote_recorded(workspace, submitted(workspace, file, "bob"))
    (conflict,) = refresh_workbook(workspace, file, tmp_path / "late.xlsx").conflicts
    assert "BETA is there meanwhile" in conflict.message


def test_a_rollback_has_no_parts(workspace: Workspace) -> None:
    base = networks(workspace)[ALFA]
    promoted(workspace, Edit(Action.CHANGE_FROM, ALFA, {"network_name": "May"}, base, LATER[1]))
    inverse = rollback(workspace, workspace.registry.latest_release())
    with pytest.raises(RefusedError, match="takes back both parts or none"):
        take_part(acting(workspace, "rob"), inverse.id, [f"ALFA|{LATER[1]}"])


def test_a_trial_does_not_depend_on_the_order_in_which_its_requests_are_named(
    workspace: Workspace,
) -> None:
    base = networks(workspace)[ALFA]
    split = proposed(workspace, Edit(Action.CHANGE_FROM, ALFA, {"network_name": "Y"}, base, DAY))
    wrong = Edit(Action.CORRECT, ALFA, {"network_name": "Z"}, base)
    corrected = proposed(workspace, wrong, author="bob")
    for asked in ([split, corrected], [corrected, split]):
        with pytest.raises(RefusedError, match="both change it"):
            check_applies(workspace, asked)
