"""What an analyst's edits come to: nothing lost, nothing invented, everything wrong named."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbook_editing import (
    ACTION,
    DAY,
    REASON,
    STATION,
    Analyst,
    by_xlsxwriter,
    export,
    read,
    station,
    submit,
)

from foreview.baseline import read_rows_csv
from foreview.changes import Action, Edit, Row, changes_of, identity_of, make_state
from foreview.contract import BEGINNING, load_contracts
from foreview.workbook import edits_of, read_workbook, write_workbook
from foreview.workbook.layout import ACTION_WORDS, OF_IDENTITIES

ROWS = [
    station("A", network_id="007", rank="1"),
    station("B", valid_to="2024-06-01"),
    station("B", valid_from="2024-06-01", station_name="Later"),
    station("C", owners="A;B", opened="1890-01-01"),
]
CORRECT, CHANGE, RETIRE, DELETE, NEW = (
    "was always wrong",
    "changed on a day",
    "retire",
    "delete",
    "new row",
)


@pytest.fixture
def analyst(tmp_path: Path) -> Analyst:
    return Analyst(export(tmp_path / "w.xlsx", ROWS))


def found(analyst: Analyst) -> tuple[list[Edit], list[tuple[str, str]]]:
    """Return the edits, and each problem's rule and place without the sheet."""
    edits, problems = submit(analyst.save(), ROWS)
    assert all(one.fix and one.message for one in problems)
    return edits, [(one.rule, one.where.partition("!")[2]) for one in problems]


def only_problem(analyst: Analyst) -> tuple[str, str]:
    edits, problems = found(analyst)
    assert edits == []
    (problem,) = problems
    return problem


def base(number: int) -> Row:
    return ROWS[number - 2]


class TestNothingChanged:
    def test_an_untouched_workbook_asks_for_nothing(self, analyst: Analyst) -> None:
        assert found(analyst) == ([], [])

    def test_sorting_and_taking_rows_out_ask_for_nothing(self, analyst: Analyst) -> None:
        analyst.reorder([3, 1, 0, 2])
        analyst.sheet.delete_rows(3)
        assert found(analyst) == ([], [])

    def test_another_spelling_of_the_same_value_is_no_change(self, analyst: Analyst) -> None:
        analyst.type(2, rank="+01", is_live="True")
        assert found(analyst) == ([], [])

    def test_a_cover_default_alone_asks_for_nothing(self, analyst: Analyst) -> None:
        analyst.cover("Action for all rows", CHANGE)
        analyst.cover("Day for all rows", "2026-05-02")
        assert found(analyst) == ([], [])

    def test_a_cleared_first_day_still_means_the_beginning(self, analyst: Analyst) -> None:
        analyst.cell(2, "valid_from").value = None
        assert found(analyst) == ([], [])


