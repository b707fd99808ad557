"""The change feed: what a system finds, and how far each one has come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace, promote_recorded, run

from conftest import PROJECT, acting
from foreview import feed as feeds
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.errors import EngineError
from foreview.whole_files import file_hash
from foreview.workspace import Workspace

MOVED = {
    1: {},
    2: {"audience_by_network_day": 2, "audience_by_market_day": 1},
    3: {"audience_by_network_day": 1},
}
"""How many figures of which mart each release's publication moved; release 1 is the first load."""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    found = network_workspace(tmp_path)
    for key in ("ALFA", "BETA"):
        promote_recorded(found, renamed(found, key))

    def figures(_: Any, __: Any, mart: Any, publication: int) -> list[Any]:
        return [
            {"grain": {"number": one}, "before": {"seconds": 1}, "after": {"seconds": 2}}
            for one in range(MOVED[publication].get(mart["name"], 0))
        ]

    monkeypatch.setattr(feeds, "open_engines", lambda _: None)
    monkeypatch.setattr(feeds, "_figures", figures)
    return found


def renamed(workspace: Workspace, key: str) -> ChangeSet:
    contract = workspace.contract("network")
    state, _ = workspace.registry.approved_rows("network")
    identity = next(one for one in state if one[0] == key)
    edit = Edit(Action.CORRECT, identity, {"network_name": f"{key} TV"}, state[identity])
    changes = tuple(changes_of(contract, edit, state)[0])
    base = workspace.registry.latest_release()
    contracts = {"network": contract.hash}
    change_set = ChangeSet("ana", "renamed", "edit", base, "book.xlsx", "", contracts, changes)
    workspace.registry.record_change_set(change_set)
    return change_set


