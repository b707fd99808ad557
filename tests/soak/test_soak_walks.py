"""Long random walks of several people through a small market, with a model beside it; resumable.

Passed seeds are kept in `walks.json` beside this file, with what was done, and not run again.
"""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from small_market import MART, small_market
from walks import Walk

RESULTS = Path(__file__).with_name("walks.json")
PASSED = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
STEPS = 30


@pytest.mark.spark
@pytest.mark.parametrize("seed", list(range(500, 510)))
def test_after_each_step_readers_and_the_past_are_the_model_s(
    spark: Any, spark_home: Path, tmp_path: Path, seed: int
) -> None:
    if str(seed) in PASSED:
        pytest.skip("passed in an earlier run")
    market = small_market(spark_home, f"walk{seed}", MART)
    walk = Walk(spark, market, tmp_path, random.Random(seed))
    walk.go(STEPS)
    PASSED[str(seed)] = dict(sorted(Counter(walk.told).items()))
    RESULTS.write_text(json.dumps(PASSED, indent=0, sort_keys=True) + "\n", encoding="utf-8")
