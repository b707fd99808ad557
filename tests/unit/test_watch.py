"""The drop folder: each workbook is taken once, answered beside it, and never lost."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from networks import begin_to_rename, export, network_workspace, run

from conftest import PROJECT, acting
from foreview import watch
from foreview.demo import edit_workbook
from foreview.errors import Problem, RefusedError
from foreview.registry import ERASURE_BEGUN, ERASURE_DONE
from foreview.submission import close, read_change_set, record, refuse_unfinished
from foreview.watch import DropFolder
from foreview.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "bob").mkdir(parents=True)
    (folder / "readme.txt").write_text("not a person", encoding="utf-8")
    return folder


def put(workspace: Workspace, inbox: Path, name: str = "Alpha", reason: str = "renamed") -> Path:
    """Put a workbook with one new name and a reason on its cover into bob's folder."""
    file = export(workspace, inbox.parent)
    contract = workspace.contract("network")
    edit_workbook(file, contract, {"ALFA": {"network_name": name}}, action="was always wrong")
    book: Any = openpyxl.load_workbook(file)
    cover = book["Instructions"]
    (label,) = (cell for cell in cover["A"] if cell.value == "Reason for all rows")
    cover.cell(label.row, 2).value = reason or None
    book.save(file)
    return file.rename(inbox / "bob" / "networks.xlsx")


def drop(workspace: Workspace, inbox: Path, **options: Any) -> DropFolder:
    return DropFolder(workspace, inbox, lock=lambda _: nullcontext(), **options)


def pending(workspace: Workspace) -> list[tuple[str, str]]:
    return [(one.author, one.reason) for one in workspace.registry.pending()]


def test_a_settled_workbook_becomes_its_owner_s_change_set(
    workspace: Workspace, inbox: Path
) -> None:
    file = put(workspace, inbox)
    folder = drop(workspace, inbox)
    assert folder.look() == []  # it may still be written
    (line,) = folder.look()
    assert pending(workspace) == [("bob", "renamed")]
    (change_set,) = workspace.registry.pending()
    assert line == f"{file}: change request {change_set.id}."
    assert (inbox / "bob" / "submitted" / f"{change_set.id}-networks.xlsx").exists()
    assert not file.exists()
    note = (inbox / "bob" / "networks.xlsx.answer.txt").read_text(encoding="utf-8")
    assert note.startswith(f"Change request {change_set.id} by bob: renamed")
    assert folder.look() == []


def test_a_workbook_whose_request_was_rejected_is_told_so_and_stays(
    workspace: Workspace, inbox: Path
) -> None:
    file, bob = put(workspace, inbox), acting(workspace, "bob")
    found = read_change_set(bob, file, None)
    record(bob, found)
    close(acting(workspace, "rob"), found.id, "reject", "no")
    folder = drop(workspace, inbox)
    folder.look()
    assert folder.look() == [f"{file}: change request {found.id} is rejected already."]
    note = (inbox / "bob" / "networks.xlsx.answer.txt").read_text(encoding="utf-8")
    assert "It was proposed before, and is rejected, by rob (no)." in note
    assert file.exists()


def test_a_workbook_that_is_still_written_waits(workspace: Workspace, inbox: Path) -> None:
    file = put(workspace, inbox)
    folder = drop(workspace, inbox)
    folder.look()
    put(workspace, inbox, "Aleph")
    assert folder.look() == []
    assert file.exists()
    assert len(folder.look()) == 1


def test_errors_come_back_in_a_copy_and_nothing_is_moved(workspace: Workspace, inbox: Path) -> None:
    file = put(workspace, inbox, reason="")
    book: Any = openpyxl.load_workbook(file)
    book["Network"]["B2"].value = "do it"
    book.save(file)
    folder = drop(workspace, inbox)
    folder.look()
    (line,) = folder.look()
    assert "not submitted, 2 problems" in line
    assert sorted(one.name for one in (inbox / "bob").iterdir()) == [
        "networks.errors.xlsx",
        "networks.errors.xlsx.answer.txt",
        "networks.xlsx",
        "networks.xlsx.answer.txt",
    ]
    note = (inbox / "bob" / "networks.xlsx.answer.txt").read_text(encoding="utf-8")
    assert "Network!B2: 'do it' is not an action." in note
    assert "The reason is missing." in note
    again = drop(workspace, inbox)  # after a restart
    assert [again.look(), again.look(), again.look()] == [[], [], []]
    assert pending(workspace) == []