def fed(workspace: Workspace, system: str, folder: Path) -> Any:
    result = run(workspace, "feed", "--for", system, "-o", str(folder), "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def acknowledged(workspace: Workspace, system: str, release: int) -> Any:
    return run(workspace, "feed", "--for", system, "--acknowledge", str(release), "--json")


def lines(folder: Path) -> list[Any]:
    return [json.loads(one) for path in folder.glob("*.jsonl") for one in path.open()]


def test_a_mart_that_only_an_earlier_release_moved_is_not_read_as_the_later_ones(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "exchange"
    for release in (2, 3, 2):
        done = feeds.write_feed(workspace, release, folder)
        assert done.folder == folder / f"release-{release}"
        assert done.figures == sum(MOVED[release].values())
    assert sorted(one.name for one in folder.iterdir()) == ["release-2", "release-3"]
    for release in (2, 3):
        own = folder / f"release-{release}"
        manifest = json.loads((own / "manifest.json").read_text("utf-8"))
        assert (manifest["release"], manifest["publication"]) == (release, release)
        names = ["rows.jsonl", *(f"{mart}.jsonl" for mart in MOVED[release])]
        assert sorted(one["name"] for one in manifest["files"]) == sorted(names)
        assert sorted(one.name for one in own.iterdir()) == sorted([*names, "manifest.json"])
        for one in manifest["files"]:
            assert one["sha256"] == file_hash(own / one["name"])
            assert one["lines"] == len((own / one["name"]).read_text("utf-8").splitlines())
        assert {(one["release"], one["publication"]) for one in lines(own)} == {(release, release)}


def test_a_feed_that_is_interrupted_leaves_no_part_that_looks_whole(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = feeds.write_feed(workspace, 2, tmp_path).folder
    before = {one.name: one.read_bytes() for one in whole.iterdir()}
    write = feeds._write

    def full_disk(path: Path, found: Any) -> None:
        write(path, found)
        if path.name != "rows.jsonl":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(feeds, "_write", full_disk)
    for release in (2, 3):
        with pytest.raises(EngineError, match="Make room"):
            feeds.write_feed(workspace, release, tmp_path)
    assert {one.name: one.read_bytes() for one in whole.iterdir()} == before
    assert [one.name for one in tmp_path.glob("*release-*")] == ["release-2"]


def test_a_killed_feeds_leftovers_are_in_no_later_one(workspace: Workspace, tmp_path: Path) -> None:
    for end in ("partial", "old"):
        left = tmp_path / f".release-3.{end}"
        left.mkdir()
        (left / "audience_by_market_day.jsonl").write_text("{", "utf-8")
    own = feeds.write_feed(workspace, 3, tmp_path).folder
    assert not (own / "audience_by_market_day.jsonl").exists()
    assert [one.name for one in tmp_path.glob("*release-*")] == ["release-3"]


def test_a_row_says_who_all_approved_it(workspace: Workspace, tmp_path: Path) -> None:
    change_set = renamed(workspace, "007")
    checksum = "c" * 64
    workspace.registry.record_receipt(
        {
            "checksum": checksum,
            "change_set_ids": [change_set.id],
            "base_release": 3,
            "horizon_day": None,
            "horizon_batch": 0,
            "content": {"review": {"reviewers": 2}},
        },
        actor="ana",
    )
    for one in ("rob", "eve"):
        acting(workspace, one).registry.record_review(
            change_set.id, one, "approve", receipt_checksum=checksum, contracts={}
        )
    number = workspace.registry.begin_promotion([change_set.id], actor="rob")
    workspace.registry.record_release(
        number, [change_set.id], kind="promotion", publication=3, actor="rob"
    )
    feeds.write_feed(workspace, number, tmp_path)
    (row,) = map(json.loads, (tmp_path / f"release-{number}" / "rows.jsonl").open())
    assert (row["author"], row["reviewers"]) == ("ana", ["rob", "eve"])


def test_two_systems_each_get_what_they_have_not_taken_until_they_say_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    folders = {one: tmp_path / one for one in ("billing", "portal")}
    for _ in range(2):  # not acknowledged: the same one again
        assert fed(workspace, "billing", folders["billing"])["release"] == 1
    for release in (1, 2):
        assert fed(workspace, "billing", folders["billing"])["release"] == release
        assert acknowledged(workspace, "billing", release).exit_code == 0
    assert fed(workspace, "portal", folders["portal"])["release"] == 1
    assert fed(workspace, "billing", folders["billing"])["release"] == 3
    assert acknowledged(workspace, "billing", 3).exit_code == 0
    assert fed(workspace, "billing", folders["billing"]) == {"release": None}
    assert acknowledged(workspace, "portal", 1).exit_code == 0
    assert fed(workspace, "portal", folders["portal"])["release"] == 2
    taken = [(one.payload["system"], one.payload["release"]) for one in events(workspace)]
    assert taken == [("billing", 1), ("billing", 2), ("billing", 3), ("portal", 1)]


def events(workspace: Workspace) -> list[Any]:
    return workspace.registry.events(feeds.ACKNOWLEDGED)


def test_a_release_that_is_acknowledged_again_is_recorded_once_and_no_later_one_is_skipped(
    workspace: Workspace, tmp_path: Path
) -> None:
    for release in (1, 1, 2, 1):
        assert acknowledged(workspace, "billing", release).exit_code == 0
    assert [one.payload["release"] for one in events(workspace)] == [1, 2]
    assert fed(workspace, "billing", tmp_path)["release"] == 3


def test_what_was_not_taken_yet_or_is_not_there_cannot_be_acknowledged(
    workspace: Workspace, tmp_path: Path
) -> None:
    for release, rule in ((2, "feed-order"), (4, "unknown-release"), (0, "unknown-release")):
        result = acknowledged(workspace, "billing", release)
        assert result.exit_code == 1
        assert [one["rule"] for one in json.loads(result.stdout)["problems"]] == [rule]
    assert events(workspace) == []
    assert fed(workspace, "billing", tmp_path)["release"] == 1
    usage = run(workspace, "feed", "2", "--for", "billing")
    assert (usage.exit_code, run(workspace, "feed", "--acknowledge", "1").exit_code) == (2, 2)


@pytest.mark.parametrize("system", ["", " ", "billing team", "-", "x" * 65])
def test_no_system_without_a_name_is_said_to_have_taken_everything(
    workspace: Workspace, tmp_path: Path, system: str
) -> None:
    for more in ((), ("--acknowledge", "1")):
        result = run(workspace, "feed", f"--for={system}", *more, "-o", str(tmp_path), "--json")
        assert result.exit_code == 1
        assert [one["rule"] for one in json.loads(result.stdout)["problems"]] == ["system-name"]
    assert events(workspace) == []
    assert list(tmp_path.glob("release-*")) == []
