"""Workbooks that were exported before a table's columns changed, and rows recorded before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from networks import export as export_networks
from networks import network_workspace
from workbook_editing import ACTION, STATION, Analyst, export, station, submit

from foreview.changes import Action, Edit, changes_of, make_state
from foreview.contract import Column, Contract, parse_contract
from foreview.errors import RefusedError
from foreview.submission import read_change_set
from foreview.workbook import read_workbook

HOMEPAGE = Column("homepage", "string", "Homepage", "Its address.")
WITH_HOMEPAGE = replace(STATION, columns=(*STATION.columns, HOMEPAGE), hash="another")
WITHOUT_POWER = replace(
    STATION,
    columns=tuple(replace(one, is_retired=one.name == "power") for one in STATION.columns),
    hash="another",
)
ROWS = [station("KABC", power="full", network_id="007"), station("WXYZ", opened="2020-02-29")]
BY_RULES = pytest.mark.parametrize(
    "rules", [WITH_HOMEPAGE, WITHOUT_POWER], ids=["added", "retired"]
)


@pytest.fixture
def analyst(tmp_path: Path) -> Analyst:
    return Analyst(export(tmp_path / "older.xlsx", ROWS))


@BY_RULES
def test_a_row_that_nobody_edited_is_as_it_was_exported(analyst: Analyst, rules: Contract) -> None:
    (table,) = read_workbook(analyst.save(), {"station": rules})
    assert table.rows == ()
    assert submit(analyst.path, ROWS, rules) == ([], [])


@BY_RULES
def test_an_edit_of_an_older_workbook_changes_that_cell_and_no_other(
    analyst: Analyst, rules: Contract
) -> None:
    analyst.type(2, station_name="Seven")
    analyst.ask(2, "was always wrong")
    now = make_state(rules, [{**row, "homepage": "https://x"} for row in ROWS])
    (edit,), problems = submit(analyst.save(), list(now.values()), rules)
    assert (edit.values, problems) == ({"station_name": "Seven"}, [])
    (change,), problems = changes_of(rules, edit, now)
    assert (change.after, problems) == ({"station_name": "Seven"}, [])


@BY_RULES
def test_a_new_row_of_an_older_workbook_has_the_columns_of_today(
    analyst: Analyst, rules: Contract
) -> None:
    analyst.type(4, station_id="KNEW", station_name="New", is_live="TRUE", valid_from="beginning")
    analyst.ask(4, "new row")
    (edit,), problems = submit(analyst.save(), ROWS, rules)
    assert not problems
    (change,), _ = changes_of(rules, edit, {})
    assert set(change.after) == set(rules.row_columns)
    assert (change.after["power"], change.after.get("homepage")) == (None, None)


@pytest.mark.parametrize("power", ["low, very", None])
def test_a_column_retired_since_is_not_edited_any_more(analyst: Analyst, power: str | None) -> None:
    analyst.type(2, power=power, station_name="Seven")
    analyst.ask(2, "was always wrong")
    analyst.type(4, station_id="KNEW", station_name="New", is_live="TRUE", power="full")
    analyst.ask(4, "new row")
    edits, problems = submit(analyst.save(), ROWS, WITHOUT_POWER)
    assert [(one.rule, one.where) for one in problems] == [
        ("retired-column", analyst.address(number, "power")) for number in (2, 4)
    ]
    assert [edit.values for edit in edits] == [{"station_name": "Seven"}]


def test_a_fresh_workbook_lacks_a_retired_column_and_its_values_stay(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "fresh.xlsx", ROWS, WITHOUT_POWER), WITHOUT_POWER)
    assert "Power" not in {cell.value for cell in analyst.sheet[1]}
    analyst.type(2, network_id="=N")
    analyst.ask(2, "changed on a day", "2026-05-02")
    (edit,), problems = submit(analyst.save(), ROWS, WITHOUT_POWER)
    assert not problems
    changes, _ = changes_of(WITHOUT_POWER, edit, make_state(WITHOUT_POWER, ROWS))
    assert [one.after.get("power") for one in changes] == [None, "full"]


def test_a_column_that_is_gone_from_the_rules_is_named(analyst: Analyst) -> None:
    rules = replace(STATION, columns=STATION.columns[:-1])
    with pytest.raises(RefusedError) as caught:
        read_workbook(analyst.save(), {"station": rules})
    (problem,) = caught.value.problems
    assert (problem.rule, problem.value) == ("other-rules", "weight")


def test_a_retired_column_is_neither_key_nor_required() -> None:
    column = {
        "name": "id",
        "data_type": "string",
        "description": "The code.",
        "config": {"meta": {"retired": True}},
    }
    rules = {
        "label": "A",
        "key": ["id"],
        "storage": "seed",
        "max_changed_share": 0.1,
        "max_changed_rows": 1,
    }
    model = {
        "name": "stg_a",
        "description": "A.",
        "config": {"meta": {"contract": rules}},
        "columns": [column],
    }
    with pytest.raises(ValueError, match="id is retired"):
        parse_contract({"models": [model]})


def test_rows_recorded_before_a_column_was_added_are_blank_there(tmp_path: Path) -> None:
    workspace = network_workspace(tmp_path)
    file = export_networks(workspace, tmp_path)
    contract = workspace.contract("network")
    workspace.contracts["network"] = replace(contract, columns=(*contract.columns, HOMEPAGE))
    state, _ = workspace.registry.approved_rows("network")
    assert {row["homepage"] for row in state.values()} == {None}
    older = Analyst(file, contract)
    older.type(2, network_name="Seven")
    older.fill(2, {ACTION: "was always wrong"})
    assert len(read_change_set(workspace, older.save(), "why").changes) == 1
    address = Edit(Action.CORRECT, ("007", "1900-01-01"), {"homepage": "https://x"}, {})
    changes, problems = changes_of(workspace.contract("network"), address, state)
    assert ([one.after for one in changes], problems) == ([{"homepage": "https://x"}], [])
