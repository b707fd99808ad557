"""Impact equals a full rebuild to the last unit; promotion equals its receipt; rollback restores.

The oracle (oracle.py) adds every figure up in plain Python from the replayed change sets.
"""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracle_frames
import pytest
from oracle import (
    PROGRAMME,
    Viewing,
    assert_same,
    clock_column,
    figures,
    monday,
    published,
    rank_changes,
    with_impact,
)
from random_edits import DAYS, random_change_set, random_change_sets, states
from small_market import load_other_devices

from conftest import acting, make_workspace
from foreview import what_if
from foreview.approval import approve
from foreview.changes import ChangeSet, diff
from foreview.dbt_project import run_dbt
from foreview.impact import Impact, Ratio, ratio_of
from foreview.impact_tables import count_figures, read_impact, read_marts, with_rank_changes
from foreview.promotion import promote
from foreview.receipt import record_receipt
from foreview.rollback import rollback
from foreview.sample import generate_sample
from foreview.submission import record
from foreview.what_if import preview, scenario_schema
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    workspace = make_workspace(spark_home, "rebuild")
    generate_sample(workspace, rows=20_000, days=5, devices=900, first_day=DAYS[0], seed=3)
    load_other_devices(spark, workspace, DAYS[2])
    return workspace


@pytest.fixture(scope="module")
def viewing(spark: Any, market: Workspace) -> Viewing:
    return Viewing(spark, market)


