"""Sending back with comments on cells, and taking a part: registry and workbook, no engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from networks import export, network_workspace, promote_recorded, run, server_of

from conftest import acting
from foreview.changes import Action, Change, ChangeSet, Kind
from foreview.contract import BEGINNING
from foreview.errors import RefusedError
from foreview.reviewing import mark_comments, send_back, take_part
from foreview.submission import read_change_set, record
from foreview.workspace import Workspace


@pytest.fixture(params=["file", "server"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    return network_workspace(tmp_path, server_of(request))


@pytest.fixture
def file(workspace: Workspace, tmp_path: Path) -> Path:
    return edited(export(workspace, tmp_path), {"007": "Seven", "ALFA": "First", "BETA": "Second"})


def edited(file: Path, names: dict[str, str]) -> Path:
    book = openpyxl.load_workbook(file)
    sheet = book["Network"]
    column = {cell.value: cell.column for cell in sheet[1]}
    for row in sheet.iter_rows(min_row=2):
        code = row[column["Network"] - 1].value
        if code in names:
            row[column["Network name"] - 1].value = names[code]
            row[column["Action"] - 1].value = "was always wrong"
    book.save(file)
    return file


def submitted(workspace: Workspace, file: Path, reason: str = "names") -> ChangeSet:
    change_set = read_change_set(workspace, file, reason)
    record(workspace, change_set)
    return change_set


def rules(caught: pytest.ExceptionInfo[RefusedError]) -> list[str]:
    return [one.rule for one in caught.value.problems]


def cell_of(change_set: ChangeSet, code: str) -> str:
    return next(one.cells["network_name"] for one in change_set.changes if one.identity[0] == code)


def test_what_was_sent_back_is_mended_and_takes_the_place_of_the_first(
    workspace: Workspace, file: Path, tmp_path: Path
) -> None:
    first = submitted(workspace, file)
    cell = cell_of(first, "BETA")
    send_back(
        acting(workspace, "rob"), first.id, "nearly", [(cell.lower(), "it is called Beta Two")]
    )
    assert workspace.registry.status(first.id) == "sent-back"
    assert workspace.registry.pending() == []
    shown = run(workspace, "show", first.id, "--mark", str(file))
    assert f"{cell}: it is called Beta Two" in shown.output
    copy = tmp_path / "networks.errors.xlsx"
    book = openpyxl.load_workbook(copy)
    comment = book["Network"][cell.partition("!")[2]].comment
    assert "it is called Beta Two" in comment.text
    mended = edited(copy, {"BETA": "Beta Two"})
    arguments = ("--replaces", first.id, "--reason", "names", "--as", "ana")
    done = run(workspace, "submit", str(mended), *arguments)
    assert done.exit_code == 0, done.output
    (second,) = workspace.registry.pending()
    assert {one.after["network_name"] for one in second.changes} == {"Seven", "First", "Beta Two"}
    assert workspace.registry.status(first.id) == "withdrawn"


@pytest.mark.parametrize(
    ("who", "comment", "cells", "rule"),
    [
        ("ana", "no", {}, "own-change-set"),
        ("rob", "", {}, "no-comment"),
        ("rob", "", {"Network!E1": "?"}, "unknown-cell"),
    ],
)
def test_sending_back_that_says_nothing_useful_is_refused(
    workspace: Workspace, file: Path, who: str, comment: str, cells: dict[str, str], rule: str
) -> None:
    change_set = submitted(workspace, file)
    with pytest.raises(RefusedError) as caught:
        send_back(acting(workspace, who), change_set.id, comment, cells.items())
    assert rules(caught) == [rule]
    assert workspace.registry.status(change_set.id) == "pending"


def test_comments_are_not_put_into_another_workbook(workspace: Workspace, file: Path) -> None:
    change_set = submitted(workspace, file)
    send_back(acting(workspace, "rob"), change_set.id, "", [(cell_of(change_set, "007"), "no")])
    edited(file, {"007": "Other"})
    with pytest.raises(RefusedError) as caught:
        mark_comments(workspace, change_set.id, file)
    assert rules(caught) == ["other-workbook"]


def test_a_part_goes_through_alone_and_the_whole_is_then_the_rest(
    workspace: Workspace, file: Path
) -> None:
    whole = submitted(workspace, file)
    place = next(one.where for one in whole.changes if one.identity[0] == "ALFA")
    is_file = workspace.registry_url.startswith("sqlite")
    who = "rob" if is_file else whole.author  # a server takes rows from their author only
    part = take_part(acting(workspace, who), whole.id, [place.lower(), "007"])
    assert (part.author, part.source_hash) == (whole.author, whole.source_hash)
    assert {one.identity[0] for one in part.changes} == {"ALFA", "007"}
    promote_recorded(workspace, part)
    promote_recorded(workspace, whole)
    rows, _ = workspace.registry.approved_rows("network")
    names = {identity[0]: row["network_name"] for identity, row in rows.items()}
    assert names == {"007": "Seven", "ALFA": "First", "BETA": "Second"}
    assert workspace.registry.verify_events() == []
    parts = [one.payload for one in workspace.registry.events("part-taken")]
    assert parts == [{"change_set": part.id, "part_of": whole.id}]


@pytest.mark.parametrize(
    ("named", "codes"),
    [
        ("alfa", {"alfa"}),
        ("ALFA", {"ALFA"}),
        (f"alfa|{BEGINNING}", {"alfa"}),
        ("beta", {"BETA"}),  # there is no other that it could mean
    ],
)
def test_a_key_in_small_letters_is_not_taken_for_one_in_capitals(
    workspace: Workspace, file: Path, named: str, codes: set[str]
) -> None:
    plain = read_change_set(workspace, file, "names")
    (row,) = (one for one in plain.changes if one.identity[0] == "ALFA")
    values = {**workspace.registry.approved_rows("network")[0][row.identity], "network_id": "alfa"}
    new = Change("network", Kind.ADDED, ("alfa", BEGINNING), {}, values, Action.INSERT)
    whole = replace(plain, changes=(*plain.changes, new))
    record(workspace, whole)
    part = take_part(workspace, whole.id, [named])
    assert {one.identity[0] for one in part.changes} == codes


@pytest.mark.parametrize(
    ("rows", "rule"), [(["ALFA", "BETA", "007"], "not-a-part"), (["GAMMA"], "unknown-part")]
)
def test_what_is_no_part_is_refused(
    workspace: Workspace, file: Path, rows: list[str], rule: str
) -> None:
    whole = submitted(workspace, file)
    with pytest.raises(RefusedError) as caught:
        take_part(acting(workspace, "rob"), whole.id, rows)
    assert rules(caught) == [rule]


def test_a_part_that_needs_a_row_left_out_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "two.xlsx"
    assert run(workspace, "export", "network", "network_group", "-o", str(file)).exit_code == 0
    book = openpyxl.load_workbook(file)
    for title, values in (
        ("Network group", {"Group code": "NEW", "Group name": "New", "Action": "new row"}),
        ("Network", {"Group": "NEW", "Action": "was always wrong"}),
    ):
        sheet = book[title]
        column = {cell.value: cell.column for cell in sheet[1]}
        number = sheet.max_row + 1 if values["Action"] == "new row" else 2
        for heading, value in values.items():
            sheet.cell(number, column[heading]).value = value
    book.save(file)
    whole = submitted(workspace, file)
    child = next(one for one in whole.changes if one.dimension == "network")
    with pytest.raises(RefusedError) as caught:
        take_part(acting(workspace, "rob"), whole.id, [child.where])
    assert rules(caught) == ["unknown-parent"]


@pytest.mark.parametrize("end", ["reject", "withdraw"])
def test_what_is_proposed_again_after_it_ended_is_not_told_to_be_open(
    workspace: Workspace, file: Path, end: str
) -> None:
    whole = submitted(workspace, file)
    who = ("--as", whole.author)  # on a server whoever parts is the author
    first = run(workspace, "part", whole.id, "--row", "ALFA", *who, "--json")
    part = json.loads(first.stdout)
    assert part["status"] == "pending"
    promote_recorded(workspace, submitted(workspace, file, "all of it"))
    number = str(workspace.registry.latest_release())
    inverse = json.loads(run(workspace, "rollback", number, *who, "--json").stdout)
    by = "rob" if end == "reject" else whole.author
    for one in (part, inverse):
        ended = run(workspace, end, one["id"], "--comment", "no need", "--as", by)
        assert ended.exit_code == 0, ended.output
    told = run(workspace, "rollback", number, *who).stdout
    assert ("is rejected" if end == "reject" else "is withdrawn") in told
    assert f"by {by} (no need)" in told
    assert f"foreview rollback {number} --reason" in told
    assert "foreview what-if" not in told
    anew = run(workspace, "rollback", number, "--reason", "once more", *who).stdout
    assert "foreview what-if" in anew
    again = run(workspace, "rollback", number, *who, "--json")
    assert json.loads(again.stdout)["id"] == inverse["id"]
    assert json.loads(again.stdout)["status"] in ("rejected", "withdrawn")


def test_a_part_that_was_rejected_and_is_taken_again_says_so(
    workspace: Workspace, file: Path
) -> None:
    whole = submitted(workspace, file)
    arguments = ("part", whole.id, "--row", "ALFA", "--as", whole.author)
    part = json.loads(run(workspace, *arguments, "--json").stdout)
    run(workspace, "reject", part["id"], "--comment", "not that", "--as", "rob")
    told = run(workspace, *arguments).stdout
    assert "is rejected, by rob (not that)" in told
    assert f"{whole.author} submits these rows in a workbook of their own" in told
    again = run(workspace, "submit", str(file), "--reason", "names", "--as", whole.author).stdout
    assert f"foreview what-if {whole.id}" in again
    run(workspace, "reject", whole.id, "--as", "rob")
    again = run(workspace, "submit", str(file), "--reason", "names", "--as", whole.author).stdout
    assert "submit it with another --reason" in again
