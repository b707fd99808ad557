"""Thresholds: when more people have to agree, and that one person can't be two of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace, with_tables_folder
from test_report import figure, mart

from conftest import PROJECT, acting
from foreview.approval import approve
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.contract import Contract, load_contracts
from foreview.errors import RefusedError
from foreview.impact import Impact, RankChange
from foreview.receipt import checked_thresholds, record_receipt
from foreview.thresholds import Threshold, crossed, parse_threshold
from foreview.workspace import Workspace

NETWORK = "audience_by_network_day"


def impact_of(*marts: Any, change_sets: Any = ()) -> Impact:
    return Impact(change_sets, 1, "2026-04-05", 1, {}, marts, 1, 1, 1, {}, "c" * 64)


@pytest.mark.parametrize(
    ("declared", "is_reached"),
    [
        ({"absolute": 100}, True),
        ({"absolute": 101}, False),
        ({"relative": 0.1}, True),
        ({"relative": 0.11}, False),
        ({"relative": 0.01, "measure": "sessions"}, False),  # they do not move
        ({"absolute": 1, "measure": "seconds"}, True),
        ({"absolute": 1, "product": "another"}, False),
        ({"absolute": 1, "market": "M1"}, False),  # the mart has no markets
        ({"absolute": 0.02, "measure": "share"}, True),  # from 0.25 to 0.275
        ({"absolute": 0.03, "measure": "share"}, False),
        ({"relative": 0.1, "measure": "share"}, True),
        ({"relative": 0.11, "measure": "share"}, False),
        ({"rank": 2}, False),
        ({"rank": 3}, True),
    ],
)
def test_a_threshold_is_reached_by_a_figure_that_moves_enough(
    declared: dict[str, Any], is_reached: bool
) -> None:
    moved = replace(
        mart(figure("2026-04-01", "ABC", 1000, 1100)),
        rank_changes=(RankChange(("2026-04-01", "ABC"), 5, 3),),
    )
    threshold = parse_threshold({"reviewers": 2, **declared})
    assert bool(crossed(impact_of(moved), [threshold])) == is_reached


@pytest.mark.parametrize(("market", "is_reached"), [("M1", True), ("M2", False)])
@pytest.mark.parametrize("limit", [{"absolute": 100}, {"rank": 3}])
def test_a_threshold_of_a_market_is_reached_by_a_figure_or_a_place_of_that_market(
    limit: dict[str, Any], market: str, is_reached: bool
) -> None:
    moved = replace(
        mart(figure("2026-04-01", "M1", 1000, 1100)),
        grain=("viewing_date", "market_id"),
        rank_changes=(RankChange(("2026-04-01", "M1"), None, 3),),
    )
    threshold = parse_threshold({"reviewers": 2, "market": market, **limit})
    assert bool(crossed(impact_of(moved), [threshold])) == is_reached


def test_a_client_stands_for_the_marts_that_it_uses() -> None:
    moved = impact_of(mart(figure("2026-04-01", "ABC", 1000, 1100)))
    for client, is_reached in (("ratings", True), ("weekly", False)):
        threshold = parse_threshold({"reviewers": 2, "client": client, "absolute": 1})
        products = {"ratings": {moved.marts[0].name, "another"}, "weekly": {"another"}}
        assert bool(crossed(moved, [threshold], products)) == is_reached
        with pytest.raises(KeyError, match=client):
            crossed(moved, [threshold], {"nobody": set()})


def test_a_share_that_moves_with_its_total_alone_reaches_a_threshold_of_the_share_only() -> None:
    moved = impact_of(mart(figure("2026-04-01", "ABC", 1000, 1000, tv=5000)))
    for measure, is_reached in (("share", True), ("seconds", False), ("*", False)):
        threshold = parse_threshold({"reviewers": 2, "measure": measure, "relative": 0.1})
        assert bool(crossed(moved, [threshold])) == is_reached


@pytest.mark.parametrize(
    ("declared", "message", "fix"),
    [
        ({"product": "audience_by_netwrok_day"}, "no report 'audience_by_netwrok_day'", NETWORK),
        ({"measure": "secnods"}, "no measure 'secnods'", "weighted_seconds"),
        ({"measure": "rating", "product": NETWORK}, "no measure 'rating'", "average_audience"),
        ({"market": "NYX"}, "no market 'NYX'", "(none)"),
        ({"market": "(none)", "product": NETWORK}, "is of one market", "audience_by_market_day"),
        ({"client": "weekly_market_report", "product": NETWORK}, "does not use", "market_week"),
        ({"client": "nobody"}, "which is no exposure", "network_ratings"),
        ({"rank": 500}, "told down to 100 only", "most_ranks"),
        ({"rank": 10, "product": "audience_by_channel_minute"}, "has no places", NETWORK),
        ({"rank": 10, "measure": "reach"}, "places are by seconds, not by reach", "of its own"),
    ],
)
def test_a_threshold_that_no_figure_can_reach_is_told_with_what_to_write(
    tmp_path: Path, declared: dict[str, Any], message: str, fix: str
) -> None:
    threshold = parse_threshold({"reviewers": 2, "absolute": 1, **declared})
    workspace = with_rules(network_workspace(tmp_path), "ana", thresholds=(threshold,))
    with pytest.raises(RefusedError) as caught:
        checked_thresholds(workspace, [renaming(workspace)])
    (problem,) = caught.value.problems
    assert message in problem.message
    assert fix in problem.fix


def test_thresholds_that_name_what_there_is_are_taken(tmp_path: Path) -> None:
    declared: list[dict[str, Any]] = [
        {"product": NETWORK, "measure": "share", "relative": 0.05},
        {"market": "(none)", "measure": "reach", "absolute": 1},
        {"client": "weekly_market_report", "rank": 100},
        {"rank": 10, "measure": "seconds"},
    ]
    thresholds = tuple(parse_threshold({"reviewers": 2, **one}) for one in declared)
    workspace = with_rules(network_workspace(tmp_path), "ana", thresholds=thresholds)
    found, clients = checked_thresholds(workspace, [renaming(workspace)])
    assert tuple(found) == thresholds
    assert "audience_by_market_week" in clients["weekly_market_report"]


def test_a_figure_that_appears_moves_by_any_share() -> None:
    new = mart(figure("2026-04-01", "ABC", None, 1))
    assert crossed(impact_of(new), [Threshold(2, relative=Decimal(5))])


@pytest.mark.parametrize(
    "declared",
    [
        {"reviewers": 2},
        {"absolute": 1},
        {"reviewers": 1, "rank": 1},
        {"reviewers": 2, "rank": 0},
        {"reviewers": 2, "clent": 1},
    ],
)
def test_a_threshold_that_says_nothing_is_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="threshold"):
        parse_threshold(declared)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("thresholds: [{relative: 5%, reviewers: 2}]", "relative: 5% is no number: write 0.05"),
        ('thresholds: [{absolute: "1,000,000", reviewers: 2}]', "absolute: 1,000,000 is no number"),
        ("thresholds: [{relative: .nan, reviewers: 2}]", "relative: nan is no number"),
        ("thresholds: [{absolute: .inf, reviewers: 2}]", "absolute: inf is no number"),
        ("thresholds: [{absolute: , reviewers: 2}]", "absolute: None is no number"),
        ("thresholds: [{rank: ten, reviewers: 2}]", "rank: ten is no number"),
        ("thresholds: [{rank: 1.5, reviewers: 2}]", "rank: 1.5 is no whole number"),
        ("thresholds: [{rank: 1, reviewers: [rob, eve]}]", "reviewers: ['rob', 'eve'] is no numb"),
        ("thresholds: [{rank: 1, market: , reviewers: 2}]", "a threshold's market is empty"),
        ("thresholds: [{rank: 1, 5: 6}]", "not supported"),
        ("thresholds: [{relative: 2026-04-01, reviewers: 2}]", "type date"),
        ("thresholds: [relative]", "'relative' is no threshold"),
        ("thresholds: {relative: 0.05, reviewers: 2}", "thresholds is no list"),
        ("thresholds: 5", "thresholds is no list"),
        ("tolerance: 0.1%", "tolerance: 0.1% is no number"),
        ("tolerance: .nan", "tolerance: nan is no number"),
        ("tolerance: 1", "is no share"),
    ],
)
def test_rules_that_can_not_be_read_are_refused_with_their_file(
    tmp_path: Path, rule: str, message: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        contract_with(tmp_path, rule)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.where) == ("table-rules", "models/staging/network_group.yml")
    assert message in problem.message


def contract_with(tmp_path: Path, rule: str) -> Contract:
    """Return a table's contract to which a rule is added."""
    staging = tmp_path / "models" / "staging"
    staging.mkdir(parents=True)
    text = (PROJECT / "models" / "staging" / "network_group.yml").read_text(encoding="utf-8")
    line = "          storage: seed\n"
    assert line in text
    text = text.replace(line, f"{line}          {rule}\n")
    (staging / "network_group.yml").write_text(text, encoding="utf-8")
    return load_contracts(tmp_path)["network_group"]