def test_published_figures_are_those_of_the_viewing(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    assert_same(published(spark, market), figures(viewing, *states(market)))


def test_ratios_that_readers_see_are_those_that_reports_show(spark: Any, market: Workspace) -> None:
    for mart in read_marts(market):
        rows = spark.table(market.table(mart["name"], "published")).toArrow().to_pylist()
        for name, rules in mart["ratios"].items():
            divisor = rules.get("denominator", f"{name}_denominator")
            ratio = Ratio(name, "", rules["numerator"], divisor, rules["scale"])
            assert [ratio_of(ratio, row) for row in rows] == [row[name] for row in rows]


def test_both_oracles_agree(spark: Any, market: Workspace, viewing: Viewing) -> None:
    slow = figures(viewing, *states(market))
    by_pandas = oracle_frames.figures(oracle_frames.ViewingFrame(spark, market), *states(market))
    for mart in oracle_frames.MARTS:
        expected = {
            grain: {name: one for name, one in values.items() if name != clock_column(mart)}
            for grain, values in slow[mart].items()
        }
        found = {
            grain: {
                name: Decimal(value) / 10_000 if name in oracle_frames.WEIGHTED else value
                for name, value in values.items()
            }
            for grain, values in by_pandas[mart].to_dict("index").items()
        }
        assert found == expected, mart


def test_a_column_that_no_mart_reads_moves_nothing(spark: Any, market: Workspace) -> None:
    state, _ = market.registry.approved_rows("channel")
    identity, row = min(state.items())
    changed = {**state, identity: {**row, "channel_name": "another"}}
    contracts = {"channel": market.contract("channel").hash}
    changes = diff("channel", state, changed)
    change_set = ChangeSet("ana", "one cell", "edit", 1, "test", "", contracts, changes)
    record(market, change_set)
    impact = preview(market, [change_set.id])
    assert (impact.touched_records, any(mart.figures for mart in impact.marts)) == (0, False)


def assert_is_a_rebuild(
    spark: Any, market: Workspace, viewing: Viewing, impact: Impact, *change_sets: ChangeSet
) -> None:
    before = published(spark, market)
    after = figures(viewing, *states(market, *change_sets))
    assert_same(with_impact(before, impact), after)
    for mart in impact.marts:
        moved = {one.grain: (one.before, one.after) for one in mart.rank_changes}
        assert moved == rank_changes(mart.name, before, after), mart.name


def test_random_edits_are_a_rebuild_with_them_and_either_path_gives_one_receipt(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    change_set = random_change_set(market, viewing, 0)
    market.registry.record_change_set(change_set)
    before = published(spark, market)
    touched, full = (preview(market, [change_set.id], path=one) for one in ("touched", "full"))
    assert_same(published(spark, market), before)
    assert_is_a_rebuild(spark, market, viewing, touched, change_set)
    assert full.checksum == touched.checksum
    for impact, path in ((touched, "touched"), (full, "full")):
        assert {one.name for one in impact.paths} == {path}
        assert impact.read
        assert all((impact.read.bytes, impact.read.files, impact.read.records))


@pytest.mark.parametrize("seed", range(1, 12))
def test_more_random_edits_are_a_rebuild_with_them(
    spark: Any, market: Workspace, viewing: Viewing, seed: int
) -> None:
    change_sets = random_change_sets(market, viewing, seed, 1 + seed % 3)
    for one in change_sets:
        market.registry.record_change_set(one)
    impact = preview(market, [one.id for one in change_sets], path="touched")
    assert_is_a_rebuild(spark, market, viewing, impact, *change_sets)
    frames = oracle_frames.ViewingFrame(spark, market)  # the fast oracle finds it too
    after = oracle_frames.with_impact(oracle_frames.published(spark, market), impact)
    oracle_frames.assert_same(after, oracle_frames.figures(frames, *states(market, *change_sets)))
    for one in change_sets:
        market.registry.record_review(one.id, market.actor, "withdraw")


def test_plain_dbt_tries_a_change_set_as_soon_as_it_is_submitted(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    change_set = random_change_set(market, viewing, 61)
    record(market, change_set)
    named = f"{{change_sets: [{change_set.id}]}}"
    run_dbt(market, ["build", "--select", "tag:what_if", "--vars", named])
    schema = scenario_schema(market, [change_set.id])
    impact = read_impact(market, spark, [change_set], schema, count_figures(market, spark))
    impact = replace(impact, marts=with_rank_changes(spark, schema, impact.marts))
    assert_is_a_rebuild(spark, market, viewing, impact, change_set)


@pytest.mark.parametrize("retired", [False, True])
def test_a_move_within_a_group_does_not_compute_the_groups_mart_but_where_it_moves(
    spark: Any,
    market: Workspace,
    viewing: Viewing,
    retired: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channels, _, _, networks, *_ = states(market)
    viewed = {record[2] for record in viewing.records}
    group_of = {key: row["network_group_id"] for (key, _), row in networks.items()}
    identity, other = next(
        (one, network)
        for one, row in sorted(channels.items())
        if one[0] in viewed and row["network_id"]
        for network in sorted(group_of)
        if network != row["network_id"] and group_of[network] == group_of[row["network_id"]]
    )
    changes = list(
        diff(
            "channel", channels, {**channels, identity: {**channels[identity], "network_id": other}}
        )
    )
    if retired:  # on the last days the network has no row, so that the station has no group
        was = (other, "1900-01-01")
        shorter = {**networks, was: {**networks[was], "valid_to": DAYS[3]}}
        changes += diff("network", networks, shorter)
    contracts = {name: market.contract(name).hash for name in ("channel", "network")}
    change_set = ChangeSet(
        "ana", f"same group {retired}", "edit", 1, "test", "", contracts, tuple(changes)
    )
    market.registry.record_change_set(change_set)
    monkeypatch.setattr(what_if, "check_applies", lambda *_: None)  # would refuse to lose a parent
    impact = preview(market, [change_set.id])
    expected = figures(viewing, *states(market, change_set))
    assert_same(with_impact(published(spark, market), impact), expected)
    paths = spark.table(f"{scenario_schema(market, [change_set.id])}.what_if_paths").collect()
    computed = {name for row in paths for name in row["marts"].split(",")}
    assert "audience_by_network_day" in computed
    assert ("audience_by_network_group_day" in computed) == retired


def test_every_kind_of_re_keying_at_once(spark: Any, market: Workspace, viewing: Viewing) -> None:
    """The cases of docs/rekeying.md, each on stations of its own."""
    state, _ = market.registry.approved_rows("channel_key")
    channels = {key for key, _ in market.registry.approved_rows("channel")[0]}
    known = {key for key, _ in state} | {row["channel_sk"] for row in state.values()}
    seconds: Counter[str] = Counter()
    for one in viewing.records:
        seconds[one[2]] += one[3]
    viewed = [one for one, _ in seconds.most_common() if one in channels and one not in known]
    old, new, first, second, third, kept, merged, other, reused, left, right = viewed[:11]
    begins, middle, late = "1900-01-01", DAYS[1], DAYS[3]
    identities = [
        (new, middle, None, old),
        (second, middle, None, first),  # a chain: its identity is the first code
        (third, late, None, first),
        (merged, middle, None, kept),  # a merger of three
        (other, middle, None, kept),
        (reused, middle, None, f"{reused}#2"),
        (left, begins, middle, f"{left}#1"),  # a swap
        (left, middle, None, f"{right}#1"),
        (right, begins, middle, f"{right}#1"),
        (right, middle, None, f"{left}#1"),
    ]
    rows = {
        (code, start): {"channel_id": code, "channel_sk": sk, "valid_from": start, "valid_to": end}
        for code, start, end, sk in identities
    }
    contracts = {"channel_key": market.contract("channel_key").hash}
    changes = diff("channel_key", state, {**state, **rows})
    change_set = ChangeSet("ana", "re-keying", "edit", 1, "test", "", contracts, changes)
    record(market, change_set)
    before = published(spark, market)
    impact = preview(market, [change_set.id])
    after = figures(viewing, *states(market, change_set))
    assert_same(with_impact(before, impact), after)
    by_channel = after["audience_by_channel_day"]

    def channels_on(day: str) -> set[str]:
        return {grain[1] for grain in by_channel if grain[0] == day}

    on_first, on_last = channels_on(DAYS[0]), channels_on(DAYS[4])
    assert {old, new, first, second, third, kept, merged, other, reused} <= on_first
    assert {old, first, kept, f"{reused}#2", f"{left}#1", f"{right}#1"} <= on_last
    assert not {new, second, third, merged, other, reused, left, right} & on_last


def test_two_change_sets_together_are_one_scenario(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    both = random_change_set(market, viewing, 2)
    parts = [
        tuple(c for c in both.changes if (c.dimension == "channel") == is_one)
        for is_one in (True, False)
    ]
    assert all(parts)
    one, other = (replace(both, changes=part) for part in parts)
    market.registry.record_change_set(one)
    market.registry.record_change_set(other)
    impact = preview(market, [one.id, other.id])
    assert_is_a_rebuild(spark, market, viewing, impact, both)


def test_promotion_equals_its_receipt_and_rollback_restores_every_mart(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    before = published(spark, market)
    change_set = random_change_set(market, viewing, 21)
    expected = figures(viewing, *states(market, change_set))
    market.registry.record_change_set(change_set)
    record_receipt(market, preview(market, [change_set.id]))
    approve(acting(market, "rob"), change_set.id)
    release = promote(acting(market, "rob"), change_set.id)
    assert_same(published(spark, market), expected)
    inverse = rollback(market, release.number)
    record_receipt(market, preview(market, [inverse.id]))
    approve(acting(market, "rob"), inverse.id)
    promote(acting(market, "rob"), inverse.id)
    assert_same(published(spark, market), before)
    assert_same(before, figures(viewing, *states(market)))


def test_edits_that_begin_later_have_no_figures_yet_but_an_illustration(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    now = states(market)
    viewed = {record[2] for record in viewing.records}
    identities = sorted(
        one
        for one, row in now[0].items()
        if one[0] in viewed and row["network_id"] and row["valid_to"] is None
    )
    choices = sorted({now[0][one]["network_id"] for one in identities})
    later = dict(now[0])
    for identity in identities[:5]:  # until a week later
        row = later[identity]
        network = next(one for one in choices if one != row["network_id"])
        later[identity] = {**row, "valid_to": "2026-05-01"}
        begun = {**row, "valid_from": "2026-05-01", "network_id": network}
        later[identity[0], "2026-05-01"] = {**begun, "valid_to": "2026-05-08"}
        later[identity[0], "2026-05-08"] = {**row, "valid_from": "2026-05-08"}
    edited = {**later}
    known = {one for row in now[1].values() for one in row.values()}
    day = "2026-04-25"  # and a station that has another code by then
    old = next(one for one in identities[5:] if one[0] not in known)
    code, row = f"{old[0]}.new", later[old]
    edited[old] = {**row, "valid_to": day}
    edited[code, day] = {**row, "channel_id": code, "valid_from": day}
    key = {"channel_id": code, "channel_sk": old[0]}
    identity_rows = {**now[1], (code, day): {**key, "valid_from": day, "valid_to": None}}
    contracts = {name: market.contract(name).hash for name in ("channel", "channel_key")}
    changes = (
        *diff("channel", now[0], edited),
        *diff("channel_key", now[1], identity_rows),
    )
    change_set = ChangeSet("ana", "in May", "edit", 1, "test", "", contracts, changes)
    record(market, change_set)
    impact = preview(market, [change_set.id], illustrate=True)
    assert not any(mart.figures for mart in impact.marts)
    assert impact.checksum == preview(market, [change_set.id]).checksum
    assert impact.illustration
    assert (impact.illustration.day, impact.illustration.last_day) == ("2026-05-01", DAYS[4])
    assert {one.key[0] for one in impact.illustration.shown} == {one for one, _ in identities[:5]}
    assert {one.key[0] for one in impact.future if one.is_new_code} == {old[0], code}
    worlds = [
        figures(viewing, *(on_day(one, "2026-05-01") for one in (state, *now[1:-2])), *now[-2:])
        for state in (now[0], later)
    ]
    moved = 0
    for mart in impact.illustration.marts:
        before, after = (world[mart.name] for world in worlds)
        names = [one.name for one in mart.measures]
        expected = {
            grain: [
                (after.get(grain, {}).get(n) or 0) - (before.get(grain, {}).get(n) or 0)
                for n in names
            ]
            for grain in {*before, *after}
        }
        found = {one.grain: [one.difference(name) for name in names] for one in mart.figures}
        assert found == {grain: one for grain, one in expected.items() if any(one)}, mart.name
        moved += len(found)
    assert moved


def on_day(state: Any, day: str) -> Any:
    """Return the rows of a dimension as they are on a day, from always to ever."""
    return {
        identity: {**row, "valid_from": "1900-01-01", "valid_to": None}
        for identity, row in state.items()
        if row["valid_from"] <= day and (row["valid_to"] or "9") > day
    }


def test_figures_of_weeks_and_airings_that_are_published_are_held(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    closed = {"audience_by_market_week": monday(DAYS[0]), PROGRAMME: DAYS[0]}
    for mart, day in closed.items():
        market.registry.record_calendar(
            mart, "*", day, day, "published", reason="", actor=market.actor
        )
    change_set = random_change_set(market, viewing, 31)
    market.registry.record_change_set(change_set)
    before, after = published(spark, market), figures(viewing, *states(market, change_set))
    touched, full = (preview(market, [change_set.id], path=one) for one in ("touched", "full"))
    assert touched.checksum == full.checksum
    held = {one.name: {figure.grain for figure in one.held} for one in touched.marts if one.held}
    assert held == {
        mart: {
            grain
            for grain in before[mart].keys() | after[mart].keys()
            if grain[0] == day and before[mart].get(grain) != after[mart].get(grain)
        }
        for mart, day in closed.items()
    }
    for mart, day in closed.items():
        kept = {grain: one for grain, one in before[mart].items() if grain[0] == day}
        moved = {grain: one for grain, one in after[mart].items() if grain[0] != day}
        after[mart] = kept | moved
    assert_same(with_impact(before, touched), after)
