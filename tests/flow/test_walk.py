"""A short walk of several people beside a model of both time axes; long ones are a soak."""

import random
from pathlib import Path
from typing import Any

import pytest
from small_market import MART, small_market
from walks import Walk

STEPS = ("put_into_effect", "close", "load", "roll_back", "put_into_effect")


@pytest.mark.spark
def test_after_each_step_readers_and_the_past_are_the_models(
    spark: Any, spark_home: Path, tmp_path: Path
) -> None:
    market = small_market(spark_home, "walk", MART)
    walk = Walk(spark, market, tmp_path, random.Random(3))
    walk.take(STEPS)
    assert set(STEPS) <= set(walk.told)
