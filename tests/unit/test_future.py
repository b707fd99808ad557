"""Edits of later days: which they are, and the day on which an illustration shows most of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace

from conftest import PROJECT
from foreview.changes import Action, Change, ChangeSet, Edit, State, apply, changes_of, make_state
from foreview.contract import BEGINNING, load_contracts
from foreview.future import FutureEdit, best_day, ended_codes, future_days
from foreview.generate.invent import Row, approved_row
from foreview.identities import identity_edits
from foreview.what_if import find_future

CONTRACTS = load_contracts(PROJECT)
HORIZON = "2026-04-07"
MAY = "2026-05-01"

CHANNELS = make_state(
    CONTRACTS["channel"],
    [
        {
            **dict.fromkeys(CONTRACTS["channel"].row_columns),
            "channel_id": code,
            "network_id": "ABC",
            "valid_from": BEGINNING,
            "valid_to": "2026-06-01" if code == "ENDS" else None,
        }
        for code in ("A", "B", "C", "ENDS")
    ],
)


def airing(airing_id: str, day: str) -> Row:
    return approved_row(
        airing_id=airing_id,
        channel_id="A",
        feed=None,
        layer="programme",
        programme_id=None,
        starts_at=f"{day} 20:00:00",
        ends_at=f"{day} 21:00:00",
    )


AIRINGS = make_state(CONTRACTS["airing"], [airing("past", "2026-04-01"), airing("next", MAY)])
KEYS: State = {}
ROWS: dict[str, State] = {"channel": CHANNELS, "airing": AIRINGS, "channel_key": KEYS}


def change_set(*changes: Change) -> ChangeSet:
    return ChangeSet("ana", "later", "edit", 1, "test", "", {}, changes)


def edited(*edits: Edit, dimension: str = "channel", rows: State | None = None) -> list[Change]:
    """Return what edits come to, each on the rows after the ones before."""
    state = ROWS[dimension] if rows is None else rows
    found: list[Change] = []
    for edit in edits:
        changes, problems = changes_of(CONTRACTS[dimension], edit, state)
        assert not problems
        found += changes
        state, _ = apply(state, changes)
    return found


def change_from(code: str, day: str, network: str = "FOX", **values: str) -> Edit:
    identity = (code, BEGINNING)
    columns = {"network_id": network, **values}
    return Edit(Action.CHANGE_FROM, identity, columns, CHANNELS[identity], day)


def begins_again(code: str, day: str) -> Edit:
    row = {**CHANNELS[code, BEGINNING], "valid_from": day}
    return Edit(Action.INSERT, values=row)


def found_in(*changes: Change, **more: Any) -> tuple[FutureEdit, ...]:
    return future_days(change_set(*changes), CONTRACTS, HORIZON, rows=ROWS, **more)


def shown(*changes: Change) -> tuple[str, list[str]]:
    """Return the day of the illustration, and the channels whose edits it shows."""
    after: dict[str, State] = {
        name: apply(state, [one for one in changes if one.dimension == name])[0]
        for name, state in ROWS.items()
    }
    best = best_day(found_in(*changes), ROWS, after)
    assert best is not None
    return best[0], [one.key[0] for one in best[1]]


# The day of the illustration


def test_a_change_until_a_later_day_is_illustrated_while_it_holds() -> None:
    temporary = edited(
        change_from("A", MAY, valid_to="2026-05-08"), begins_again("A", "2026-05-08")
    )
    assert shown(*temporary) == (MAY, ["A"])


def test_a_change_of_a_row_that_ends_later_is_illustrated_while_it_holds() -> None:
    assert shown(*edited(change_from("ENDS", MAY))) == (MAY, ["ENDS"])


def test_changes_of_different_days_are_illustrated_on_the_first_day_on_which_most_hold() -> None:
    for_good = edited(change_from("A", MAY), change_from("B", "2026-05-20"))
    assert shown(*for_good) == ("2026-05-20", ["A", "B"])
    week = edited(change_from("A", MAY, valid_to="2026-05-08"), begins_again("A", "2026-05-08"))
    later = edited(change_from("B", "2026-05-20"))
    assert shown(*week, *later) == (MAY, ["A"])
    assert shown(*week, *later, *edited(change_from("C", "2026-05-20")))[0] == "2026-05-20"


# Which edits are of later days


def test_edits_of_days_with_viewing_have_figures() -> None:
    row = CHANNELS["A", BEGINNING]
    for edit in (
        change_from("A", HORIZON),
        Edit(Action.CORRECT, ("A", BEGINNING), {"network_id": "FOX"}, row),
        Edit(Action.DELETE, ("A", BEGINNING), {}, row),
        Edit(Action.RETIRE, ("A", BEGINNING), {}, row, HORIZON),
    ):
        assert found_in(*edited(edit)) == (), edit.action
    assert future_days(change_set(*edited(change_from("A", MAY))), CONTRACTS, None) == ()


def test_a_correction_or_deletion_of_a_row_that_itself_begins_later_has_no_figures_yet() -> None:
    begun = {**CHANNELS, ("A", MAY): {**CHANNELS["A", BEGINNING], "valid_from": MAY}}
    row = begun["A", MAY]
    for action, values in (
        (Action.CORRECT, {"network_id": "FOX"}),
        (Action.CORRECT, {"valid_from": "2026-05-03"}),
        (Action.DELETE, {}),
    ):
        changes = edited(Edit(action, ("A", MAY), values, row), rows=begun)
        (one,) = found_in(*changes)
        assert (one.key, one.day, one.has_illustration) == (("A",), MAY, True)
    earlier = edited(
        Edit(Action.CORRECT, ("A", MAY), {"valid_from": "2026-04-01"}, row), rows=begun
    )
    assert found_in(*earlier) == ()


@pytest.mark.parametrize("column", ["programme_id", "ends_at"])
def test_an_airing_that_is_on_later_has_no_figures_yet(column: str) -> None:
    identity = ("next", BEGINNING)
    values = {column: {"programme_id": "P1", "ends_at": f"{MAY} 22:00:00"}[column]}
    correction = edited(
        Edit(Action.CORRECT, identity, values, AIRINGS[identity]), dimension="airing"
    )
    (one,) = found_in(*correction)
    assert (one.key, one.day, one.is_event, one.has_illustration) == (("next",), MAY, True, False)
    added = edited(Edit(Action.INSERT, values=airing("new", MAY)), dimension="airing")
    assert [one.key for one in found_in(*added)] == [("new",)]
    gone = edited(Edit(Action.DELETE, identity, {}, AIRINGS[identity]), dimension="airing")
    assert [one.key for one in found_in(*gone)] == [("next",)]


def test_an_airing_that_moves_between_a_day_with_viewing_and_a_later_one_has_figures() -> None:
    times = {"starts_at": f"{MAY} 20:00:00", "ends_at": f"{MAY} 21:00:00"}
    back = {"starts_at": "2026-04-01 22:00:00", "ends_at": "2026-04-01 23:00:00"}
    for code, values in (("past", times), ("next", back)):
        identity = (code, BEGINNING)
        edit = Edit(Action.CORRECT, identity, values, AIRINGS[identity])
        assert found_in(*edited(edit, dimension="airing")) == ()


def test_an_airing_in_the_last_night_with_viewing_is_not_called_later() -> None:
    night = {**airing("night", "2026-04-08"), "starts_at": "2026-04-08 08:00:00"}
    changes = edited(Edit(Action.INSERT, values=night), dimension="airing")
    assert found_in(*changes) == ()  # where days begin is not known
    assert found_in(*changes, horizon_end="2026-04-08 09:00:00") == ()
    assert found_in(*changes, horizon_end="2026-04-08 08:00:00")[0].day == "2026-04-08"


def test_a_preview_knows_when_the_last_day_with_viewing_ends(tmp_path: Path) -> None:
    workspace = network_workspace(tmp_path)  # days begin at five in New York, nine in UTC
    for starts, later in (("08:59:59", 0), ("09:00:00", 1)):
        row = {**airing("night", "2026-04-08"), "starts_at": f"2026-04-08 {starts}"}
        one = change_set(*edited(Edit(Action.INSERT, values=row), dimension="airing"))
        assert len(find_future(workspace, [one], HORIZON)) == later, starts


# New codes


def new_code(day: str, keys: State = KEYS, **values: str) -> list[Change]:
    identity = ("A", BEGINNING)
    edit = Edit(Action.NEW_CODE, identity, {"channel_id": "NEW", **values}, CHANNELS[identity], day)
    found = identity_edits(CONTRACTS["channel"], [edit], keys)
    return [
        change
        for dimension, edits in found.items()
        for change in edited(*edits, dimension=dimension)
    ]


@pytest.mark.parametrize("first", [None, "FIRST"])
def test_a_channel_that_gets_another_code_later_is_left_out_of_the_illustration(
    first: str | None,
) -> None:
    key: dict[str, str | None] = {"channel_id": "A", "valid_from": BEGINNING, "valid_to": None}
    keys: State = {("A", BEGINNING): {**key, "channel_sk": first}} if first else {}
    rows: Mapping[str, State] = {**ROWS, "channel_key": keys}
    changes = [*new_code(MAY, keys), *edited(change_from("B", "2026-04-20"))]
    found = future_days(change_set(*changes), CONTRACTS, HORIZON, rows=rows)
    assert [(one.dimension, one.key[0]) for one in found if one.is_new_code] == [
        ("channel", "A"),
        ("channel", "NEW"),
        ("channel_key", "NEW"),
    ]
    after = {"channel": apply(CHANNELS, [one for one in changes if one.dimension == "channel"])[0]}
    best = best_day(found, ROWS, after)
    assert best is not None
    assert (best[0], [one.key[0] for one in best[1]]) == ("2026-04-20", ["B"])
    assert ended_codes(found, after, MAY) == {MAY: ["A"]}  # keeps its last row
    assert ended_codes(found, after, "2026-04-20") == {}  # has its row still
    assert best_day([one for one in found if one.is_new_code], ROWS, after) is None


def test_a_channel_that_is_only_retired_later_is_illustrated() -> None:
    retired = edited(Edit(Action.RETIRE, ("A", BEGINNING), {}, CHANNELS["A", BEGINNING], MAY))
    assert shown(*retired) == (MAY, ["A"])
