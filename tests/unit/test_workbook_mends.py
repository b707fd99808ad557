"""Mends, formulas and comments: what becomes of a value on its way in is always shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl.comments import Comment
from workbook_editing import (
    ACTION,
    Analyst,
    by_xlsxwriter,
    export,
    station,
    station_contract,
    submit,
)

from foreview.changes import Action, apply, changes_of, make_state
from foreview.contract import BEGINNING, MENDS, Contract
from foreview.identities import identity_edits
from foreview.workbook.mends import mended

MENDING = station_contract(mends=list(MENDS))
ROWS = [station("A", network_id="007", rank="1"), station("B")]
STATE = make_state(MENDING, ROWS)
DAY = "2026-04-07"


def only_edit(path: Path, contract: Contract) -> Any:
    edits, problems = submit(path, ROWS, contract)
    assert problems == []
    (edit,) = edits
    return edit


@pytest.mark.parametrize(
    ("name", "typed", "meant", "note"),
    [
        ("network_id", " 008 ", "008", "blanks around it were taken off"),
        ("network_id", "0\u00a08", "0 8", "a no-break space became a space"),
        ("owners", "A; B ", "A;B", "blanks around it were taken off"),
        ("rank", "7.0", "7", "its zeros after the point were taken off"),
    ],
)
def test_what_the_contract_names_is_mended_and_shown(
    tmp_path: Path, name: str, typed: str, meant: str, note: str
) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, MENDING), MENDING)
    analyst.type(2, **{name: typed, ACTION: "was always wrong"})
    edit = only_edit(analyst.save(), MENDING)
    assert edit.values == {name: meant}
    assert edit.notes == {name: f"was {typed!r}: {note}"}
    (change,), _ = changes_of(MENDING, edit, make_state(MENDING, ROWS))
    assert change.notes == edit.notes


def test_without_a_word_in_the_contract_nothing_is_mended(tmp_path: Path) -> None:
    contract = station_contract()
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, contract), contract)
    analyst.type(2, network_id=" 008\u00a0", **{ACTION: "was always wrong"})
    edit = only_edit(analyst.save(), contract)
    assert edit.values == {"network_id": " 008\u00a0"}
    assert edit.notes == {}


def test_a_value_that_was_odd_before_is_left_as_it_is(tmp_path: Path) -> None:
    rows = [station("A", network_id=" odd ")]
    path = export(tmp_path / "w.xlsx", rows, MENDING)
    assert submit(path, rows, MENDING) == ([], [])


def test_a_contract_can_name_no_mend_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="trimm"):
        station_contract(mends=["trimm"])
    column = MENDING.column("rank")
    assert mended(" \u00a07.00", column, MENDS)[0] == "7"
    assert mended(" ", column, ["trim"])[0] is None


def test_a_formula_with_its_value_counts_as_that_and_is_shown(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, MENDING), MENDING)
    analyst.ask(2, "was always wrong")
    place = analyst.cell(2, "network_id").column - 1
    path = by_xlsxwriter(analyst.save(), {(1, place): ("=UPPER(F2)", "B7")})
    edit = only_edit(path, MENDING)
    assert edit.values == {"network_id": "B7"}
    assert edit.notes == {"network_id": "from the formula =UPPER(F2)"}


def test_a_comment_on_an_edited_cell_becomes_part_of_the_change(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, MENDING), MENDING)
    analyst.type(2, network_id="8", **{ACTION: "was always wrong"})
    analyst.cell(2, "network_id").comment = Comment("see the memo of 3 May", "Ana")
    analyst.cell(3, "network_id").comment = Comment("not edited", "Ana")
    edit = only_edit(analyst.save(), MENDING)
    assert edit.action is Action.CORRECT
    assert edit.notes == {"network_id": "comment: see the memo of 3 May"}


KEYED = station_contract(identities="channel_key")


def test_a_new_code_splits_its_row_and_takes_the_identity_along(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, KEYED), KEYED)
    analyst.type(2, station_id="A2", network_id="8")
    analyst.ask(2, "new code", DAY)
    (edit,), problems = submit(analyst.save(), ROWS, KEYED)
    assert problems == []
    assert (edit.action, edit.identity, edit.day) == (Action.NEW_CODE, ("A", BEGINNING), DAY)
    keys = {
        ("A", BEGINNING): {"channel_sk": "old", "valid_to": "2026-01-01"},
        ("A", "2026-01-01"): {"channel_sk": "first", "valid_to": None},
    }
    found = identity_edits(KEYED, [edit], keys)
    assert found.keys() == {"station", "channel_key"}
    assert found["station"] == [edit]
    (key,) = found["channel_key"]
    assert key.values == {
        "channel_id": "A2",
        "channel_sk": "first",
        "valid_from": DAY,
        "valid_to": None,
    }
    changes = [one for edit in found["station"] for one in changes_of(KEYED, edit, STATE)[0]]
    after, conflicts = apply(STATE, changes)
    assert conflicts == []
    ends = {one[0]: row["valid_to"] for one, row in after.items()}
    assert ends == {"A": DAY, "A2": None, "B": None}
    assert after["A2", DAY] == {**ROWS[0], "station_id": "A2", "network_id": "8", "valid_from": DAY}


def test_a_merger_is_an_edit_of_the_identity_alone(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, KEYED), KEYED)
    analyst.type(2, station_id="B")
    analyst.ask(2, "merge", DAY)
    (edit,), problems = submit(analyst.save(), ROWS, KEYED)
    assert problems == []
    assert (edit.action, edit.identity, edit.day) == (Action.MERGE, ("A", BEGINNING), DAY)
    keys = {("B", "2026-01-01"): {"channel_sk": "first", "valid_to": None}}
    found = identity_edits(KEYED, [edit], keys)
    assert found["station"] == []
    (key,) = found["channel_key"]
    row = {"channel_id": "A", "channel_sk": "first", "valid_from": DAY, "valid_to": None}
    assert (key.action, key.values, key.where) == (Action.INSERT, row, "Station!2")
    for start, action in ((BEGINNING, Action.CHANGE_FROM), (DAY, Action.CORRECT)):
        known = {**keys, ("A", start): {"channel_sk": "A", "valid_to": None}}
        (key,) = identity_edits(KEYED, [edit], known)["channel_key"]
        assert (key.action, key.identity) == (action, ("A", start))
        assert key.values == {"channel_sk": "first"}


@pytest.mark.parametrize(
    ("values", "day", "rule"),
    [
        ({"station_id": "A2"}, DAY, "unknown-code"),
        ({"station_id": "B"}, None, "day-missing"),
        ({"network_id": "8"}, DAY, "nothing-changed"),
        ({"station_id": "B", "network_id": "8"}, DAY, "edited-too"),
    ],
)
def test_a_merger_needs_a_day_and_the_code_of_another_row(
    tmp_path: Path, values: dict[str, str], day: str | None, rule: str
) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, KEYED), KEYED)
    analyst.type(2, **values)
    analyst.ask(2, "merge", day)
    assert [one.rule for one in submit(analyst.save(), ROWS, KEYED)[1]] == [rule]


@pytest.mark.parametrize(
    ("code", "day", "rule"),
    [("A2", None, "day-missing"), ("B", DAY, "duplicate-key"), ("A", DAY, "nothing-changed")],
)
def test_a_new_code_needs_a_day_and_a_code_that_is_free(
    tmp_path: Path, code: str, day: str | None, rule: str
) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, KEYED), KEYED)
    analyst.type(2, station_id=code)
    analyst.ask(2, "new code", day)
    assert [one.rule for one in submit(analyst.save(), ROWS, KEYED)[1]] == [rule]


def test_a_table_without_identities_has_no_new_codes(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS, MENDING), MENDING)
    analyst.type(2, station_id="A2")
    analyst.ask(2, "new code", DAY)
    assert [one.rule for one in submit(analyst.save(), ROWS, MENDING)[1]] == ["unknown-action"]
