"""Promotions killed at random, in processes of their own; the long form is a soak."""

import random
from pathlib import Path

from kills import kill_promotions, make_market


def test_killed_at_random_promotions_end_as_if_nothing_had_happened(tmp_path: Path) -> None:
    killed = kill_promotions(make_market(tmp_path), random.Random(1), 10)
    assert sum(killed.values()) >= 10
