"""The long version of `test_what_if_equals_rebuild`: many random scenarios, resumable.

Each seed is a scenario of some dozens of edits of different rows. Passed seeds are kept in
`results.json` beside this file, with their number of changed rows, and not run again; a run goes on
where the last one stopped. `SOAK_CASES` says how many seeds there are in all (default 100).
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from oracle import Viewing, assert_same, figures, published, with_impact
from random_edits import DAYS, random_change_sets, states
from small_market import load_other_devices

from conftest import make_workspace
from foreview.sample import generate_sample
from foreview.what_if import preview
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark
RESULTS = Path(__file__).with_name("results.json")
PASSED = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    workspace = make_workspace(spark_home, "soak")
    generate_sample(workspace, rows=20_000, days=5, devices=900, first_day=DAYS[0], seed=3)
    load_other_devices(spark, workspace, DAYS[2])
    return workspace


@pytest.fixture(scope="module")
def viewing(spark: Any, market: Workspace) -> Viewing:
    return Viewing(spark, market)


@pytest.mark.parametrize("seed", list(range(1000, 1000 + int(os.environ.get("SOAK_CASES", "100")))))
def test_impact_equals_rebuild(spark: Any, market: Workspace, viewing: Viewing, seed: int) -> None:
    if str(seed) in PASSED:
        pytest.skip("passed in an earlier run")
    change_sets = random_change_sets(market, viewing, seed, 1 + seed % 3)
    for one in change_sets:
        market.registry.record_change_set(one)
    # So many edits touch more than the share from which all viewing is read.
    path = "touched" if seed % 4 else "full"
    impact = preview(market, [one.id for one in change_sets], path=path)
    expected = figures(viewing, *states(market, *change_sets))
    assert_same(with_impact(published(spark, market), impact), expected)
    for one in change_sets:
        market.registry.record_review(one.id, market.actor, "withdraw")
    PASSED[str(seed)] = sum(len(one.changes) for one in change_sets)
    RESULTS.write_text(json.dumps(PASSED, indent=0) + "\n", encoding="utf-8")
