"""Scheduled promotions, and approving at once what moves no figure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace, run, server_of, with_tables_folder
from test_report import figure, mart
from test_thresholds import impact_of, renamed, renaming

from conftest import PROJECT, acting
from foreview.approval import approve, note_void, without_impact
from foreview.changes import ChangeSet, Kind
from foreview.errors import EngineError, ForeviewError, Problem, RefusedError
from foreview.impact import Impact
from foreview.promotion import promote
from foreview.receipt import record_receipt
from foreview.registry import Release
from foreview.schedule import due, schedule, scheduled
from foreview.workspace import Workspace


@pytest.fixture(params=["file", "server"])
def workspace(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return with_tables_folder(network_workspace(tmp_path, server_of(request)))


def at(workspace: Workspace, hour: int) -> Workspace:
    return replace(workspace, clock=lambda: datetime(2026, 5, 1, hour, tzinfo=UTC))


def approved(workspace: Workspace, reason: str = "x") -> str:
    change_set = replace(renaming(workspace), reason=reason)
    workspace.registry.record_change_set(change_set)
    record_receipt(workspace, impact_for(change_set))
    approve(acting(workspace, "rob"), change_set.id)
    return change_set.id


def impact_for(change_set: ChangeSet, *marts: Any) -> Impact:
    """Return an impact whose checksum no other change set's has."""
    checksum = change_set.id.ljust(64, "0")
    return replace(impact_of(*marts, change_sets=(change_set,)), checksum=checksum)


def test_a_scheduled_promotion_is_embargoed_until_it_is_due(workspace: Workspace) -> None:
    id_ = approved(workspace)
    assert schedule(at(workspace, 6), id_, "2026-05-01T08:00") == "2026-05-01T08:00:00+00:00"
    with pytest.raises(RefusedError, match="not to be seen before 2026-05-01 08:00 UTC"):
        promote(at(workspace, 7), id_)
    assert due(at(workspace, 7)) == []
    assert due(at(workspace, 8)) == [id_]
    schedule(at(workspace, 8), id_, "2026-05-01T11:00+01:00")
    assert list(scheduled(workspace).values()) == [datetime(2026, 5, 1, 10, tzinfo=UTC)]
    assert (due(at(workspace, 9)), due(at(workspace, 10))) == ([], [id_])
    assert f"Scheduled: {id_} at 2026-05-01T10:00 UTC" in run(workspace, "status").stdout
    registry = acting(workspace, "rob").registry
    number = registry.begin_promotion([id_], actor="rob")
    registry.record_release(number, [id_], kind="promotion", publication=2, actor="rob")
    assert due(at(workspace, 11)) == []


