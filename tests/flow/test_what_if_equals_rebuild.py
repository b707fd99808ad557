"""Impact equals a full rebuild to the last unit; promotion equals its receipt; rollback restores.

The oracle (oracle.py) adds every figure up in plain Python from the replayed change sets.
"""

from pathlib import Path
from typing import Any

import pytest
from oracle import Viewing, assert_same, figures, published, with_impact
from random_edits import DAYS, random_change_set, states

from conftest import acting, make_workspace
from foreview.promotion import approve, promote, rollback
from foreview.sample import generate_sample
from foreview.what_if import preview, record_receipt
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    workspace = make_workspace(spark_home, "rebuild")
    generate_sample(workspace, rows=20_000, days=5, devices=900, first_day=DAYS[0], seed=3)
    return workspace


@pytest.fixture(scope="module")
def viewing(spark: Any, market: Workspace) -> Viewing:
    return Viewing(spark, market)


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
