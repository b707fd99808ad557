"""Commands as people use them on a registry, without an engine: what is taken, and what is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from networks import export, network_workspace, promote_recorded, rows_of, run, write_cells
from test_scenario_conflicts import recorded

from conftest import PROJECT, acting
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.closing import close_period
from foreview.contract import BEGINNING
from foreview.errors import RefusedError
from foreview.submission import close, read_change_set, record
from foreview.supplier import read_supplier_file
from foreview.workspace import Workspace

ALFA = ("ALFA", BEGINNING)
DAY = "2026-05-02"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


@pytest.fixture
def file(workspace: Workspace, tmp_path: Path) -> Path:
    return export(workspace, tmp_path)


def write(file: Path, key: str, **cells: str) -> Path:
    """Write cells of a network's row, by heading with `_` for blanks."""
    (row,) = rows_of(file, "Network", key)
    return write_cells(
        file, "Network", {row: {name.replace("_", " "): one for name, one in cells.items()}}
    )


def on_cover(file: Path, **texts: str) -> Path:
    book = openpyxl.load_workbook(file)
    for row in book.worksheets[0].iter_rows(max_col=2):
        for label, text in texts.items():
            if str(row[0].value).startswith(label):
                row[1].value = text
    book.save(file)
    return file


def comment_at(file: Path, key: str, heading: str) -> str:
    sheet = openpyxl.load_workbook(file)["Network"]
    headings = {str(cell.value): cell.column for cell in sheet[1]}
    (row,) = rows_of(file, "Network", key)
    comment = sheet.cell(row, headings[heading]).comment
    return comment.text if comment else ""


def submitted(workspace: Workspace, file: Path, author: str = "ana") -> ChangeSet:
    own = acting(workspace, author)
    change_set = read_change_set(own, file, "why")
    record(own, change_set)
    return change_set


def promoted(workspace: Workspace, edit: Edit, author: str = "bob") -> None:
    contract = workspace.contract("network")
    state, _ = workspace.registry.approved_rows("network")
    changes, problems = changes_of(contract, edit, state)
    assert not problems
    promote_recorded(workspace, recorded(workspace, author, changes))


@pytest.mark.parametrize("day", ["20260501", "2026-W18-5", "1 May", "2026-5-1", "2026-02-30"])
def test_a_day_is_written_in_one_way(workspace: Workspace, tmp_path: Path, day: str) -> None:
    with pytest.raises(RefusedError, match="is no day"):
        close_period(workspace, "audience_by_market_day", day, "2026-05-31")
    assert workspace.registry.calendar() == []
    delivery = tmp_path / "delivery.csv"
    delivery.write_text("network_id,network_name\nALFA,Other\nNEW1,New\n", encoding="utf-8")
    with pytest.raises(RefusedError, match="is no day"):
        read_supplier_file(workspace, "network", delivery, "acme", day=day)


def test_an_export_marks_what_a_colleague_changes_from_a_day(
    workspace: Workspace, file: Path, tmp_path: Path
) -> None:
    change = {"Network_name": "Alfa Two", "Action": "changed on a day", "Day": DAY}
    found = submitted(workspace, write(file, "ALFA", **change), "bob")
    fresh = tmp_path / "fresh.xlsx"
    assert run(workspace, "export", "network", "-o", str(fresh)).exit_code == 0
    said = f"bob (change request {found.id}) proposes from {DAY}: Alfa Two"
    assert comment_at(fresh, "ALFA", "Network name") == said
    assert comment_at(fresh, "ALFA", "True until") == ""


def test_a_refreshed_workbook_keeps_reason_and_ticket_and_never_replaces_the_old_one(
    workspace: Workspace, file: Path, tmp_path: Path
) -> None:
    write(file, "ALFA", Network_name="Alfa Two", Action="was always wrong")
    on_cover(file, Reason="because", Ticket="T-1")
    before = file.read_bytes()
    refused = run(workspace, "refresh", str(file), "-o", str(file))
    assert (refused.exit_code, "same-file" in refused.stderr) == (1, True)
    assert file.read_bytes() == before
    fresh = tmp_path / "fresh.xlsx"
    assert run(workspace, "refresh", str(file), "-o", str(fresh)).exit_code == 0
    assert read_change_set(workspace, fresh, None).why == "because (ticket T-1)"


def test_the_day_of_a_change_has_its_cell_and_can_be_commented_on(
    workspace: Workspace, file: Path
) -> None:
    change = {"Network_name": "Alfa Two", "Action": "changed on a day", "Day": DAY}
    found = submitted(workspace, write(file, "ALFA", **change))
    ended, added = found.changes
    day = ended.cells["valid_to"]
    assert added.cells["valid_from"] == day
    assert openpyxl.load_workbook(file)["Network"][day.partition("!")[2]].value == DAY
    at = ("--at", f"{day}=it is on 8 May", "--at", f"{day.lower()}=really")
    sent = run(workspace, "send-back", found.id, *at, "--as", "rob")
    assert sent.exit_code == 0, sent.output
    shown = json.loads(run(workspace, "show", found.id, "--json").stdout)
    assert shown["status"] == "sent-back"
    assert shown["reviews"][0]["cells"] == {day: "it is on 8 May\nreally"}
    assert "sent-back" in run(workspace, "status").stdout
    again = run(workspace, "submit", str(file), "--reason", "why", "--as", "ana")
    assert f"--replaces {found.id}" in again.stdout


