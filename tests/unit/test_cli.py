"""The command line without Spark: what a user sees when something is wrong, and exit codes."""

import json
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
import typer
from networks import export, network_workspace, promote_without_engine, run

from conftest import PROJECT
from foreview.cli import app
from foreview.cli.command import running
from foreview.demo import edit_workbook
from foreview.errors import EngineError, Problem, RefusedError
from foreview.impact import Impact
from foreview.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


def submit_rename(workspace: Workspace, tmp_path: Path, name: str) -> Any:
    file = export(workspace, tmp_path)
    contract = workspace.contract("network")
    edit_workbook(file, contract, {"ALFA": {"network_name": name}}, action="was always wrong")
    return run(workspace, "submit", str(file), "--reason", "renamed", "--as", "ana")


@pytest.mark.parametrize(
    ("error", "how_spark_is", "told"),
    [
        (RuntimeError("java.io.IOException: No space left on device"), "exec sleep 9", "disk-full"),
        (OSError(28, "No space left on device", "seeds/owner.csv"), "exec sleep 9", "disk-full"),
        (OSError(111, "Connection refused"), "kill -9 $$", "engine-lost"),
        (RuntimeError("Answer from Java side is empty"), "exit 1", "engine-lost"),
        (EngineError(Problem("dbt-failed", "Connection refused")), "kill -9 $$", "engine-lost"),
        (RefusedError(Problem("not-approved", "Not yet")), "kill -9 $$", "not-approved"),
        (RuntimeError("a fault of ours"), "exec sleep 9", None),
    ],
)
def test_a_lost_engine_and_a_full_disk_are_told_as_such(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    how_spark_is: str,
    told: str | None,
) -> None:
    from pyspark import SparkContext

    with subprocess.Popen(["sh", "-c", how_spark_is]) as jvm:
        monkeypatch.setattr(SparkContext, "_gateway", SimpleNamespace(proc=jvm))
        with pytest.raises(typer.Exit if told else RuntimeError), running("test", tmp_path):
            raise error
        jvm.kill()
    assert f"[{told}]" in capsys.readouterr().err or told is None


