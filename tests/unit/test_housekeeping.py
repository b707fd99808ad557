"""Old files of tables that are written anew go; what a table holds and what is younger stays."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from networks import network_workspace, with_tables_folder

from conftest import PROJECT
from foreview import housekeeping
from foreview.housekeeping import remove_old_files, scenario_schemas
from foreview.loads import CALENDAR
from foreview.what_if import scenario_schema
from foreview.workspace import Workspace

DAY = 24 * 3600


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return with_tables_folder(network_workspace(tmp_path))


def written(folder: Path, *days_ago: int, kept: str = "") -> None:
    """Write a table as often, each state so many days ago."""
    import pyarrow as pa
    from deltalake import write_deltalake

    settings = {"delta.deletedFileRetentionDuration": kept} if kept else None
    for number, days in enumerate(days_ago):
        rows = pa.table({"number": pa.array([number], pa.int32())})
        write_deltalake(folder, rows, mode="overwrite", configuration=settings)
        age(folder, number, days)


def age(folder: Path, version: int, days: int) -> None:
    then = time.time() - days * DAY
    log = folder / "_delta_log" / f"{version:020}.json"
    lines = [json.loads(one) for one in log.read_text("utf-8").splitlines()]
    for line in lines:
        if "remove" in line:
            line["remove"]["deletionTimestamp"] = int(then * 1000)
        if "add" in line:
            os.utime(folder / line["add"]["path"], (then, then))
    log.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")


def files(folder: Path) -> set[Path]:
    return set(folder.glob("*.parquet"))


def held(folder: Path) -> Any:
    from deltalake import DeltaTable

    return DeltaTable(folder).to_pyarrow_table().to_pylist()


def test_old_files_of_the_calendar_go_and_its_rows_and_younger_files_stay(
    workspace: Workspace,
) -> None:
    folder = workspace.folder(CALENDAR, "landing")
    written(folder, 30, 20, 6, 1)  # the first two states ended 20 and 6 days ago
    before = files(folder)
    assert remove_old_files(workspace, is_dry=True) == {CALENDAR: 1}
    assert files(folder) == before
    assert remove_old_files(workspace) == {CALENDAR: 1}
    assert len(files(folder)) == 3
    assert held(folder) == [{"number": 3}]
    assert remove_old_files(workspace) == {}


def test_a_table_may_keep_its_files_longer_but_never_less_than_a_week(
    workspace: Workspace,
) -> None:
    longer, shorter = (
        workspace.folder(name, "landing") for name in (CALENDAR, housekeeping.PENDING_EDITS)
    )
    written(longer, 30, 20, kept="interval 30 days")
    written(shorter, 6, 5, kept="interval 0 hours")
    assert remove_old_files(workspace) == {}
    assert (len(files(longer)), len(files(shorter))) == (2, 2)


def test_versions_snapshots_publications_and_viewing_keep_all_their_files(
    workspace: Workspace,
) -> None:
    names = ("publications", "publication_contents", "channel_history", "fct_viewing")
    marts = ("audience_by_network_day__versions",)
    folders = [
        *(workspace.folder(one) for one in (*names, *marts)),
        *(workspace.folder(one, "landing") for one in ("viewing", "device", "erased_device")),
    ]
    for folder in folders:
        written(folder, 90, 60)
    assert remove_old_files(workspace) == {}
    assert [len(files(one)) for one in folders] == [2] * len(folders)
    checked = workspace.folder("publication_contents_found")
    written(checked, 90, 60)
    assert remove_old_files(workspace) == {"publication_contents_found": 1}
    assert held(checked) == [{"number": 1}]


def test_a_schema_that_an_engineer_made_is_not_taken_for_one_of_a_trial(
    workspace: Workspace,
) -> None:
    trials = [
        scenario_schema(workspace, ids, kind)
        for ids in (["0123456789abcdef"], ["0123456789abcdef", "fedcba9876543210"])
        for kind in housekeeping.KINDS
    ]
    own = ["foreview_promotion_stats", "foreview_what_if_0123456789abcdef_kept", "foreview"]
    databases = [SimpleNamespace(name=one) for one in (*own, *trials)]
    spark: Any = SimpleNamespace(catalog=SimpleNamespace(listDatabases=lambda: databases))
    assert scenario_schemas(workspace, spark) == trials
