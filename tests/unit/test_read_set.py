"""What a receipt says of the project's files: what decides figures is named when it changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import make_workspace, project_without
from foreview.impact_tables import mart_declarations, settings_read, sql_hash
from foreview.receipt import what_changed
from foreview.workspace import Workspace

MARTS = "models/audience/audience.yml"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a copy of the project's files."""
    found = make_workspace(tmp_path, "foreview")
    return replace(found, project=project_without(tmp_path / "project"))


def receipt(workspace: Workspace, figures: str = "f") -> dict[str, Any]:
    """Return a receipt by the files as they are now."""
    workspace = replace(workspace)  # reads them anew
    return {
        "base_release": 1,
        "horizon": {"last_day": "2026-04-07", "load_batch": 7},
        "contracts": {},
        "read_set": {
            "what_if_sql": sql_hash(workspace),
            "settings": settings_read(workspace),
            "mart_declarations": mart_declarations(workspace),
        },
        "touched": [10, 2, 300],
        "figures": {"mart": figures},
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("dbt_project.yml", "reach_seconds: 60", "reach_seconds: 30", "reach_seconds changed: 60"),
        ("dbt_project.yml", "airing_days: 7", "airing_days: 3", "The setting airing_days changed"),
        ("dbt_project.yml", '"05:00"', '"06:00"', "broadcast_day_start changed: 05:00 → 06:00."),
        ("dbt_project.yml", "America/New_York", "Europe/Berlin", "The setting broadcast_time_zone"),
        (MARTS, "scale: 4}", "scale: 5}", "The declaration of audience_by_channel_day changed"),
        ("models/staging/stg_channel.sql", "landing", "landed", "The SQL that computes what-ifs"),
        ("macros/audience/viewing_windows.sql", "'live+3', 3", "'live+3', 4", "The SQL that"),
    ],
)
def test_figures_that_move_otherwise_since_a_file_was_changed_have_their_cause(
    workspace: Workspace, file: str, old: str, new: str, told: str
) -> None:
    earlier = receipt(workspace)
    path = workspace.project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    cause, effect = what_changed(earlier, receipt(workspace, "g"))
    assert told in cause
    assert effect.startswith("It matters")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("dbt_project.yml", "smallest_count: 0", "smallest_count: 9"),
        ("dbt_project.yml", "restaters: []", "restaters: [rob]"),
        (MARTS, "description: Viewing records.", "description: Records of viewing."),
    ],
)
def test_a_file_that_decides_no_figure_changes_no_receipt(
    workspace: Workspace, file: str, old: str, new: str
) -> None:
    earlier = receipt(workspace)
    path = workspace.project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert receipt(workspace) == earlier


def test_a_scenario_is_no_setting_of_its_receipt(workspace: Workspace) -> None:
    assert (
        not {"change_sets", "promoting", "illustrate", "what_if_path"}
        & settings_read(workspace).keys()
    )


def test_a_receipt_of_a_version_that_kept_no_settings_is_not_said_to_have_changed(
    workspace: Workspace,
) -> None:
    earlier = receipt(workspace)
    del earlier["read_set"]["settings"], earlier["read_set"]["mart_declarations"]
    (told,) = what_changed(earlier, receipt(workspace))
    assert "Nothing it was computed from has changed" in told
