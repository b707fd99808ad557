"""Promotions killed at random, in processes of their own; the long form is a soak."""

import random
from pathlib import Path

import pytest
from kills import kill_promotions, make_market

KILLS = 10
"""Each takes half a minute or more, since Spark starts anew; the soak has hundreds."""


@pytest.mark.spark
def test_killed_at_random_promotions_end_as_if_nothing_had_happened(tmp_path: Path) -> None:
    killed = kill_promotions(make_market(tmp_path), random.Random(1), KILLS)
    assert sum(killed.values()) >= KILLS