def test_a_comment_that_says_nothing_is_refused(workspace: Workspace, file: Path) -> None:
    write(file, "ALFA", Network_name="Alfa Two", Action="was always wrong")
    found = submitted(workspace, file)
    (cell,) = found.changes[0].cells.values()
    sent = run(workspace, "send-back", found.id, "--comment", "see", "--at", cell, "--as", "rob")
    assert (sent.exit_code, "no-comment" in sent.stderr) == (1, True)


@pytest.mark.parametrize(("day", "rule"), [("2026-06-01", "no-change"), ("2026-07-01", "conflict")])
def test_a_row_that_somebody_ended_since_is_no_wrong_day(
    workspace: Workspace, file: Path, day: str, rule: str
) -> None:
    state, _ = workspace.registry.approved_rows("network")
    promoted(workspace, Edit(Action.RETIRE, ALFA, {}, state[ALFA], "2026-06-01"))
    write(file, "ALFA", Action="retire", Day=day)
    with pytest.raises(RefusedError) as caught:
        read_change_set(workspace, file, "why")
    (problem,) = caught.value.problems
    assert problem.rule == rule
    assert ("bob" in problem.message) == (rule == "conflict")


def test_an_error_of_a_range_is_marked_too(workspace: Workspace, file: Path) -> None:
    book = openpyxl.load_workbook(file)
    book["Network"].merge_cells("F3:F4")
    book.save(file)
    assert run(workspace, "submit", str(file), "--reason", "why").exit_code == 1
    sheet = openpyxl.load_workbook(file.with_name("networks.errors.xlsx"))["Network"]
    assert "F3" in marked(sheet)


def test_a_wrong_day_is_marked_at_its_cell(workspace: Workspace, file: Path) -> None:
    write(file, "ALFA", Action="retire", Day="1900-01-01")
    assert run(workspace, "submit", str(file), "--reason", "why").exit_code == 1
    sheet = openpyxl.load_workbook(file.with_name("networks.errors.xlsx"))["Network"]
    (cell,) = marked(sheet)
    assert sheet[cell].value == "1900-01-01"


def marked(sheet: Any) -> set[str]:
    rows = sheet.iter_rows(min_row=2)  # headings have comments of their own
    return {cell.coordinate for row in rows for cell in row if cell.comment}


def test_conditions_with_and_in_a_value_come_back(workspace: Workspace, tmp_path: Path) -> None:
    state, _ = workspace.registry.approved_rows("network")
    promoted(workspace, Edit(Action.CORRECT, ALFA, {"network_name": "Food and Wine"}, state[ALFA]))
    part = tmp_path / "part.xlsx"
    where = "network_name=Food and Wine, Beta"
    assert run(workspace, "export", "network", "--where", where, "-o", str(part)).exit_code == 0
    write(part, "BETA", Network_name="Beta Two", Action="was always wrong")
    fresh = tmp_path / "fresh.xlsx"
    done = run(workspace, "refresh", str(part), "-o", str(fresh))
    assert done.exit_code == 0, done.output
    sheet = openpyxl.load_workbook(fresh)["Network"]
    column = {str(cell.value): cell.column for cell in sheet[1]}["Network"]
    assert {sheet.cell(row, column).value for row in (2, 3)} == {"ALFA", "BETA"}


def test_machines_are_told_what_a_delivery_held_back(workspace: Workspace, tmp_path: Path) -> None:
    state, _ = workspace.registry.approved_rows("network")
    promoted(workspace, Edit(Action.CORRECT, ALFA, {"network_name": "By hand"}, state[ALFA]))
    delivery = tmp_path / "delivery.csv"
    delivery.write_text("network_id,network_name\nALFA,Other\n", encoding="utf-8")
    result = run(workspace, "load", "network", str(delivery), "--source", "acme", "--json")
    told = json.loads(result.stdout)
    assert [one["offered"] for one in told["done"]["held"]] == ["Other"]
    assert told["done"]["not_in_file"] == 2


def test_a_check_looks_at_what_is_to_be_replaced_too(workspace: Workspace, file: Path) -> None:
    write(file, "ALFA", Network_name="Alfa Two", Action="was always wrong")
    found = submitted(workspace, file)
    close(acting(workspace, "ana"), found.id, "withdraw")
    write(file, "ALFA", Network_name="Alfa Three")
    checked = ("submit", str(file), "--check", "--reason", "y", "--replaces", found.id)
    result = run(workspace, *checked, "--as", "ana")
    assert (result.exit_code, "not-open" in result.stderr) == (1, True)