class TestEdits:
    def test_a_correction_keeps_its_cells_and_its_reason(self, analyst: Analyst) -> None:
        analyst.type(2, network_id="008", owners="A;B")
        analyst.ask(2, CORRECT, reason="A typo")
        assert found(analyst) == (
            [
                Edit(
                    Action.CORRECT,
                    ("A", BEGINNING),
                    {"network_id": "008", "owners": "A;B"},
                    base(2),
                    None,
                    {"network_id": "Station!G2", "owners": "Station!H2"},
                    "Station!2",
                    "A typo",
                )
            ],
            [],
        )

    def test_a_change_on_a_day_takes_a_real_day_or_text(self, analyst: Analyst) -> None:
        for number, day in ((2, date(2026, 5, 2)), (5, "2026-05-02")):
            analyst.type(number, network_id=None if number == 2 else "N")
            analyst.cell(number, ACTION).value = CHANGE
            analyst.cell(number, DAY).value = day
        edits, problems = found(analyst)
        assert problems == []
        assert [(edit.action, edit.day, dict(edit.values)) for edit in edits] == [
            (Action.CHANGE_FROM, "2026-05-02", {"network_id": None}),
            (Action.CHANGE_FROM, "2026-05-02", {"network_id": "N"}),
        ]

    def test_the_cover_s_action_and_day_hold_where_a_row_says_nothing(
        self, analyst: Analyst
    ) -> None:
        analyst.cover("Action for all rows", CHANGE)
        analyst.cover("Day for all rows", date(2026, 5, 2))
        analyst.type(2, rank="5")
        analyst.type(4, rank="6")
        analyst.cell(4, DAY).value = "2026-06-01"
        analyst.type(5, rank="7")
        analyst.cell(5, ACTION).value = CORRECT
        edits, problems = found(analyst)
        assert problems == []
        assert [(edit.action, edit.day) for edit in edits] == [
            (Action.CHANGE_FROM, "2026-05-02"),
            (Action.CHANGE_FROM, "2026-06-01"),
            (Action.CORRECT, None),
        ]

    def test_retiring_and_deleting(self, analyst: Analyst) -> None:
        analyst.ask(2, RETIRE, "2026-05-02")
        analyst.ask(3, DELETE)
        analyst.ask(5, RETIRE)
        analyst.type(5, valid_to="2026-05-03")
        edits, problems = found(analyst)
        assert problems == []
        assert [(edit.action, edit.identity, edit.day, dict(edit.cells)) for edit in edits] == [
            (Action.RETIRE, ("A", BEGINNING), "2026-05-02", {"valid_to": "Station!C2"}),
            (Action.DELETE, ("B", BEGINNING), None, {}),
            (Action.RETIRE, ("C", BEGINNING), "2026-05-03", {"valid_to": "Station!O5"}),
        ]
        assert all(edit.values == {} for edit in edits)

    def test_a_row_typed_below_the_last_is_new(self, analyst: Analyst) -> None:
        analyst.type(8, station_id="=D", station_name="New", is_live="TRUE")
        analyst.ask(8, NEW, "2026-05-02")
        edits, problems = found(analyst)
        assert problems == []
        (edit,) = edits
        assert (edit.action, edit.identity, edit.day) == (Action.INSERT, None, "2026-05-02")
        assert edit.values == station("=D", station_name="New", valid_from=None)
        assert edit.cells["station_id"] == "Station!E8"
        assert (edit.base, edit.where) == ({}, "Station!8")
        (change,), none = changes_of(STATION, edit, make_state(STATION, ROWS))
        assert none == []
        assert change.identity == ("=D", "2026-05-02")

    def test_a_copied_row_with_its_own_key_is_new(self, analyst: Analyst) -> None:
        analyst.copy(2, 6)
        analyst.type(6, station_id="D")
        analyst.cell(6, ACTION).value = NEW
        edits, problems = found(analyst)
        assert problems == []
        assert [edit.values for edit in edits] == [{**base(2), "station_id": "D"}]

    def test_a_new_row_takes_the_cover_s_action(self, analyst: Analyst) -> None:
        analyst.cover("Action for all rows", CORRECT)
        analyst.type(6, station_id="D")
        edits, problems = found(analyst)
        assert problems == []
        assert [edit.action for edit in edits] == [Action.INSERT]

    def test_a_row_s_first_day_can_be_corrected(self, analyst: Analyst) -> None:
        analyst.type(4, valid_from="2024-07-01")
        analyst.ask(4, CORRECT)
        edits, problems = found(analyst)
        assert problems == []
        assert edits[0].identity == ("B", "2024-06-01")
        assert edits[0].values == {"valid_from": "2024-07-01"}

    def test_the_day_may_stand_in_true_from_too(self, analyst: Analyst) -> None:
        analyst.type(2, rank="5", valid_from="2026-05-02")
        analyst.ask(2, CHANGE, "2026-05-02")
        edits, problems = found(analyst)
        assert problems == []
        assert edits[0].values == {"rank": "5"}

    def test_an_emptied_row_with_the_action_delete_is_deleted(self, analyst: Analyst) -> None:
        analyst.fill(2, dict.fromkeys(STATION.row_columns))
        analyst.ask(2, DELETE)
        edits, problems = found(analyst)
        assert problems == []
        assert [edit.base for edit in edits] == [base(2)]