def test_only_approved_change_sets_are_scheduled_and_for_later(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    with pytest.raises(RefusedError, match="not approved"):
        schedule(at(workspace, 6), change_set.id, "2026-05-01T08:00")
    record_receipt(workspace, impact_of(change_sets=(change_set,)))
    approve(acting(workspace, "rob"), change_set.id)
    with pytest.raises(RefusedError, match="has passed"):
        schedule(at(workspace, 6), change_set.id, "2026-05-01T05:00")
    for wrong in ("tomorrow", "9999-12-31T23:59-01:00"):  # in UTC there is no such year
        with pytest.raises(RefusedError, match="no instant"):
            schedule(at(workspace, 6), change_set.id, wrong)


def test_what_is_being_promoted_or_void_is_not_scheduled(workspace: Workspace) -> None:
    later = "2026-05-01T08:00"
    id_ = approved(workspace)
    registry = acting(workspace, "rob").registry
    number = registry.begin_promotion([id_], actor="rob")
    with pytest.raises(RefusedError, match="was interrupted") as caught:
        schedule(at(workspace, 6), id_, later)
    assert "foreview promote --resume" in caught.value.problems[0].fix
    registry.abandon_promotion(number, actor="rob")
    note_void(acting(workspace, "rob"), registry.change_set(id_), ["It changed."])
    with pytest.raises(RefusedError, match="was found void"):
        schedule(at(workspace, 6), id_, later)
    assert scheduled(workspace) == {}


@pytest.mark.parametrize("moves", [False, True])
def test_what_moves_no_figure_is_approved_at_once_but_not_by_its_author(
    workspace: Workspace, moves: bool
) -> None:
    change_set = renamed(workspace)
    moved: Any = [mart(figure("2026-04-01", "ABC", 1000, 1100))] if moves else [mart()]
    record_receipt(workspace, impact_of(*moved, change_sets=(change_set,)))
    rob = acting(workspace, "rob")
    assert without_impact(workspace) == []
    assert without_impact(rob) == ([] if moves else [change_set.id])
    result = run(workspace, "approve", "--without-impact", "--as", "rob", "--json")
    assert json.loads(result.stdout) == ([] if moves else [change_set.id])
    assert run(workspace, "approve", "--without-impact", "--by-rule").exit_code == 2
    assert workspace.registry.status(change_set.id) == ("pending" if moves else "approved")


def test_an_edit_that_begins_later_is_not_taken_for_one_without_impact(
    workspace: Workspace,
) -> None:
    plain = renaming(workspace)
    row = {**workspace.registry.approved_rows("network")[0][plain.changes[0].identity]}
    later = {**row, "network_name": "later", "valid_from": "2026-04-06"}
    (before,) = plain.changes
    changes = (
        replace(before, before={"valid_to": None}, after={"valid_to": "2026-04-06"}),
        replace(before, kind=Kind.ADDED, identity=(before.identity[0], "2026-04-06"), after=later),
    )
    change_set = replace(plain, changes=changes)
    workspace.registry.record_change_set(change_set)
    impact = impact_for(change_set, mart())
    record_receipt(workspace, impact)  # viewing to 5 April
    rob = acting(workspace, "rob")
    assert without_impact(rob) == []
    seen = replace(impact, horizon_day="2026-04-06", checksum="d" * 64)
    record_receipt(workspace, seen)
    assert without_impact(rob) == [change_set.id]


def test_one_that_may_not_be_approved_keeps_no_other_without_impact_waiting(
    workspace: Workspace,
) -> None:
    ids = []
    for reason in ("first", "second", "third"):
        change_set = replace(renaming(workspace), reason=reason)
        workspace.registry.record_change_set(change_set)
        impact = impact_for(change_set, mart())
        rules = {"network": "as it was"} if reason == "second" else {}
        record_receipt(workspace, replace(impact, contracts=rules))
        ids.append(change_set.id)
    before = workspace.registry.events()
    listed = json.loads(run(workspace, "list", "--without-impact", "--as", "rob", "--json").stdout)
    assert [one["id"] for one in listed] == ids
    assert workspace.registry.events() == before
    assert run(workspace, "list", "--without-impact", "--as", "ana").stdout == ("There are none.\n")
    result = run(workspace, "approve", "--without-impact", "--as", "rob", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["done"] == [ids[0], ids[2]]
    (problem,) = document["problems"]
    assert f"{ids[1]}: The rules of network changed" in problem["message"]
    statuses = [workspace.registry.status(one) for one in ids]
    assert statuses == ["approved", "pending", "approved"]


@pytest.fixture
def three_due(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three change requests that are due, of which the engine promotes what `outcomes` allows."""
    ids = [approved(workspace, name) for name in ("first", "second", "third")]
    for hour, one in enumerate(ids, 6):
        schedule(at(workspace, 5), one, f"2026-05-01T{hour:02}:00")
    monkeypatch.setattr("foreview.promotion.due", lambda _: due(at(workspace, 12)))
    monkeypatch.delenv("FOREVIEW_STORE", raising=False)
    return ids


def promoting(monkeypatch: pytest.MonkeyPatch, **errors: ForeviewError) -> list[str]:
    """Let promotions of these change sets fail, and others go well; return which were tried."""
    tried: list[str] = []

    def promoted(workspace: Workspace, id_: str, *, progress: Any = None) -> Release:
        tried.append(id_)
        if f"_{id_}" in errors:
            raise errors[f"_{id_}"]
        return Release(len(tried) + 1, len(tried) + 1, "promotion", "rob", "", (id_,))

    monkeypatch.setattr("foreview.promotion.promote", promoted)
    return tried


def test_a_due_promotion_that_is_refused_keeps_no_later_one_waiting(
    workspace: Workspace, three_due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, third = three_due
    void = RefusedError(Problem("approval-void", "A figure moves otherwise.", fix="Look again."))
    old = RefusedError(Problem("conflict", "The cell changed.", "Network!C5", fix="Refresh."))
    tried = promoting(monkeypatch, **{f"_{first}": void, f"_{third}": old})
    built: list[bool] = []
    monkeypatch.setenv("FOREVIEW_STORE", "mariadb://nowhere/store")
    monkeypatch.setattr("foreview.store.bring_up", lambda _: built.append(True))
    result = run(workspace, "promote", "--due", "--as", "rob")
    assert tried == three_due
    assert result.exit_code == 1
    assert "Reference version 3 is in effect" in result.stdout
    assert f"{first}: A figure moves otherwise. [approval-void]" in result.stderr
    assert f"{third}: The cell changed. [conflict]" in result.stderr
    assert built == [True]
    document = json.loads(run(workspace, "promote", "--due", "--as", "rob", "--json").stdout)
    assert [one["rule"] for one in document["problems"]] == ["approval-void", "conflict"]
    assert [one["release"] for one in document["done"]] == [6]


def test_an_engine_that_fails_ends_the_run_but_what_was_promoted_is_told(
    workspace: Workspace, three_due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    down = EngineError(Problem("spark-failed", "No memory.", fix="Get some."))
    tried = promoting(monkeypatch, **{f"_{three_due[1]}": down})
    result = run(workspace, "promote", "--due", "--as", "rob")
    assert tried == three_due[:2]
    assert result.exit_code == 3
    assert "Reference version 2 is in effect" in result.stdout
    assert f"{three_due[1]}: No memory. [spark-failed]" in result.stderr


def test_a_store_that_fails_hides_no_refusal_of_what_was_due(
    workspace: Workspace, three_due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    promoting(monkeypatch, **{f"_{three_due[0]}": RefusedError(Problem("conflict", "Changed."))})

    def fails(_: Workspace) -> None:
        raise EngineError(Problem("store-failed", "The store is down."))

    monkeypatch.setenv("FOREVIEW_STORE", "mariadb://nowhere/store")
    monkeypatch.setattr("foreview.store.bring_up", fails)
    result = run(workspace, "promote", "--due", "--as", "rob")
    assert result.exit_code == 3
    assert "Reference version 3 is in effect" in result.stdout
    assert "[conflict]" in result.stderr
    assert "[store-failed]" in result.stderr
