"""Promotions killed at random, in processes of their own; the long form is a soak."""

import random
import sys
from collections.abc import Iterator

import pytest
from kills import Market, Way, kill_promotions, make_market

KILLS = 10
"""Each takes half a minute or more, since Spark starts anew; the soak has hundreds."""
LOSSES = 2


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    market = make_market(tmp_path_factory.mktemp("kills"))
    yield market
    market.close()


@pytest.mark.spark
def test_killed_at_random_promotions_end_as_if_nothing_had_happened(market: Market) -> None:
    killed = kill_promotions(market, random.Random(1), KILLS)
    assert sum(killed.values()) >= KILLS


@pytest.mark.spark
@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits: Linux only")
@pytest.mark.parametrize("way", ["without JVM", "disk full"])
def test_promotions_that_lose_the_jvm_or_the_disk_end_as_if_nothing_had_happened(
    market: Market, way: Way
) -> None:
    lost = kill_promotions(market, random.Random(2), LOSSES, (way,))
    assert sum(lost.values()) >= LOSSES
