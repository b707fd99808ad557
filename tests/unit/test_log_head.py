"""The end of the log of events: what a workspace has seen can't be cut off unseen."""

import sqlite3
from pathlib import Path

import pytest

from conftest import make_workspace
from foreview.log_head import check_head, keep_head
from foreview.past import NOTED, note_publications


def test_last_events_that_are_cut_off_are_told_also_when_they_recorded_nothing_else(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path, "head")
    for release in (1, 2, 3):
        workspace.registry.record_event("ana", "feed-acknowledged", {"release": release})
    assert list(check_head(workspace)) == []
    keep_head(workspace)
    assert list(check_head(workspace)) == []
    with sqlite3.connect(workspace.home / "registry.db") as database:
        triggers = database.execute("select name from sqlite_master where type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f"drop trigger {name}")
        database.execute("delete from events where sequence = 3")
    (problem,) = check_head(workspace)
    assert (problem.rule, problem.where) == ("event-log", "events")
    assert "Event 3" in problem.message
    workspace.registry.record_event("ana", "feed-acknowledged", {"release": 3})  # in its place
    keep_head(workspace)
    assert list(check_head(workspace)) == [problem]
    for release in (4, 5):
        workspace.registry.record_event("ana", "feed-acknowledged", {"release": release})
        keep_head(workspace)
    assert list(check_head(workspace)) == [problem], "what was cut off stays told"


def test_a_log_that_only_went_on_is_whole(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, "head")
    keep_head(workspace)
    workspace.registry.record_event("ana", "feed-acknowledged", {"release": 1})
    keep_head(workspace)
    workspace.registry.record_event("eve", "feed-acknowledged", {"release": 2})
    assert list(check_head(workspace)) == []


def test_a_publication_that_moved_nothing_is_noted_once_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path, "head")
    tables = {"publication_contents": [], "publications": [{"number": 1, "release": 1}]}
    monkeypatch.setattr("foreview.past.delta_rows", lambda folder: tables[folder.name])
    for _ in range(2):
        note_publications(workspace)
    (noted,) = workspace.registry.events(NOTED)
    assert noted.payload["number"] == 1
    assert noted.payload["row"]