def test_names_and_places_may_be_written_with_quotes_or_without(tmp_path: Path) -> None:
    rule = 'thresholds: [{market: 501, rank: "10", relative: 0.0004, reviewers: "2"}]'
    (found,) = contract_with(tmp_path, rule).thresholds
    assert found == Threshold(2, market="501", rank=10, relative=Decimal("0.0004"))
    assert found.told() == "501 moves by 0.04% or more or among the first 10"
    assert contract_with(tmp_path / "empty", "thresholds:").thresholds == ()


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"relative": 0.05}, "5%"),
        ({"relative": 0.1}, "10%"),
        ({"relative": "0.12345"}, "12.345%"),
        ({"relative": 2}, "200%"),
        ({"absolute": 1_000_000}, "1,000,000"),
        ({"absolute": "1e6"}, "1,000,000"),
        ({"absolute": 0.01}, "0.01"),
    ],
)
def test_limits_are_told_as_they_are_meant(declared: dict[str, Any], told: str) -> None:
    threshold = parse_threshold({"reviewers": 2, **declared})
    assert threshold.told() == f"any figure moves by {told} or more"


def with_rules(workspace: Workspace, actor: str, **rules: Any) -> Workspace:
    contracts: dict[str, Contract] = dict(workspace.contracts)
    contracts["network"] = replace(contracts["network"], **rules)
    found = acting(workspace, actor)
    vars(found)["contracts"] = contracts
    return found


