"""The long version of `test_kills`: twenty markets of one mart, four of three; resumable.

Each has ten random kills. Where there are three marts, all dimensions are edited at once, and some
lose the JVM or the disk instead.

Passed seeds are kept in `kills.json` beside this file, with the number of kills by the step after
which they came, and not run again.
"""

import json
import random
from pathlib import Path

import pytest
from kills import Way, kill_promotions, make_market

RESULTS = Path(__file__).with_name("kills.json")
OF_ALL_DIMENSIONS = ("audience_by_network_day", "audience_by_market_day", "audience_by_programme")
PASSED = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


@pytest.mark.parametrize("seed", [*range(100, 120), *range(200, 204)])
def test_killed_at_random_promotions_end_as_if_nothing_had_happened(
    tmp_path: Path, seed: int
) -> None:
    if str(seed) in PASSED:
        pytest.skip("passed in an earlier run")
    market = make_market(tmp_path, *(OF_ALL_DIMENSIONS if seed >= 200 else ()))
    ways: tuple[Way, ...] = ("killed", "without JVM", "disk full") if seed >= 200 else ("killed",)
    PASSED[str(seed)] = kill_promotions(market, random.Random(seed), 10, ways)
    RESULTS.write_text(json.dumps(PASSED, indent=0, sort_keys=True) + "\n", encoding="utf-8")