def test_a_file_that_is_no_workbook_is_answered_and_left(workspace: Workspace, inbox: Path) -> None:
    file = inbox / "bob" / "old.xls"
    file.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 512)
    (inbox / "bob" / "~$networks.xlsx").write_bytes(b"Excel's own")
    folder = drop(workspace, inbox)
    folder.look()
    assert len(folder.look()) == 1
    assert "old Excel format" in (inbox / "bob" / "old.xls.answer.txt").read_text(encoding="utf-8")
    assert file.exists()


def test_a_workbook_waits_for_an_unfinished_promotion_and_is_taken_after_it(
    workspace: Workspace, inbox: Path
) -> None:
    file = put(workspace, inbox)
    begin_to_rename(workspace)
    folder = drop(workspace, inbox)
    folder.look()
    (line,) = folder.look()
    assert line.startswith(f"{file}: left for later. The promotion of ")
    assert folder.look() == []  # it is told once
    assert [one.name for one in (inbox / "bob").iterdir()] == ["networks.xlsx"]
    workspace.registry.abandon_promotion(2, actor="rob")
    (line,) = folder.look()
    assert "change request" in line


def test_a_workbook_waits_for_an_interrupted_erasure_and_nobody_is_told_whose(
    workspace: Workspace, inbox: Path
) -> None:
    file = put(workspace, inbox)
    begun = {"household": 40123, "reason": "request of Jane Doe", "devices": [], "days": []}
    workspace.registry.record_event("rob", ERASURE_BEGUN, begun)
    folder = drop(workspace, inbox)
    folder.look()
    (line,) = folder.look()
    assert line.startswith(f"{file}: left for later. The erasure of a household was interrupted.")
    told = run(workspace, "submit", str(file), "--as", "bob").stderr
    assert "erasure-unfinished" in told
    for text in (line, told):
        assert "foreview status" in text
        assert "40123" not in text
        assert "Jane" not in text
    assert [one.name for one in (inbox / "bob").iterdir()] == ["networks.xlsx"]
    assert "erase-household 40123 --reason" in run(workspace, "status").stdout
    with pytest.raises(RefusedError, match="erase-household 40123 --reason 'request of Jane Doe'"):
        refuse_unfinished(workspace, erasing=7)
    workspace.registry.record_event("rob", ERASURE_DONE, {"household": 40123, "publication": 2})
    (line,) = folder.look()
    assert "change request" in line


@pytest.mark.parametrize("step", ["record", "_answer"])
def test_a_workbook_is_taken_once_though_the_watcher_dies_on_the_way(
    workspace: Workspace, inbox: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    put(workspace, inbox)
    done = getattr(watch, step)

    def dies_after(*arguments: Any) -> None:
        done(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, step, dies_after)
    folder = drop(workspace, inbox)
    folder.look()
    with pytest.raises(KeyboardInterrupt):
        folder.look()
    monkeypatch.undo()
    monkeypatch.chdir(PROJECT)
    again = drop(workspace, inbox)
    again.look()
    again.look()
    assert pending(workspace) == [("bob", "renamed")]


def test_the_answer_has_the_impact_or_says_why_not(workspace: Workspace, inbox: Path) -> None:
    asked: list[tuple[str, str]] = []

    def impact(who: Workspace, change_set_id: str, folder: Path) -> None:
        asked.append((who.actor, folder.name))
        if len(asked) > 1:
            raise RefusedError(Problem("nothing-published", "Nothing is published yet."))

    for name, said in (("Alpha", "the folder networks.impact"), ("Aleph", "Nothing is published")):
        put(workspace, inbox, name)
        folder = drop(workspace, inbox, impact=impact)
        folder.look()
        folder.look()
        note = inbox / "bob" / "networks.xlsx.answer.txt"
        assert said in note.read_text(encoding="utf-8")
    assert asked == [("bob", "networks.impact")] * 2


def test_the_command_takes_what_is_there(workspace: Workspace, inbox: Path) -> None:
    put(workspace, inbox)
    done = run(workspace, "watch", str(inbox), "--once", "--every", "0.1", "--no-impact")
    assert done.exit_code == 0, done.output
    assert "change request" in done.output
    missing = run(workspace, "watch", str(inbox / "nowhere"), "--once")
    assert "file-not-found" in missing.stderr