class TestProblems:
    @pytest.mark.parametrize("values", [{"rank": "9"}, {"network_id": None}, {"valid_to": "x"}])
    def test_an_edited_row_without_an_action(
        self, analyst: Analyst, values: dict[str, str | None]
    ) -> None:
        analyst.fill(2, values)
        assert ("row-without-action", "B2") in found(analyst)[1]

    def test_a_day_or_a_reason_without_an_action(self, analyst: Analyst) -> None:
        analyst.type(2, **{DAY: "2026-05-02"})
        analyst.type(3, **{REASON: "Because"})
        assert found(analyst) == ([], [("row-without-action", "B2"), ("row-without-action", "B3")])

    def test_an_action_on_a_row_that_nobody_edited(self, analyst: Analyst) -> None:
        analyst.ask(2, CORRECT)
        analyst.ask(4, CHANGE, "2026-05-02")
        analyst.type(4, valid_from="2026-05-02")
        assert found(analyst) == ([], [("nothing-changed", "B2"), ("nothing-changed", "B4")])

    def test_unknown_actions_and_days(self, analyst: Analyst) -> None:
        analyst.type(2, rank="9")
        analyst.ask(2, "wrong", "tomorrow")
        analyst.cover("Action for all rows", DELETE)
        analyst.cover("Day for all rows", "2026-13-01")
        edits, problems = submit(analyst.save(), ROWS)
        assert edits == []
        assert [(one.rule, one.where) for one in problems] == [
            ("unknown-action", "Instructions!B5"),
            ("wrong-type", "Instructions!B6"),
            ("unknown-action", "Station!B2"),
            ("wrong-type", "Station!C2"),
        ]

    def test_a_changed_key_asks_what_is_meant(self, analyst: Analyst) -> None:
        analyst.type(2, station_id="A2")
        analyst.ask(2, CORRECT)
        analyst.type(5, station_id="C2")
        assert found(analyst) == ([], [("changed-key", "E2"), ("changed-key", "E5")])

    def test_a_copied_row_with_the_same_key(self, analyst: Analyst) -> None:
        analyst.copy(2, 6)
        analyst.type(6, rank="9")
        analyst.cell(6, ACTION).value = CORRECT
        assert only_problem(analyst) == ("duplicate-row", "E6")

    @pytest.mark.parametrize("copied", [2, 3, 4])
    def test_a_row_pasted_twice(self, analyst: Analyst, copied: int) -> None:
        analyst.copy(copied, 6)
        assert only_problem(analyst) == ("duplicate-row", "E6")

    def test_a_row_among_others_like_it_pasted_twice(self, tmp_path: Path) -> None:
        alike = [station(station_id) for station_id in "ABCDE"]
        analyst = Analyst(export(tmp_path / "w.xlsx", alike))
        analyst.copy(4, 7)
        edits, problems = submit(analyst.save(), alike)
        assert (edits, [one.where for one in problems]) == ([], ["Station!E7"])

    def test_copies_of_which_none_is_the_original(self, analyst: Analyst) -> None:
        analyst.copy(2, 6)
        analyst.type(2, station_id="X")
        analyst.type(6, station_id="Y")
        assert found(analyst) == ([], [("duplicate-row", "E2"), ("duplicate-row", "E6")])

    def test_new_rows_of_a_key_that_is_taken(self, analyst: Analyst) -> None:
        for number, key in ((6, "A"), (7, "D"), (8, "D")):
            analyst.type(number, station_id=key)
            analyst.ask(number, NEW)
        analyst.ask(4, NEW)
        edits, problems = found(analyst)
        assert [edit.where for edit in edits] == ["Station!7"]
        places = ["B4", "E6", "E8"]
        assert problems == [("duplicate-key", place) for place in places]

    def test_new_rows_without_an_action_or_with_another(self, analyst: Analyst) -> None:
        analyst.type(6, station_id="D")
        analyst.type(7, station_id="E")
        analyst.ask(7, CORRECT)
        analyst.ask(8, NEW)
        assert found(analyst) == (
            [],
            [("row-without-action", "B6"), ("unknown-action", "B7"), ("nothing-changed", "B8")],
        )

    def test_values_of_the_wrong_type_are_all_named_with_the_missing_action(
        self, analyst: Analyst
    ) -> None:
        wrong: Mapping[str, str | None]
        wrong = {"is_live": "yes", "opened": "2 May", "rank": "1.5", "weight": "1.234"}
        analyst.fill(2, wrong)
        analyst.fill(6, {**wrong, "station_id": "D", "valid_to": "never"})
        analyst.ask(6, NEW)
        analyst.cell(3, "station_name").value = "=A1"
        places = ["J2", "K2", "L2", "M2", "B2", "J6", "K6", "L6", "M6", "O6"]
        rules = ["row-without-action" if place == "B2" else "wrong-type" for place in places]
        expected = [("formula", "F3"), *zip(rules, places, strict=True)]
        assert found(analyst) == ([], expected)

    def test_days_that_are_missing_or_not_asked_for(self, analyst: Analyst) -> None:
        analyst.type(2, rank="9")
        analyst.ask(2, CHANGE)
        analyst.ask(3, RETIRE)
        analyst.type(4, rank="9")
        analyst.ask(4, CORRECT, "2026-05-02")
        analyst.ask(5, DELETE, "2026-05-02")
        assert found(analyst) == (
            [],
            [
                ("day-missing", "C2"),
                ("day-missing", "C3"),
                ("day-not-expected", "C4"),
                ("day-not-expected", "C5"),
            ],
        )

    def test_two_days_that_contradict_each_other(self, analyst: Analyst) -> None:
        analyst.type(2, rank="9", valid_from="2026-05-01")
        analyst.ask(2, CHANGE, "2026-05-02")
        analyst.type(5, valid_to="2026-05-01")
        analyst.ask(5, RETIRE, "2026-05-02")
        analyst.type(6, station_id="D", valid_from="beginning")
        analyst.ask(6, NEW, "2026-05-02")
        assert found(analyst) == ([], [("two-days", "N2"), ("two-days", "O5"), ("two-days", "C6")])

    def test_edits_of_a_row_that_is_removed_are_not_dropped_silently(
        self, analyst: Analyst
    ) -> None:
        analyst.type(2, rank="9")
        analyst.ask(2, RETIRE, "2026-05-02")
        analyst.type(5, rank="9")
        analyst.ask(5, DELETE)
        assert found(analyst) == ([], [("edited-too", "L2"), ("edited-too", "L5")])

    def test_an_emptied_row_or_first_day(self, analyst: Analyst) -> None:
        analyst.fill(2, dict.fromkeys(STATION.row_columns))
        analyst.fill(4, {"valid_from": None, ACTION: CORRECT})
        assert found(analyst) == ([], [("emptied-row", "2"), ("required", "N4")])

    def test_a_row_of_another_workbook(self, analyst: Analyst, tmp_path: Path) -> None:
        other = Analyst(export(tmp_path / "other.xlsx", [station("Z")]))
        analyst.cell(6, "@row_id").value = other.cell(2, "@row_id").value
        analyst.type(6, station_id="Z")
        assert only_problem(analyst) == ("unknown-row", "E6")

    def test_a_base_that_is_not_the_workbook_s_is_refused_once(self, analyst: Analyst) -> None:
        analyst.type(2, rank="9")
        path = analyst.save()
        for other in ([], [{**row, "rank": "3"} for row in ROWS]):
            edits, problems = submit(path, other)
            assert edits == []
            assert [problem.rule for problem in problems] == ["stale-workbook"]
            assert "4 rows" in problems[0].message

    def test_rows_outside_the_part_do_not_matter(self, tmp_path: Path) -> None:
        path = export(tmp_path / "part.xlsx", ROWS[:1])
        assert submit(path, ROWS) == ([], [])


