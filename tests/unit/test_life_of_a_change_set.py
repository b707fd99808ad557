"""What an analyst does with workbook and change set between export and review."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from networks import (
    channel_rows,
    channels_exported,
    export,
    network_workspace,
    promote_without_engine,
    run,
    server_of,
)

from conftest import PROJECT
from foreview.changes import Action, apply
from foreview.contract import Contract
from foreview.demo import edit_workbook
from foreview.submission import baseline_change_set
from foreview.workbook.layout import COVER_ACTIONS
from foreview.workspace import Workspace

WRONG = "was always wrong"


@pytest.fixture(params=["file", "server"])
def workspace(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path, server_of(request))


def rename(workspace: Workspace, file: Path, **names: str) -> Path:
    edits = {code: {"network_name": name} for code, name in names.items()}
    edit_workbook(file, workspace.contract("network"), edits, action=WRONG)
    return file


def exported_twice(workspace: Workspace, tmp_path: Path) -> tuple[Path, Path]:
    """Return one export for each of two people."""
    file, mine = export(workspace, tmp_path), tmp_path / "mine.xlsx"
    mine.write_bytes(file.read_bytes())
    return file, mine


def listed(workspace: Workspace, *options: str) -> dict[str, str]:
    found = json.loads(run(workspace, "list", "--json", *options).stdout)
    return {one["id"]: one["status"] for one in found}


def cells(file: Path) -> dict[str, dict[str, Any]]:
    """Return the cells of a workbook's rows by code and heading."""
    sheet: Any = openpyxl.load_workbook(file)["Network"]
    headings = [cell.value for cell in sheet[1]]
    rows = [dict(zip(headings, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    return {row["Network"].value: row for row in rows}


def test_a_refused_workbook_comes_back_annotated_and_can_be_submitted_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = rename(workspace, export(workspace, tmp_path), ALFA="Alpha")
    book: Any = openpyxl.load_workbook(file)
    book["Network"]["B4"].value = "rename it"
    book.save(file)
    refused = run(workspace, "submit", str(file), "--reason", "x")
    copy = tmp_path / "networks.errors.xlsx"
    assert refused.exit_code == 1
    assert refused.stderr.endswith(f"marked in {copy}: mend them there and submit that.\n")
    again = run(workspace, "submit", str(copy), "--reason", "x")
    assert str(tmp_path / "networks.errors-2.xlsx") in again.stderr
    book = openpyxl.load_workbook(copy)
    book["Network"]["B4"].value = None
    book.save(copy)
    assert run(workspace, "submit", str(copy), "--reason", "x").exit_code == 0


def test_a_refusal_that_is_at_no_cell_leaves_no_copy(workspace: Workspace, tmp_path: Path) -> None:
    refused = run(workspace, "submit", str(export(workspace, tmp_path)), "--reason", "x")
    assert "no-change" in refused.stderr
    assert [one.name for one in tmp_path.glob("*.xlsx")] == ["networks.xlsx"]


def test_a_change_request_takes_the_place_of_another(workspace: Workspace, tmp_path: Path) -> None:
    file = rename(workspace, export(workspace, tmp_path), ALFA="Alpha")
    submit = ("submit", str(file), "--reason", "x", "--as")
    assert run(workspace, *submit, "ana").exit_code == 0
    (old,) = listed(workspace)
    rename(workspace, file, ALFA="Aleph")
    other = run(workspace, *submit, "bob", "--replaces", old)
    assert "not-author" in other.stderr
    assert listed(workspace) == {old: "pending"}
    assert run(workspace, *submit, "ana", "--replaces", old[:6]).exit_code == 0
    new, *_ = listed(workspace)
    assert listed(workspace, "--all") | {new: "pending", old: "withdrawn"} == listed(
        workspace, "--all"
    )
    assert f"replaced by {new}" in run(workspace, "show", old).output
    again = run(workspace, *submit, "ana", "--replaces", old)
    assert "not-open" in again.stderr


def test_more_rows_than_the_rules_allow_need_a_reason(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = replace(workspace.contract("network"), max_changed_rows=1, max_changed_share=0.1)
    others = Workspace.contract

    def contract(self: Workspace, name: str) -> Contract:
        return rules if name == "network" else others(self, name)

    monkeypatch.setattr(Workspace, "contract", contract)
    file = rename(workspace, export(workspace, tmp_path), ALFA="Alpha", BETA="Beth")
    refused = run(workspace, "submit", str(file), "--reason", "x")
    assert "2 of 3 rows would be changed (2 corrected); the table's rules allow 1" in refused.stderr
    allowed = ("--allow-bulk", "all names, memo 7")
    assert run(workspace, "submit", str(file), "--reason", "x", *allowed).exit_code == 0
    (one,) = listed(workspace)
    assert "x (so many rows because: all names, memo 7)" in run(workspace, "show", one).output


def test_an_export_shows_what_colleagues_propose(workspace: Workspace, tmp_path: Path) -> None:
    file = rename(workspace, export(workspace, tmp_path), ALFA="Alpha")
    run(workspace, "submit", str(file), "--reason", "x", "--as", "bob")
    (one,) = listed(workspace)
    found = cells(export(workspace, tmp_path))
    assert (
        found["ALFA"]["Network name"].comment.text == f"bob (change request {one}) proposes: Alpha"
    )
    assert found["ALFA"]["Network name"].value == "Alfa"
    assert found["BETA"]["Network name"].comment is None


def test_edits_are_moved_onto_todays_rows_and_conflicts_wait_for_a_decision(
    workspace: Workspace, tmp_path: Path
) -> None:
    file, mine = exported_twice(workspace, tmp_path)
    theirs = {"ALFA": "Alpha", "BETA": "Beth"}
    change_set = promote_without_engine(workspace, rename(workspace, file, **theirs), "bob")
    rename(workspace, mine, ALFA="Aleph", BETA="Beth", **{"007": "Bond"})
    today = tmp_path / "today.xlsx"
    done = run(workspace, "refresh", str(mine), "-o", str(today))
    assert done.exit_code == 0, done.output
    assert "2 edits on today's rows" in done.output
    assert "1 others have been made meanwhile" in done.output
    found = cells(today)
    name = found["ALFA"]["Network name"]
    assert (name.value, found["ALFA"]["Action"].value) == ("Aleph", None)
    who = f"bob (change request {change_set.id})"
    assert name.comment.text == f"{who} changed this to Alpha; you wrote Aleph."
    assert (found["007"]["Network name"].value, found["007"]["Action"].value) == ("Bond", WRONG)
    assert (found["BETA"]["Network name"].value, found["BETA"]["Action"].value) == ("Beth", None)
    refused = run(workspace, "submit", str(today), "--reason", "x")
    assert "row-without-action" in refused.stderr
    rename(workspace, today, ALFA="Aleph")
    assert run(workspace, "submit", str(today), "--reason", "x").exit_code == 0


def test_edits_of_rows_that_are_gone_or_there_already_are_told_with_their_values(
    workspace: Workspace, tmp_path: Path
) -> None:
    file, mine = exported_twice(workspace, tmp_path)
    contract = workspace.contract("network")
    edit_workbook(file, contract, {"ALFA": {}}, action="delete")
    promote_without_engine(workspace, file, "bob")
    rename(workspace, mine, ALFA="Aleph", BETA="Beth")
    today = tmp_path / "today.xlsx"
    done = run(workspace, "refresh", str(mine), "-o", str(today), "--json")
    (lost,) = json.loads(done.stdout)["conflicts"]
    assert (lost["value"], lost["where"]) == ("network_name: Aleph", "Network!3")
    assert "ALFA" not in cells(today)


def test_an_edit_of_a_row_that_was_split_since_waits_for_a_decision(
    workspace: Workspace, tmp_path: Path
) -> None:
    file, mine = exported_twice(workspace, tmp_path)
    contract = workspace.contract("network")
    group = {"ALFA": {"network_group_id": "G1"}}
    edit_workbook(file, contract, group, action="changed on a day", day="2026-05-01")
    change_set = promote_without_engine(workspace, file, "bob")
    rename(workspace, mine, ALFA="Aleph")
    refused = run(workspace, "submit", str(mine), "--reason", "x")
    assert "split the row since" in refused.stderr
    today = tmp_path / "today.xlsx"
    assert run(workspace, "refresh", str(mine), "-o", str(today)).exit_code == 0
    sheet: Any = openpyxl.load_workbook(today)["Network"]
    told = [cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment]
    assert any(f"bob (change set {change_set.id}" in one for one in told)
    again = run(workspace, "submit", str(today), "--reason", "x")
    assert "row-without-action" in again.stderr


def test_two_tables_in_one_workbook_are_checked_together(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "both.xlsx"
    where = ("--where", "network.network_id=ALFA,BETA")
    done = run(workspace, "export", "network", "network_group", "-o", str(file), *where)
    assert done.exit_code == 0, done.output
    assert run(workspace, "submit", str(file), "--reason", "x").exit_code == 1
    book: Any = openpyxl.load_workbook(file)
    put(book["Network"], 2, {"Group": "G2", "Action": WRONG})
    book.save(file)
    alone = run(workspace, "submit", str(file), "--reason", "x")
    assert "There is no network_group 'G2'" in alone.stderr
    put(book["Network group"], 3, {"Group code": "G2", "Group name": "Two", "Action": "new row"})
    book.save(file)
    together = run(workspace, "submit", str(file), "--reason", "a group and its first network")
    assert together.exit_code == 0, together.output
    (change_set,) = workspace.registry.pending()
    assert [(one.dimension, one.identity[0]) for one in change_set.changes] == [
        ("network_group", "G2"),
        ("network", "ALFA"),
    ]
    assert set(change_set.contracts) == {"network", "network_group"}
    today = tmp_path / "today.xlsx"
    assert "2 edits" in run(workspace, "refresh", str(file), "-o", str(today)).output
    again = run(workspace, "submit", str(today), "--reason", "a group and its first network")
    assert again.exit_code == 0, again.output


def put(sheet: Any, number: int, values: dict[str, str]) -> None:
    headings = {cell.value: cell.column for cell in sheet[1]}
    for heading, value in values.items():
        sheet.cell(number, headings[heading]).value = value


@pytest.mark.parametrize("where", ["network_id=ALFA", "channel.channel_id=A"])
def test_a_condition_says_which_of_several_tables_it_is_about(
    workspace: Workspace, tmp_path: Path, where: str
) -> None:
    file = str(tmp_path / "both.xlsx")
    done = run(workspace, "export", "network", "network_group", "-o", file, "--where", where)
    assert done.exit_code == 1
    assert "condition" in done.stderr


def test_a_ticket_is_on_the_cover_or_given_and_is_shown(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = rename(workspace, export(workspace, tmp_path), ALFA="Alpha")
    book: Any = openpyxl.load_workbook(file)
    (label,) = (cell for cell in book["Instructions"]["A"] if cell.value == "Ticket")
    book["Instructions"].cell(label.row, 2).value = "T-1"
    book.save(file)
    submit = ("submit", str(file), "--reason", "x")
    for options, ticket in (((), "T-1"), (("--ticket", "T-2"), "T-2")):
        assert run(workspace, *submit, *options).exit_code == 0
        assert f"x (ticket {ticket})" in run(workspace, "list").stdout
        (known,) = [one for one in listed(workspace) if listed(workspace)[one] == "pending"]
        assert f": x (ticket {ticket})\n" in run(workspace, "show", known).stdout
        assert workspace.registry.change_set(known).ticket == ticket
        run(workspace, "withdraw", known)


def test_a_template_is_a_saved_export(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "w.xlsx"
    command = ("export", "network", "-o", str(file), "--template")
    assert run(workspace, *command, "without-group", "--where", "network_id~F").exit_code == 0
    rows = cells(file)
    assert rows
    assert all("F" in code.upper() for code in rows)
    assert all(row["Group"].value is None for row in rows.values())
    cover: Any = openpyxl.load_workbook(file)["Instructions"]
    (label,) = (cell for cell in cover["A"] if cell.value == "Action for all rows")
    assert cover.cell(label.row, 2).value == WRONG
    unknown = run(workspace, *command, "without-groop")
    assert "unknown-template" in unknown.stderr
    assert "without-group" in unknown.stderr


def test_every_template_can_be_exported(workspace: Workspace) -> None:
    templates = [(one, saved) for one in workspace.contracts.values() for saved in one.templates]
    assert templates
    for contract, name in templates:
        template = contract.templates[name]
        assert all(re.split("[=~]", text)[0] in contract.row_columns for text in template.where)
        assert template.action is None or Action(template.action) in COVER_ACTIONS


def test_channels_are_merged_and_given_new_codes_in_one_workbook(
    workspace: Workspace, tmp_path: Path
) -> None:
    contract = workspace.contract("channel")
    file, rows = channels_exported(workspace, tmp_path), channel_rows(workspace)
    registry = workspace.registry
    day = "2026-04-07"
    edit_workbook(file, contract, {"B": {"channel_id": "A"}}, action="merge", day=day)
    edit_workbook(file, contract, {"C": {"channel_id": "C2"}}, action="new code", day=day)
    done = run(workspace, "submit", str(file), "--reason", "x")
    assert done.exit_code == 0, done.output
    (change_set,) = registry.pending()
    assert {(one.dimension, *one.identity): one.after for one in change_set.changes} == {
        ("channel", "C", "1900-01-01"): {"valid_to": day},
        ("channel", "C2", day): {**rows[2], "channel_id": "C2", "valid_from": day},
        ("channel_key", "B", day): {
            "channel_id": "B",
            "channel_sk": "A",
            "valid_from": day,
            "valid_to": None,
        },
        ("channel_key", "C2", day): {
            "channel_id": "C2",
            "channel_sk": "C",
            "valid_from": day,
            "valid_to": None,
        },
    }
    # What somebody else put into effect meanwhile goes on under the new code.
    now, _ = registry.approved_rows("channel")
    named = {**now["C", "1900-01-01"], "channel_name": "named since"}
    mine = [one for one in change_set.changes if one.dimension == "channel"]
    after, conflicts = apply({**now, ("C", "1900-01-01"): named}, mine)
    assert conflicts == []
    assert after["C2", day]["channel_name"] == "named since"


def test_no_rows_are_put_back_while_a_promotion_is_unfinished(
    workspace: Workspace, tmp_path: Path
) -> None:
    days = {"valid_from": "1900-01-01", "valid_to": None}
    country = {"country_id": "US", "country_name": "US", **days}
    file = tmp_path / "countries.csv"
    change_set = baseline_change_set(workspace, {"country": [country]}, file)
    workspace.registry.record_change_set(change_set)
    workspace.registry.begin_promotion([change_set.id], actor="ana", kind="baseline")
    refused = run(workspace, "build", "--restore")
    assert refused.exit_code != 0
    assert "promotion-unfinished" in refused.stderr
