"""A short random walk through a market, with a model beside it; the long form is a soak."""

import random
from pathlib import Path
from typing import Any

import pytest
from small_market import small_market
from walks import Walk


@pytest.mark.spark
def test_after_each_step_readers_and_the_past_are_the_model_s(
    spark: Any, spark_home: Path, tmp_path: Path
) -> None:
    market = small_market(spark_home, "walk", tmp_path)
    Walk(spark, market, tmp_path, random.Random(2)).go(7)
