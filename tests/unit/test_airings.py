"""Schedules: what an analyst may not make of them, named before any viewing is read."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conftest import PROJECT, make_workspace
from foreview.changes import State, identity_of, make_state
from foreview.contract import BEGINNING, Column, load_contracts
from foreview.demo import edit_workbook
from foreview.errors import RefusedError
from foreview.exporting import export_dimension
from foreview.generate.invent import Row, approved_row
from foreview.row_rules import check_state
from foreview.submission import baseline_change_set, read_change_set
from foreview.what_if import checked_change_sets
from foreview.workspace import Workspace

CONTRACTS = load_contracts(PROJECT)
AIRING = CONTRACTS["airing"]
WRONG = "was always wrong"


def airing(airing_id: str, starts: str, ends: str, **values: str | None) -> Row:
    """Return an airing of 1 April 2026 between two times of day."""
    row = approved_row(
        airing_id=airing_id,
        channel_id="A",
        feed=None,
        layer="programme",
        programme_id=None,
        starts_at=f"2026-04-01 {starts}:00",
        ends_at=f"2026-04-01 {ends}:00",
    )
    return {**row, **values}


EVENING = [
    airing("1", "20:00", "21:00"),
    airing("2", "21:00", "22:00"),
    airing("3", "22:30", "23:00"),
]


# Instants


@pytest.mark.parametrize("text", ["2026-04-01 20:00:00", "2026-04-01T20:00:00"])
def test_an_instant_has_one_spelling(text: str) -> None:
    column = Column("starts_at", "timestamp", "Starts", "")
    assert column.canonical(text) == "2026-04-01 20:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-01",
        "2026-04-01 20:00",
        "2026-04-01 20:00:00.5",
        "2026-04-01 20:00:00Z",
        "2026-04-01 20:00:00+02:00",
        "2026-02-29 20:00:00",
        "2026-04-01 24:00:00",
        "2026-04-01 23:59:60",
        "0000-04-01 20:00:00",
        " 2026-04-01 20:00:00",
        "２０２６-04-01 20:00:00",  # noqa: RUF001 - digits that only look right
        "01/04/2026 20:00:00",
    ],
)
def test_what_is_no_instant_of_the_calendar_is_refused(text: str) -> None:
    column = Column("starts_at", "timestamp", "Starts", "")
    with pytest.raises(ValueError, match="is not an instant of the"):
        column.canonical(text)


# The rules, on rows


def check(rows: list[Row], touched: list[Row] | None = None, **days: Any) -> list[Any]:
    parents = {
        "channel": days.get("channel", {"A": [(BEGINNING, None)], "B": [(BEGINNING, None)]}),
        "programme": {},
    }
    state = make_state(AIRING, rows)
    identities = [identity_of(AIRING, row) for row in (rows if touched is None else touched)]
    return check_state(AIRING, state, identities, parents)


def rules(found: list[Any]) -> list[tuple[str, str, str]]:
    return sorted((identity[0], column, problem.rule) for identity, column, problem in found)


def test_airings_that_follow_each_other_are_fine() -> None:
    assert check(EVENING) == []


def test_airings_of_another_channel_feed_or_layer_may_be_on_at_the_same_time() -> None:
    others = [{"channel_id": "B"}, {"feed": "East"}, {"feed": "West"}, {"layer": "break"}]
    rows = [airing(str(n), "20:10", "20:20", **values) for n, values in enumerate(others, 4)]
    assert check([*EVENING, *rows]) == []


def test_rows_that_hold_on_no_common_day_do_not_overlap() -> None:
    rows = [
        airing("1", "20:00", "21:00", valid_to="2026-05-01"),
        airing("2", "20:00", "21:00", valid_from="2026-05-01"),
    ]
    assert check(rows) == []
    assert len(check([rows[0], {**rows[1], "valid_from": "2026-04-30"}])) == 2


@pytest.mark.parametrize("ends", ["20:00", "19:00"])
def test_an_airing_that_takes_no_time_is_refused(ends: str) -> None:
    (found,) = check([airing("1", "20:00", ends)])
    assert rules([found]) == [("1", "ends_at", "ends-before-start")]
    assert f"1 (2026-04-01 20:00:00 to 2026-04-01 {ends}:00) takes no time" in found[2].message


def test_both_airings_of_an_overlap_are_named_with_their_times() -> None:
    moved = airing("1", "20:00", "21:30")
    ((identity, column, problem),) = check([moved, *EVENING[1:]], [moved])
    assert (identity[0], column, problem.rule) == ("1", "ends_at", "overlap-in-time")
    assert "1 (2026-04-01 20:00:00 to 2026-04-01 21:30:00)" in problem.message
    assert "2 (2026-04-01 21:00:00 to 2026-04-01 22:00:00)" in problem.message
    assert "Channel A, Feed (blank), Layer programme" in problem.message


def test_an_overlap_that_was_there_before_is_not_the_authors() -> None:
    rows = [*EVENING, airing("4", "20:30", "20:40")]
    assert check(rows, [EVENING[2]]) == []


def test_a_blank_time_is_named_once() -> None:
    row = airing("1", "20:00", "21:00", ends_at=None)
    assert rules(check([row, airing("2", "20:00", "21:00")])) == [("1", "ends_at", "required")]


def test_an_airing_over_everything_names_the_first_ones_only() -> None:
    rows = [airing(f"{n:03}", "20:00", "21:00") for n in range(100)]
    assert len(check(rows)) < 100 * 25


TIMES = st.sampled_from([f"2026-04-01 0{hour}:00:00" for hour in range(5)])
VERSIONS = st.sampled_from([(BEGINNING, None), (BEGINNING, "2026-01-01"), ("2026-01-01", None)])


@st.composite
def schedules(draw: st.DrawFn) -> tuple[State, list[tuple[str, ...]]]:
    rows = []
    for n in range(draw(st.integers(2, 8))):
        valid_from, valid_to = draw(VERSIONS)
        rows.append(
            airing(
                str(n),
                "",
                "",
                feed=draw(st.sampled_from([None, "East"])),
                starts_at=draw(TIMES),
                ends_at=draw(TIMES),
                valid_from=valid_from,
                valid_to=valid_to,
            )
        )
    state = make_state(AIRING, rows)
    everything = sorted(state)
    some = st.lists(st.sampled_from(everything), unique=True)
    return state, draw(st.just(everything) | some)


def overlap(one: Row, other: Row) -> bool:
    def meet(starts: str, ends: str) -> bool:
        latest = max(one[starts] or "", other[starts] or "")
        return latest < min(one[ends] or "9999", other[ends] or "9999")

    same = all(one[name] == other[name] for name in ("channel_id", "feed", "layer"))
    return same and meet("starts_at", "ends_at") and meet("valid_from", "valid_to")


@given(schedules())
def test_overlaps_are_those_that_comparing_all_pairs_finds(
    schedule: tuple[State, list[tuple[str, ...]]],
) -> None:
    state, touched = schedule
    found = check_state(AIRING, state, touched, {"channel": {"A": [], "B": []}, "programme": {}})
    messages = [
        (identity, problem.message)
        for identity, _, problem in found
        if problem.rule == "overlap-in-time"
    ]
    expected = {
        (one, other)
        for one, other in itertools.permutations(state, 2)
        if one in touched and overlap(state[one], state[other])
    }
    named = {
        (identity, other)
        for identity, message in messages
        for other in state
        if f"overlaps {other[0]} (" in message
    }
    assert named == expected
    assert len(messages) == len(expected)


def test_a_channel_must_be_there_when_the_airing_is_and_only_then() -> None:
    def closed(day: str) -> list[str]:
        return [one[2].rule for one in check(EVENING[:1], channel={"A": [(BEGINNING, day)]})]

    assert closed("2026-04-02") == []
    assert closed("2026-03-31") == ["parent-interval"]
    late = check(EVENING[:1], channel={"A": [("2026-04-03", None)]})
    assert [one[2].rule for one in late] == ["parent-interval"]


# The same, from Excel


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with two channels and an evening, recorded as a first load without an engine."""
    found = make_workspace(tmp_path, "foreview")
    blank = dict.fromkeys(CONTRACTS["channel"].row_columns)
    named = {"channel_name": "A", "country_id": "US", "is_nsfw": "false", "valid_from": BEGINNING}
    tables: dict[str, list[Row]] = {
        "country": [approved_row(country_id="US", country_name="United States")],
        "channel": [{**blank, **named, "channel_id": code} for code in "AB"],
        "programme": [approved_row(programme_id="P1", programme_name="News", genre_id=None)],
        "airing": EVENING,
    }
    change_set = baseline_change_set(found, tables, tmp_path / "first.csv")
    found.registry.record_change_set(change_set)
    number = found.registry.begin_promotion([change_set.id], actor="ana", kind="baseline")
    found.registry.record_release(
        number, [change_set.id], kind="baseline", publication=1, actor="ana"
    )
    return found


