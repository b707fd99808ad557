"""Scenarios beside each other, and which way a light and a heavy one are computed.

In the market of test_promotion_ledger.py, before it.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from networks import run
from oracle import GRAINS, Viewing, assert_same, figures, published, with_impact
from random_edits import channels_moved, states
from small_market import MART, small_market

from conftest import acting
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.submission import close, record
from foreview.what_if import preview, scenario_schema
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Iterator[Workspace]:
    found = small_market(spark_home, "one_mart", MART)
    before = {one.id for one in found.registry.pending()}
    yield found
    for one in found.registry.pending():
        if one.id not in before:
            close(acting(found, one.author), one.id, "withdraw")


def test_two_scenarios_are_computed_apart_and_shown_side_by_side(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    scenarios = [channels_moved(market, seed, 12) for seed in (31, 32)]
    for one in scenarios:
        record(market, one)
    one, other = (change_set.id for change_set in scenarios)
    result = run(market, "what-if", one, "--against", other, "-o", str(tmp_path))
    assert result.exit_code == 0, result.output

    schemas = {scenario_schema(market, [each]) for each in (one, other)}
    assert len(schemas) == 2
    for schema in schemas:
        assert spark.table(f"{schema}.impact").first()["touched_records"] > 0
    page = (tmp_path / "side_by_side.html").read_text(encoding="utf-8")
    for change_set in scenarios:
        assert change_set.id in page
        assert change_set.reason in page
    for folder, mine, not_mine in (("a", one, other), ("b", other, one)):
        (alone,) = (tmp_path / folder).glob("*.html")
        assert mine in alone.read_text(encoding="utf-8")
        assert not_mine not in alone.read_text(encoding="utf-8")

    viewing = Viewing(spark, market)
    worlds = [
        figures(viewing, *states(market, *each))[MART]
        for each in ((), *((one,) for one in scenarios))
    ]
    with (tmp_path / f"{MART}_side_by_side.csv").open(encoding="utf-8", newline="") as file:
        rows = {tuple(row[name] for name in GRAINS[MART]): row for row in csv.DictReader(file)}
    differing = {
        grain for grain in {*worlds[1], *worlds[2]} if worlds[1].get(grain) != worlds[2].get(grain)
    }
    assert rows.keys() == differing != set()
    for grain, row in rows.items():
        seconds = [world.get(grain, {}).get("seconds", "") for world in worlds]
        assert [row[f"seconds_{name}"] for name in ("now", "a", "b")] == list(map(str, seconds))


@pytest.mark.parametrize(("is_heavy", "path"), [(True, "full"), (False, "touched")])
def test_the_faster_way_is_taken_by_itself_where_much_is_touched_and_where_little_is(
    spark: Any, market: Workspace, is_heavy: bool, path: str
) -> None:
    viewing = Viewing(spark, market)
    contract = market.contract("channel")
    state, _ = market.registry.approved_rows("channel")
    watched = Counter(one[2] for one in viewing.records)
    stations = sorted(
        (one for one in state if state[one]["network_id"] and watched[one[0]]),
        key=lambda one: (watched[one[0]], one),
    )
    networks = sorted({state[one]["network_id"] or "" for one in state} - {""})
    changes = []
    for identity in stations[-20:] if is_heavy else stations[:1]:
        network = next(one for one in networks if one != state[identity]["network_id"])
        edit = Edit(Action.CORRECT, identity, {"network_id": network}, state[identity])
        changes += changes_of(contract, edit, state)[0]
    base = market.registry.latest_release()
    contracts = {"channel": contract.hash}
    change_set = ChangeSet(
        "ana", f"heavy {is_heavy}", "edit", base, "test", "", contracts, tuple(changes)
    )
    record(market, change_set)
    impact = preview(market, [change_set.id])
    share = float(market.settings["full_path_share"])
    assert [one.name for one in impact.paths] == [path]
    for one in impact.paths:
        assert (one.touched_records >= share * one.records) == is_heavy
        assert not one.is_asked
    expected = figures(viewing, *states(market, change_set))
    assert_same(with_impact(published(spark, market, [MART]), impact), {MART: expected[MART]})
    other = preview(market, [change_set.id], path="touched" if is_heavy else "full")
    assert other.checksum == impact.checksum
    assert all(one.is_asked for one in other.paths)
