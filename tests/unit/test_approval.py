"""Approvals: what voids one, and that it can be given anew."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace, run, with_tables_folder
from test_report import figure, mart
from test_thresholds import NETWORK, impact_of, renamed, renaming, with_rules

from conftest import PROJECT, acting
from foreview.approval import _moved_otherwise, approve, current_receipt, refuse_void
from foreview.cli.review import _next_steps
from foreview.clients import read_clients
from foreview.errors import RefusedError
from foreview.impact import Impact
from foreview.impact_tables import calendar_hash, clients_read
from foreview.promotion import _other_values, promote, promote_due
from foreview.receipt import digest, record_receipt
from foreview.thresholds import Threshold
from foreview.workspace import Workspace

SEEN = figure("2026-04-01", "ABC", 1000, 1100)
WEEK = "audience_by_market_week"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return with_tables_folder(network_workspace(tmp_path))


def otherwise(workspace: Workspace, approved: Impact, now: Impact) -> list[Any]:
    record_receipt(workspace, approved)
    receipt = workspace.registry.receipt(approved.checksum)
    assert receipt is not None
    (change_set,) = approved.change_sets
    return [one[1:] for one in _moved_otherwise(workspace, change_set, receipt, now)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ([SEEN], []),
        ([SEEN, figure("2026-04-06", "ABC", 10, 20)], []),  # after the horizon, 5 April
        ([figure("2026-04-01", "ABC", 1500, 1600)], []),  # moves as approved, from elsewhere
        ([figure("2026-04-01", "ABC", 1000, 1101)], [("seconds", 100, 101)]),
        ([], [("seconds", 100, 0)]),
        ([SEEN, figure("2026-04-05", "FOX", None, 7)], None),
    ],
)
def test_a_figure_that_was_seen_and_moves_otherwise_voids(
    workspace: Workspace, now: list[Any], expected: Any
) -> None:
    change_set = renamed(workspace)
    found = otherwise(
        workspace,
        impact_of(mart(SEEN), change_sets=(change_set,)),
        impact_of(mart(*now), change_sets=(change_set,)),
    )
    if expected is None:  # a figure that nobody saw, on a day that was looked at
        assert {one[0] for one in found} == {("2026-04-05", "FOX")}
    else:
        assert [one for _, *one in found if one[0] == "seconds"] == list(map(list, expected))


@pytest.mark.parametrize("appears", [True, False])
def test_viewing_of_others_that_came_in_voids_no_figure_that_appears_or_disappears_as_approved(
    workspace: Workspace, appears: bool
) -> None:
    def moved(tv: int, seconds: int = 100) -> Impact:
        new = figure("2026-04-01", "NEW", None, seconds, tv=tv)
        old = replace(new, change="removed", before=new.after, after={})
        return impact_of(mart(new if appears else old), change_sets=(change_set,))

    change_set = renamed(workspace)
    assert otherwise(workspace, moved(4000), moved(5000)) == []
    sign = 1 if appears else -1
    assert otherwise(workspace, moved(4000), moved(5000, 101)) == [
        (("2026-04-01", "NEW"), "seconds", 100 * sign, 101 * sign)
    ]
    if appears:  # a late record of its own makes it be there before
        there = figure("2026-04-01", "NEW", 1, 101, tv=5001)
        there = replace(there, before={**there.before, "reach": 0, "sessions": 0})
        impact = impact_of(mart(there), change_sets=(change_set,))
        assert otherwise(workspace, moved(4000), impact) == []
    (*_, total) = otherwise(workspace, moved(4000), impact_of(mart(), change_sets=(change_set,)))
    assert total == (("2026-04-01", "NEW"), "tv_seconds", 4000 * sign, 0)  # it no longer moves


@pytest.mark.parametrize(
    ("tolerance", "is_void"), [("0", True), ("0.0009", True), ("0.001", False)]
)
def test_a_tables_tolerance_is_a_share_of_the_figure(
    workspace: Workspace, tolerance: str, is_void: bool
) -> None:
    lenient = with_rules(workspace, "ana", tolerance=Decimal(tolerance))
    change_set = renamed(lenient)
    before = impact_of(mart(SEEN), change_sets=(change_set,))
    now = impact_of(mart(figure("2026-04-01", "ABC", 1000, 1101)), change_sets=(change_set,))
    assert bool(otherwise(lenient, before, now)) == is_void


@pytest.mark.parametrize(("monday", "is_void"), [("2026-03-30", True), ("2026-04-06", False)])
def test_a_week_counts_once_its_last_day_was_seen(
    workspace: Workspace, monday: str, is_void: bool
) -> None:
    change_set = renamed(workspace)
    before = impact_of(mart(name=WEEK), change_sets=(change_set,))
    week = mart(figure(monday, "ABC", 1, 2), name=WEEK)
    now = impact_of(week, change_sets=(change_set,))
    assert bool(otherwise(workspace, before, now)) == is_void


def test_what_was_approved_is_approved_again_only_as_something_else(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    rob = acting(workspace, "rob")
    impact = impact_of(mart(SEEN), change_sets=(change_set,))
    record_receipt(workspace, impact)
    approve(rob, change_set.id)
    with pytest.raises(RefusedError, match="can't be approved any more"):
        approve(rob, change_set.id)
    record_receipt(workspace, replace(impact, checksum="d" * 64))
    again = approve(rob, change_set.id)
    assert workspace.registry.approval(change_set.id) == again
    assert again.receipt_checksum == "d" * 64


def test_rules_that_changed_since_the_preview_ask_for_another_preview(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    rob = acting(workspace, "rob")
    old = replace(impact_of(change_sets=(change_set,)), contracts={"network": "another"})
    record_receipt(workspace, old)
    with pytest.raises(RefusedError, match="rules of network changed since the preview"):
        approve(rob, change_set.id)
    rules = {"network": workspace.contract("network").hash}
    record_receipt(workspace, replace(old, contracts=rules, checksum="e" * 64))
    assert approve(rob, change_set.id).contracts == rules


READ = {"publication": 1, "device_load": "None"}


@pytest.fixture
def previewed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Previewed:
    """A change request that rob approved, which is previewed anew without an engine."""
    change_set = renamed(workspace)
    rules = {"network": workspace.contract("network").hash}
    read = READ | {"calendar": calendar_hash(workspace)}
    first = impact_of(mart(SEEN), change_sets=(change_set,))
    first = replace(first, contracts=rules, read_set=read)
    found = Previewed(replace(first, read_set=read | {"publication": 2}, checksum="d" * 64))
    record_receipt(workspace, first)
    approve(acting(workspace, "rob"), change_set.id)
    monkeypatch.setattr("foreview.approval.open_engines", lambda _: None)
    monkeypatch.setattr(
        "foreview.approval.newest_publication", lambda *_: {"number": found.publication}
    )
    monkeypatch.setattr("foreview.what_if.preview", lambda *_, **__: found.now)
    monkeypatch.setattr("foreview.promotion.resume", lambda *_, **__: pytest.fail("it went on"))
    return found


@dataclass
class Previewed:
    """What the next preview comes to, and what readers see."""

    now: Impact
    publication: int = 2

    @property
    def id(self) -> str:
        return self.now.change_sets[0].id


def events(workspace: Workspace, kind: str) -> list[Any]:
    return [one.payload for one in workspace.registry.events(kind)]


def test_figures_that_move_otherwise_stop_the_promotion_and_it_says_what_changed(
    workspace: Workspace, previewed: Previewed
) -> None:
    rob = acting(workspace, "rob")
    other = mart(figure("2026-04-01", "ABC", 1000, 1101))
    previewed.now = replace(previewed.now, marts=(other,))
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            promote(rob, previewed.id)
        assert workspace.registry.unfinished_promotion() is None
    figures, last = caught.value.problems[0], caught.value.problems[-1]
    assert {one.rule for one in caught.value.problems} == {"approval-void"}
    assert "approved to move by +100, and would move by +101 now" in figures.message
    assert "The publication of the figures changed: 1 → 2." in last.message
    assert f"foreview approve {previewed.id} --preview" in last.fix
    (noted,) = events(workspace, "approval-voided")
    assert noted["change_set"] == previewed.id
    assert "The publication of the figures changed" in noted["changed"][0]


def test_values_that_are_not_those_of_the_preview_are_named() -> None:
    then, now = (
        {("2026-04-01", "FOX"): {"seconds": (Decimal(1), Decimal(one))}} for one in (2000, 3)
    )
    (told,) = _other_values(mart(), then, now)
    assert "2026-04-01, FOX: seconds was previewed to move from 1 to 2,000" in told
    assert "it moves from 1 to 3." in told
    assert list(_other_values(mart(), now, now)) == []


def test_rules_that_changed_stop_the_promotion(workspace: Workspace, previewed: Previewed) -> None:
    previewed.publication = 1  # nothing else changed
    rob = with_rules(workspace, "rob", hash="another")
    with pytest.raises(RefusedError, match="rules of the table network changed since") as caught:
        promote(rob, previewed.id)
    assert f"foreview approve {previewed.id} --preview" in caught.value.problems[0].fix
    assert list(workspace.registry.voided()) == [previewed.id]
    assert current_receipt(acting(workspace, "rob"), renaming(workspace)).checksum == "c" * 64
    assert workspace.registry.voided() == {}  # the rules are as they were


def test_a_void_approval_is_listed_as_void_until_it_is_given_anew(
    workspace: Workspace, previewed: Previewed
) -> None:
    assert "  approved " in run(workspace, "list").stdout
    previewed.now = replace(previewed.now, marts=(mart(),))
    with pytest.raises(RefusedError):
        promote(acting(workspace, "rob"), previewed.id)
    assert f"{previewed.id}  void " in run(workspace, "list").stdout
    assert f"the approval of {previewed.id}" in run(workspace, "status").stdout
    (listed,) = json.loads(run(workspace, "list", "--json").stdout)
    assert listed["void_since"] is not None
    assert listed["status"] == "approved"
    with pytest.raises(RefusedError, match="was found void"):
        refuse_void(workspace, previewed.id)
    with pytest.raises(RefusedError, match="was found void"):
        approve(acting(workspace, "rob"), previewed.id)  # of what the promotion found, unseen
    approve(acting(workspace, "rob"), previewed.id, preview="d" * 8)
    assert f"{previewed.id}  approved " in run(workspace, "list").stdout
    assert workspace.registry.voided() == {}
    refuse_void(workspace, previewed.id)


def test_what_is_due_and_void_is_not_computed_anew_each_time(
    workspace: Workspace, previewed: Previewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    previewed.now = replace(previewed.now, marts=(mart(),))
    monkeypatch.setattr("foreview.promotion.due", lambda _: [previewed.id])
    rob = acting(workspace, "rob")
    assert promote_due(rob).error is not None
    monkeypatch.setattr("foreview.what_if.preview", lambda *_, **__: pytest.fail("again"))
    error = promote_due(rob).error
    assert error is not None
    assert "was found void" in error.problems[0].message


def test_equal_figures_renew_the_receipt_and_the_approval_stands(
    workspace: Workspace, previewed: Previewed
) -> None:
    rob = acting(workspace, "rob")
    assert current_receipt(rob, renaming(workspace)).checksum == "d" * 64
    (renewed,) = events(workspace, "receipt-renewed")
    assert (renewed["approved"], renewed["renewed"]) == ("c" * 64, "d" * 64)
    assert workspace.registry.voided() == {}


def test_a_client_who_uses_another_report_since_may_ask_for_another_reviewer(
    workspace: Workspace, previewed: Previewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = Threshold(2, client="weekly_market_report", absolute=Decimal(50))
    ana, rob, eve = (
        with_rules(workspace, one, thresholds=(limit,)) for one in ("ana", "rob", "eve")
    )
    clients = read_clients(workspace)
    change_set = previewed.now.change_sets[0]

    def declared(*products: str) -> Impact:
        """Return the preview once the client uses these reports, of which only NETWORK moves."""
        client = replace(clients["weekly_market_report"], products=frozenset(products))
        known = {**clients, "weekly_market_report": client}
        for module in ("receipt", "impact_tables"):
            monkeypatch.setattr(f"foreview.{module}.read_clients", lambda _: known)
        read_set = {**previewed.now.read_set, **clients_read(ana, [change_set])}
        return replace(previewed.now, read_set=read_set, checksum=digest(sorted(products)))

    previewed.now = declared(WEEK)
    record_receipt(ana, previewed.now)
    approve(rob, change_set.id, preview=previewed.now.checksum)
    assert current_receipt(rob, change_set).checksum == previewed.now.checksum
    previewed.now = declared(WEEK, NETWORK)
    with pytest.raises(RefusedError, match="2 people have to agree now") as caught:
        current_receipt(rob, change_set)
    assert caught.value.problems[0].rule == "approval-void"
    (noted,) = events(workspace, "approval-voided")
    assert "The reports of the clients" in noted["changed"][0]
    preview = previewed.now.checksum
    assert approve(rob, change_set.id, preview=preview).decision == "agree"
    assert approve(eve, change_set.id, preview=preview).decision == "approve"
    assert current_receipt(rob, change_set).checksum == preview


def test_what_is_approved_is_what_the_reviewer_looked_at(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    seen, newer = "c" * 64, "d" * 64
    impact = impact_of(mart(SEEN), change_sets=(change_set,))
    record_receipt(workspace, impact)
    record_receipt(workspace, replace(impact, checksum=newer))
    options = (change_set.id, "--as", "rob", "--preview")
    for preview, rule in ((seen[:12], "newer-preview"), (newer[:7], "preview-too-short")):
        result = run(workspace, "approve", *options, preview)
        assert (result.exit_code, rule in result.stderr) == (1, True)
    refused = run(workspace, "approve", *options, seen[:12]).stderr
    assert seen[:12] in refused
    assert newer in refused
    assert f"foreview what-if {change_set.id}" in refused
    assert workspace.registry.status(change_set.id) == "pending"
    result = run(workspace, "approve", *options, newer[:8].upper())
    assert (result.exit_code, newer in result.stdout) == (0, True)
    approval = workspace.registry.approval(change_set.id)
    assert approval is not None
    assert approval.receipt_checksum == newer


def test_a_preview_that_comes_to_what_an_earlier_one_did_is_the_newest(
    workspace: Workspace,
) -> None:
    change_set = renamed(workspace)
    first = impact_of(mart(SEEN), change_sets=(change_set,))
    for checksum in ("c", "d", "c", "c"):  # days were closed, and opened again
        record_receipt(workspace, replace(first, checksum=checksum * 64))
    newest = workspace.registry.latest_receipt([change_set.id])
    assert newest is not None
    assert newest.checksum == "c" * 64
    assert len(events(workspace, "receipt-repeated")) == 1
    assert approve(acting(workspace, "rob"), change_set.id, preview="c" * 8).decision == "approve"
    record_receipt(workspace, replace(first, checksum="e" * 64))
    newest = workspace.registry.latest_receipt([change_set.id])
    assert newest is not None
    assert newest.checksum == "e" * 64
    assert workspace.registry.verify_events() == []


def test_the_checksum_that_counts_is_always_printed(workspace: Workspace) -> None:
    change_set = renamed(workspace)
    record_receipt(workspace, impact_of(mart(), change_sets=(change_set,)))
    told = run(workspace, "approve", "--without-impact", "--as", "rob").stdout
    assert f"{change_set.id}: approved, preview {'c' * 64}" in told


def test_the_hint_after_a_preview_approves_that_preview_and_one_change_request() -> None:
    told = _next_steps(["3f2a"], "9c0d2e4b" * 8)
    assert told.endswith("foreview approve 3f2a --preview 9c0d2e4b9c0d")
    assert "--preview" not in _next_steps(["3f2a", "77b0"], "9c0d2e4b" * 8)