def renaming(workspace: Workspace) -> ChangeSet:
    """Return a change set that isn't recorded."""
    contract = workspace.contract("network")
    state, _ = workspace.registry.approved_rows("network")
    identity = min(state)
    edit = Edit(Action.CORRECT, identity, {"network_name": "another"}, state[identity])
    changes = tuple(changes_of(contract, edit, state)[0])
    return ChangeSet("ana", "x", "edit", 1, "b.xlsx", "", {"network": contract.hash}, changes)


def renamed(workspace: Workspace) -> ChangeSet:
    change_set = renaming(workspace)
    workspace.registry.record_change_set(change_set)
    return change_set


def test_past_a_threshold_two_others_have_to_agree_to_one_preview(tmp_path: Path) -> None:
    plain = with_tables_folder(network_workspace(tmp_path))
    ana, rob, capital, eve = (
        with_rules(plain, name, thresholds=(Threshold(2, absolute=Decimal(50)),))
        for name in ("ana", "rob", "ROB", "eve")
    )
    change_set = renamed(ana)
    status = ana.registry.status
    moved = mart(figure("2026-04-01", "ABC", 1000, 1100))
    record_receipt(ana, impact_of(moved, change_sets=(change_set,)))
    assert approve(rob, change_set.id).decision == "agree"
    assert status(change_set.id) == "pending"
    with pytest.raises(RefusedError, match="agreed to change request"):
        approve(capital, change_set.id)
    with pytest.raises(RefusedError, match="can't approve it too"):
        approve(ana, change_set.id)
    other = replace(impact_of(moved, change_sets=(change_set,)), checksum="d" * 64)
    record_receipt(ana, other)  # a newer preview: what was agreed to was another
    assert approve(eve, change_set.id).decision == "agree"
    assert approve(rob, change_set.id).decision == "approve"
    assert status(change_set.id) == "approved"


def test_only_those_whom_the_rules_name_approve(tmp_path: Path) -> None:
    plain = network_workspace(tmp_path)
    rob, eve = (with_rules(plain, name, reviewers=("eve",)) for name in ("rob", "eve"))
    change_set = renamed(plain)
    record_receipt(plain, impact_of(change_sets=(change_set,)))
    with pytest.raises(RefusedError, match="Ask one of: eve"):
        approve(rob, change_set.id)
    assert approve(eve, change_set.id).decision == "approve"