NASTY = [
    "007", "NA", "None", "nan", "#N/A", "#REF!", "=1+1", "+1", "-1", "@SUM(A1)", "'", "'x", "1e5",
    "12345678901234567890", "x ", " x", " ", "\n", "a\nb", "\r\n", "\t", "TRUE", "2024-01-01",
    "1/2", "_x0041_", "_x005F_", "x005F_", "_x000D_", "😀", "שלום", "مرحبا", "e\u0301", "\u200f",
    "\u00a0", "\ufeff", "<a&b>", "]]>", "beginning", "|", "%7C", "a;b", "Row id",
]  # fmt: skip
LETTERS = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\uffff\ufffe"
)
TEXT = st.sampled_from(NASTY) | st.text(LETTERS, min_size=1, max_size=12)
DATES = st.dates(date(1800, 1, 1)).map(str)
VALUES: dict[str, st.SearchStrategy[str | None]] = {
    "station_name": TEXT,
    "network_id": st.none() | TEXT,
    "owners": st.none() | st.lists(TEXT, min_size=1, max_size=3).map(";".join),
    "power": st.none() | TEXT,
    "is_live": st.sampled_from(["true", "false"]),
    "opened": st.none() | DATES,
    "rank": st.none() | st.integers(-(10**18) + 1, 10**18 - 1).map(str),
    "weight": st.none() | st.decimals(-(10**9), 10**9, places=2).map(lambda one: f"{one:.2f}"),
}
BUSINESS = st.fixed_dictionaries(VALUES)
TABLES = st.dictionaries(TEXT, BUSINESS, min_size=1, max_size=6)


