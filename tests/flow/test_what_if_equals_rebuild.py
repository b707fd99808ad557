"""Impact equals a full rebuild to the last unit; promotion equals its receipt; rollback restores.

The oracle (oracle.py) adds every figure up in plain Python from the replayed change sets.
"""

import random
from pathlib import Path
from typing import Any

import pytest
from oracle import Viewing, assert_same, figures, published, with_impact
from random_edits import random_changes

from conftest import acting, make_workspace
from foreview.changes import ChangeSet, apply
from foreview.promotion import approve, promote, rollback
from foreview.sample import generate_sample
from foreview.submission import parent_intervals
from foreview.what_if import preview, record_receipt
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark
DAYS = [f"2026-04-0{n}" for n in range(1, 7)]


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    workspace = make_workspace(spark_home, "rebuild")
    generate_sample(workspace, rows=20_000, days=5, devices=900, first_day=DAYS[0], seed=3)
    return workspace


@pytest.fixture(scope="module")
def viewing(spark: Any, market: Workspace) -> Viewing:
    return Viewing(spark, market)


def states(workspace: Workspace, change_set: ChangeSet | None = None) -> list[Any]:
    found = []
    for dimension in ("channel", "channel_key", "area"):
        state, _ = workspace.registry.approved_rows(dimension)
        if change_set is not None:
            changes = [one for one in change_set.changes if one.dimension == dimension]
            state, conflicts = apply(state, changes)
            assert not conflicts
        found.append(state)
    return found


def random_change_set(workspace: Workspace, viewing: Viewing, seed: int) -> ChangeSet:
    """Edits of channels and areas at once, on keys that the viewing knows."""
    draw = random.Random(seed)
    changes = []
    unknown = sorted(
        {record[2] for record in viewing.records}
        - {identity[0] for identity in workspace.registry.approved_rows("channel")[0]}
    )
    for dimension, column, count, fresh in (
        ("channel", "network_id", draw.randint(1, 12), [f"NEW{seed}.us", *unknown[seed::7][:2]]),
        ("area", "market_id", draw.randint(0, 4), []),
    ):
        contract = workspace.contract(dimension)
        state, _ = workspace.registry.approved_rows(dimension)
        parents: Any = parent_intervals(workspace, contract)
        parent = contract.column(column).parent or ""
        choices = [None, *sorted(parents[parent])[:4]]
        changes += random_changes(
            draw, contract, state, parents, column, choices, DAYS, fresh, count
        )
    return ChangeSet(
        author=workspace.actor,
        reason=f"random edits {seed}",
        kind="edit",
        base_release=workspace.registry.latest_release(),
        source_name="random",
        source_hash="",
        contracts={
            name: workspace.contract(name).hash
            for name in sorted({one.dimension for one in changes})
        },
        changes=tuple(changes),
    )


def test_published_figures_are_those_of_the_viewing(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    assert_same(published(spark, market), figures(viewing, *states(market)))


@pytest.mark.parametrize("seed", range(3))
def test_impact_of_random_edits_equals_a_rebuild_with_them(
    spark: Any, market: Workspace, viewing: Viewing, seed: int
) -> None:
    change_set = random_change_set(market, viewing, seed)
    market.registry.record_change_set(change_set)
    before = published(spark, market)
    impact = preview(market, [change_set.id])
    assert_same(with_impact(before, impact), figures(viewing, *states(market, change_set)))
    assert_same(published(spark, market), before)


def test_two_change_sets_together_are_one_scenario(
    spark: Any, market: Workspace, viewing: Viewing
) -> None:
    one, other = (random_change_set(market, viewing, seed) for seed in (11, 12))
    only_channels = tuple(c for c in one.changes if c.dimension == "channel")
    only_areas = tuple(c for c in other.changes if c.dimension == "area")
    from dataclasses import replace

    one, other = replace(one, changes=only_channels), replace(other, changes=only_areas)
    assert only_channels
    assert only_areas
    market.registry.record_change_set(one)
    market.registry.record_change_set(other)
    impact = preview(market, [one.id, other.id])
    both = replace(one, changes=only_channels + only_areas)
    expected = figures(viewing, *states(market, both))
    assert_same(with_impact(published(spark, market), impact), expected)


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


def test_equal_inputs_give_equal_receipts(market: Workspace, viewing: Viewing) -> None:
    change_set = random_change_set(market, viewing, 31)
    market.registry.record_change_set(change_set)
    assert preview(market, [change_set.id]).checksum == preview(market, [change_set.id]).checksum