def submitted(workspace: Workspace, tmp_path: Path, edits: dict[str, Row]) -> Any:
    file = tmp_path / "airings.xlsx"
    export_dimension(workspace, "airing", file)
    edit_workbook(file, AIRING, edits, action=WRONG)
    return read_change_set(workspace, file, "as broadcast")


def test_a_moved_airing_is_a_correction_of_its_times(workspace: Workspace, tmp_path: Path) -> None:
    times = {"starts_at": "2026-04-01T22:45:00", "ends_at": "2026-04-01 23:15:00"}
    (change,) = submitted(workspace, tmp_path, {"3": times}).changes
    assert change.identity == ("3", BEGINNING)
    assert change.after == {
        "starts_at": "2026-04-01 22:45:00",
        "ends_at": "2026-04-01 23:15:00",
    }


def test_both_edited_airings_of_an_overlap_are_named_at_their_cells(
    workspace: Workspace, tmp_path: Path
) -> None:
    edits = {
        "1": {"ends_at": "2026-04-01 21:20:00"},
        "2": {"starts_at": "2026-04-01 21:10:00"},
    }
    with pytest.raises(RefusedError) as caught:
        submitted(workspace, tmp_path, edits)
    assert [(one.rule, one.where) for one in caught.value.problems] == [
        ("overlap-in-time", "Airing!K2"),
        ("overlap-in-time", "Airing!J3"),
    ]