def rows_of(table: Mapping[str, dict[str, str | None]]) -> list[Row]:
    return [station(key, **values) for key, values in table.items()]


@settings(max_examples=40)
@given(TABLES, DATES)
def test_exporting_and_submitting_any_table_is_no_change(
    table: dict[str, dict[str, str | None]], end: str
) -> None:
    rows = rows_of(table)
    rows += [{**row, "valid_from": end} for row in rows if end != BEGINNING]
    with tempfile.TemporaryDirectory() as folder:
        path = export(Path(folder) / "w.xlsx", rows)
        assert submit(path, rows) == ([], [])
        values = [row.values for row in read(path).rows]
        assert [one["station_name"] for one in values] == [row["station_name"] for row in rows]
        assert submit(Analyst(path).save(), rows) == ([], [])
        assert submit(by_xlsxwriter(path), rows) == ([], [])


def edit_randomly(analyst: Analyst, rows: list[Row], draw: Any) -> list[Edit]:
    """Edit some rows and add one; return the edits that are meant."""
    meant = []
    for number, row in enumerate(rows, start=2):
        action = draw(st.sampled_from([None, *Action]))
        if action in (None, Action.INSERT, *OF_IDENTITIES):
            continue
        day = "2026-05-02" if action in (Action.CHANGE_FROM, Action.RETIRE) else None
        values: dict[str, str | None] = {}
        if action in (Action.CORRECT, Action.CHANGE_FROM):
            wanted = draw(BUSINESS)
            values = {name: value for name, value in wanted.items() if value != row[name]}
            if not values:
                continue
        reason = draw(st.sampled_from(["", "=Why"]))
        analyst.fill(number, values)
        analyst.ask(number, ACTION_WORDS[action], day, reason)
        cells = {name: analyst.address(number, name) for name in values}
        if day is not None:
            name = "valid_to" if action is Action.RETIRE else "valid_from"
            cells[name] = analyst.address(number, DAY)
        identity = identity_of(STATION, row)
        where = f"Station!{number}"
        meant.append(Edit(action, identity, values, row, day, cells, where, reason))
    return meant


@settings(max_examples=40)
@given(st.data())
def test_any_edits_come_back_as_they_were_meant(data: st.DataObject) -> None:
    rows = rows_of(data.draw(TABLES))
    new = station("A key of its own", **data.draw(BUSINESS), valid_from="2020-01-01")
    with tempfile.TemporaryDirectory() as folder:
        analyst = Analyst(export(Path(folder) / "w.xlsx", rows))
        order = data.draw(st.permutations(range(len(rows))))
        analyst.reorder(order)
        meant = edit_randomly(analyst, [rows[index] for index in order], data.draw)
        last = len(rows) + 3
        analyst.fill(last, new)
        analyst.ask(last, NEW)
        cells = {name: analyst.address(last, name) for name in STATION.row_columns}
        meant.append(Edit(Action.INSERT, None, new, {}, None, cells, f"Station!{last}"))
        assert submit(analyst.save(), rows) == (meant, [])
        assert submit(by_xlsxwriter(analyst.path), rows) == (meant, [])


@pytest.mark.real
def test_real_channels_survive_export_and_reading() -> None:
    project = Path(__file__).parents[2]
    source = project.parent / "shared" / "data" / "iptv" / "channels_2026-04-07.csv"
    if not source.exists():
        pytest.skip(f"{source} is absent")
    contract = load_contracts(project)["channel"]
    rows, problems = read_rows_csv(source, contract)
    assert (len(rows), problems) == (39_294, [])
    part = random.Random(3).sample(rows, 300)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "channel.xlsx"
        write_workbook(path, contract, part, base_release=1, parents={}, part="a sample")
        (workbook,) = read_workbook(path, {"channel": contract})
        assert (len(workbook.rows), sum(map(bool, workbook.exported.values()))) == (0, 300)
        assert edits_of(workbook, contract, make_state(contract, rows)) == ([], [])