def test_after_a_preview_of_several_the_command_that_is_told_can_be_given(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_rename(workspace, tmp_path, "Alpha")
    (tmp_path / "other").mkdir()
    file = export(workspace, tmp_path / "other")
    contract = workspace.contract("network")
    edit_workbook(file, contract, {"BETA": {"network_name": "B"}}, action="was always wrong")
    run(workspace, "submit", str(file), "--reason", "renamed too", "--as", "bob")
    ids = sorted(one["id"] for one in json.loads(run(workspace, "list", "--json").stdout))
    assert len(ids) == 2
    monkeypatch.setattr("foreview.what_if.preview", previewed)
    monkeypatch.setattr("foreview.receipt.record_receipt", lambda *_: None)
    for chosen in (ids[:1], ids):
        told = run(workspace, "what-if", *chosen, "-o", str(tmp_path / "page")).output
        for one in chosen:
            assert f"somebody else: foreview approve {one}" in told
        assert ("alone" in told) == (len(chosen) > 1)


def previewed(workspace: Workspace, ids: list[str], **_: Any) -> Impact:
    """Stand for the what-if, which needs Spark."""
    change_sets = tuple(map(workspace.registry.change_set, ids))
    return Impact(change_sets, 1, "2026-04-07", 1, {}, (), 0, 0, 0, {}, "c" * 64)


def test_edited_workbook_becomes_a_change_set_and_the_same_file_no_second(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert submit_rename(workspace, tmp_path, "Alpha").exit_code == 0
    file = tmp_path / "networks.xlsx"
    again = run(workspace, "submit", str(file), "--reason", "renamed", "--as", "ana")
    assert "submitted before" in again.output
    listed = json.loads(run(workspace, "list", "--json").stdout)
    assert [one["dimensions"] for one in listed] == [["network"]]


def test_check_records_nothing(workspace: Workspace, tmp_path: Path) -> None:
    file = export(workspace, tmp_path)
    contract = workspace.contract("network")
    edit_workbook(file, contract, {"007": {"network_name": "Bond"}}, action="was always wrong")
    result = run(workspace, "submit", str(file), "--reason", "x", "--check")
    assert result.exit_code == 0
    assert json.loads(run(workspace, "list", "--json").stdout) == []


def test_all_errors_come_at_once_with_their_cells(workspace: Workspace, tmp_path: Path) -> None:
    file = export(workspace, tmp_path)
    book = openpyxl.load_workbook(file)
    sheet: Any = book["Network"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, columns["Network name"]).value = None
    sheet.cell(2, columns["Action"]).value = "was always wrong"
    sheet.cell(3, columns["Group"]).value = "NOBODY"
    sheet.cell(3, columns["Action"]).value = "was always wrong"
    sheet.cell(4, columns["Network name"]).value = "No action"
    book.save(file)
    result = run(workspace, "submit", str(file), "--reason", "x", "--json")
    assert result.exit_code == 1
    problems = json.loads(result.stdout)["problems"]
    rules = {problem["rule"] for problem in problems}
    assert {"required", "unknown-parent", "row-without-action"} <= rules
    assert all("!" in problem["where"] and problem["fix"] for problem in problems)


def test_author_cannot_approve_and_nobody_without_a_preview(
    workspace: Workspace, tmp_path: Path
) -> None:
    submit_rename(workspace, tmp_path, "Alpha")
    (one,) = json.loads(run(workspace, "list", "--json").stdout)
    own = run(workspace, "approve", one["id"], "--as", "ana")
    assert own.exit_code == 1
    assert "own-change-set" in own.stderr or "no-receipt" in own.stderr
    other = run(workspace, "approve", one["id"], "--as", "rob")
    assert other.exit_code == 1
    assert "no-receipt" in other.stderr
    assert run(workspace, "promote", one["id"], "--as", "rob").exit_code == 1


def test_older_workbook_conflicts_on_the_same_cell_and_names_the_other_author(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = export(workspace, tmp_path)
    contract = workspace.contract("network")
    mine = tmp_path / "mine.xlsx"
    mine.write_bytes(file.read_bytes())
    other = tmp_path / "other_cell.xlsx"
    other.write_bytes(file.read_bytes())
    edit_workbook(file, contract, {"ALFA": {"network_name": "Alpha"}}, action="was always wrong")
    edit_workbook(mine, contract, {"ALFA": {"network_name": "Aleph"}}, action="was always wrong")
    edit_workbook(other, contract, {"BETA": {"network_name": "Beth"}}, action="was always wrong")
    promote_without_engine(workspace, file, "bob")
    conflict = run(workspace, "submit", str(mine), "--reason", "x")
    assert conflict.exit_code == 1
    assert "bob" in conflict.stderr
    assert "Network!" in conflict.stderr
    assert run(workspace, "submit", str(other), "--reason", "x").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "exit_code", "rule"),
    [
        (("show", "ffff"), 1, "unknown-change-set"),
        (("what-if", "ffff"), 1, "unknown-change-set"),
        (("promote", "ffff"), 1, "unknown-change-set"),
        (("rollback", "99"), 1, "unknown-release"),
        (("export", "planet", "-o", "x.xlsx"), 1, "unknown-dimension"),
        (("export", "channel", "-o", "x.xlsx"), 1, "no-rows"),
        (("export", "network", "-o", "x.xlsx", "--where", "colour=red"), 1, "condition"),
        (("history", "network", "GAMMA"), 1, "unknown-key"),
        (("baseline", "network", "README.md"), 1, ""),
        (("submit", "README.md", "--reason", "x"), 1, "not-a-workbook"),
        (("submit", "nowhere.xlsx", "--reason", "x"), 1, "file-not-found"),
        (("generate", "--first-day", "soon"), 2, "not-a-date"),
        (("submit",), 2, ""),
    ],
)
def test_bad_input_gets_one_clear_message(
    workspace: Workspace, arguments: tuple[str, ...], exit_code: int, rule: str
) -> None:
    before = workspace.registry.events()
    result = run(workspace, *arguments)
    assert result.exit_code == exit_code, result.output
    assert rule in result.stderr
    assert "Traceback" not in result.output
    assert workspace.registry.events() == before


def test_acting_as_somebody_else_is_refused_outside_demos(workspace: Workspace) -> None:
    (workspace.home / "allow-act-as").unlink()
    result = run(workspace, "withdraw", "ffff", "--as", "bob")
    assert result.exit_code == 2
    assert "act-as" in result.stderr


def test_the_environment_makes_nobody_somebody_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "rob")
    for registry in ("sqlite:///registry.db", "mariadb://nowhere/registry", "no address"):
        found = open_workspace({"FOREVIEW_REGISTRY": registry}, home=workspace.home)
        assert found.actor == me
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)  # nobody has it
    assert open_workspace({}, home=workspace.home).actor == "rob"


def test_no_java_is_said_before_anything_happens(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foreview import engine
    from foreview.errors import EngineError

    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(EngineError) as caught:
        engine._check_java({"JAVA_HOME": str(tmp_path / "nowhere")})
    assert caught.value.problems[0].rule == "no-java"


def test_second_process_waits_and_names_the_first(workspace: Workspace) -> None:
    code = (
        "import sys, time; from pathlib import Path;"
        "sys.path.insert(0, 'tests'); from conftest import make_workspace;"
        f"w = make_workspace(Path({str(workspace.home.parent)!r}), 'foreview', 'first');"
        "lock = w.locked('promote', print); lock.__enter__(); print('held', flush=True);"
        "time.sleep(1.5)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        told: list[str] = []
        start = time.monotonic()
        with workspace.locked("submit", told.append):
            waited = time.monotonic() - start
    assert waited > 0.2
    assert "foreview promote of first" in told[0]


def test_help_needs_no_heavy_import() -> None:
    code = (
        "import sys; from foreview.cli import app;"
        "heavy = {'pyspark', 'dbt', 'pandas', 'sqlalchemy', 'openpyxl', 'pyarrow'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_every_command_has_an_example() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert "foreview " in (command.callback.__doc__ or ""), command.callback