@pytest.mark.parametrize(
    ("edits", "cells"),
    [
        ({"3": {"starts_at": "2026-04-01 21:30:00"}}, ["Airing!J4"]),
        (
            {"2": {"feed": "East"}, "3": {"feed": "East", "starts_at": "2026-04-01 21:00:00"}},
            ["Airing!G3", "Airing!J4"],
        ),
    ],
)
def test_an_overlap_is_at_the_cell_that_was_edited_whichever_it_is(
    workspace: Workspace, tmp_path: Path, edits: dict[str, Row], cells: list[str]
) -> None:
    with pytest.raises(RefusedError) as caught:
        submitted(workspace, tmp_path, edits)
    assert sorted(one.where for one in caught.value.problems) == cells


def test_change_requests_that_only_together_put_two_airings_at_one_time_are_refused_together(
    workspace: Workspace, tmp_path: Path
) -> None:
    one, other = (
        submitted(workspace, tmp_path, edits)
        for edits in (
            {"2": {"ends_at": "2026-04-01 22:20:00"}},
            {"3": {"starts_at": "2026-04-01 22:10:00"}},
        )
    )
    workspace.registry.record_change_set(one)
    workspace.registry.record_change_set(other)
    for alone in (one, other):
        assert checked_change_sets(workspace, [alone.id]) == [alone]
    with pytest.raises(RefusedError) as caught:
        checked_change_sets(workspace, [one.id, other.id])
    assert {problem.rule for problem in caught.value.problems} == {"overlap-in-time"}


def test_a_channel_with_airings_can_not_be_deleted_unnoticed(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "channels.xlsx"
    export_dimension(workspace, "channel", file)
    edit_workbook(file, CONTRACTS["channel"], {"A": {}}, action="delete")
    with pytest.raises(RefusedError, match="Airing 1 uses it") as caught:
        read_change_set(workspace, file, "gone")
    assert len(caught.value.problems) == len(EVENING)
    export_dimension(workspace, "channel", file)
    edit_workbook(file, CONTRACTS["channel"], {"A": {}}, action="retire", day="2026-06-01")
    assert read_change_set(workspace, file, "closed after its last airing").changes


def test_instants_are_text_in_excel_with_their_form_in_the_note(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "airings.xlsx"
    export_dimension(workspace, "airing", file)
    sheet: Any = openpyxl.load_workbook(file)["Airing"]
    assert sheet["J1"].value == "Starts"
    assert "YYYY-MM-DD HH:MM:SS, in UTC" in sheet["J1"].comment.text
    cell = sheet["J2"]
    assert (cell.value, cell.data_type, cell.number_format) == ("2026-04-01 20:00:00", "s", "@")


@pytest.mark.parametrize("value", [46113.8, 46113])
def test_an_instant_that_excel_turned_into_a_number_is_not_guessed_at(
    workspace: Workspace, tmp_path: Path, value: float
) -> None:
    file = tmp_path / "airings.xlsx"
    export_dimension(workspace, "airing", file)
    book = openpyxl.load_workbook(file)
    sheet: Any = book["Airing"]
    sheet["J2"], sheet["B2"] = value, WRONG
    sheet["J2"].number_format = "General"
    book.save(file)
    with pytest.raises(RefusedError) as caught:
        read_change_set(workspace, file, "as broadcast")
    assert [(one.rule, one.where) for one in caught.value.problems] == [
        ("number-for-text", "Airing!J2")
    ]


# One place for the rules


def arguments_of(model: dict[str, Any], name: str) -> list[Any]:
    return [
        one[name]["arguments"]
        for one in model["data_tests"]
        if isinstance(one, dict) and name in one
    ]


@pytest.mark.parametrize("file", ["staging/airing.yml", "reference/reference.yml"])
def test_dbt_tests_the_same_interval_that_workbooks_are_held_to(file: str) -> None:
    document = yaml.safe_load((PROJECT / "models" / file).read_text(encoding="utf-8"))
    (model,) = (one for one in document["models"] if one["name"] in ("stg_airing", "dim_airing"))
    interval = AIRING.interval
    assert interval is not None
    times = {"starts": interval.starts, "ends": interval.ends}
    rule = {"key": list(AIRING.key), "within": list(interval.within), **times}
    assert arguments_of(model, "event_no_overlap") == [rule]
    assert arguments_of(model, "event_ends_after_start") == [times]
    assert {AIRING.column(name).type for name in times.values()} == {"timestamp"}


@pytest.mark.parametrize(
    "dimension", [name for name, one in CONTRACTS.items() if one.storage == "delta"]
)
def test_landing_tables_have_the_columns_of_their_contract(dimension: str) -> None:
    path = PROJECT / "models" / "staging" / "landing.yml"
    (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    landing = {one["name"]: [c["name"] for c in one["columns"]] for one in source["tables"]}
    contract = CONTRACTS[dimension]
    columns = [*contract.row_columns, "change_set_id"]
    assert landing[dimension] == columns
