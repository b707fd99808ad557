"""Newer viewing: figures of its days are added, and "as it is now" moves on with the last day."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from oracle import Viewing, assert_same, figures, published
from random_edits import DAYS, channels_moved, states
from readers import Reader, believed, in_one_query
from small_market import NOW, OLD, Killed, killing, shown_to_readers, small_market

from conftest import acting
from foreview import viewing_load
from foreview.approval import approve
from foreview.changes import ChangeSet, diff
from foreview.dbt_project import run_dbt
from foreview.device_load import load_devices
from foreview.errors import RefusedError
from foreview.generate.viewing import generate_viewing, write_viewing
from foreview.promotion import promote
from foreview.receipt import record_receipt
from foreview.submission import record
from foreview.viewing_load import load_viewing, publish_loads, write_devices
from foreview.what_if import preview
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark
LATER = DAYS[3]


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    return small_market(spark_home, "two_marts", NOW, OLD)


def reading(spark: Any, market: Workspace, tables: Sequence[str]) -> Reader:
    """Return somebody who reads both marts and channels, in one query, all the while."""
    read = partial(in_one_query, spark, market, tables)
    return Reader(lambda: shown_to_readers(spark, market), read)


def test_a_row_counts_as_it_is_now_from_the_day_that_viewing_reaches_it(
    spark: Any, market: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewing = Viewing(spark, market)
    viewed = {record[2] for record in viewing.records}
    state, _ = market.registry.approved_rows("channel")
    identities = [
        one
        for one, row in sorted(state.items())
        if one[0] in viewed and row["network_id"] and row["valid_to"] is None
    ][:3]
    networks = sorted({row["network_id"] for row in state.values() if row["network_id"]})
    later = dict(state)
    for identity in identities:
        row = state[identity]
        network = next(one for one in networks if one != row["network_id"])
        later[identity] = {**row, "valid_to": LATER}
        later[identity[0], LATER] = {
            **row,
            "valid_from": LATER,
            "network_id": network,
        }
    contracts = {"channel": market.contract("channel").hash}
    changes = diff("channel", state, later)
    change_set = ChangeSet("ana", "the next day", "edit", 1, "test", "", contracts, changes)
    record(market, change_set)
    record_receipt(market, preview(market, [change_set.id]))
    approve(acting(market, "rob"), change_set.id)
    tables = (NOW, OLD, "dim_channel")
    first = shown_to_readers(spark, market)
    with reading(spark, market, tables) as reader:
        promote(acting(market, "rob"), change_set.id)
    seen = reader.assert_never_a_mixture(partial(believed, spark, market, tables))
    assert seen == {first, first + 1}
    before = published(spark, market, [NOW, OLD])
    rebuilt = figures(viewing, *states(market))
    assert_same(before, {mart: rebuilt[mart] for mart in before})

    newer = generate_viewing(
        spark,
        rows=1_500,
        first_day=date.fromisoformat(LATER),
        days=1,
        devices=200,
        channel_ids=sorted(viewed & {one[0] for one in state}),
        seed=4,
        time_zone="America/New_York",
        load_batch=4,
    )
    write_viewing(newer, tmp_path / "newer", file_format="parquet")
    with monkeypatch.context() as patch:
        patch.setattr(viewing_load, "publish_loads", killing)
        with pytest.raises(Killed):
            load_viewing(market, tmp_path / "newer")
    # Nor did the marts get through after the viewing was there: another impact would be of it.
    run_dbt(market, ["run", "--select", "fct_viewing"])
    another = channels_moved(market, 7, 3)
    record(market, another)
    with pytest.raises(RefusedError, match="viewing batch 4 is loaded but not published"):
        preview(market, [another.id])
    assert published(spark, market, [NOW, OLD]) == before
    with reading(spark, market, tables) as reader:
        load_viewing(market, tmp_path / "newer")
    seen = reader.assert_never_a_mixture(partial(believed, spark, market, tables))
    assert seen == {first + 1, first + 2}
    after = published(spark, market, [NOW, OLD])
    rebuilt = figures(Viewing(spark, market), *states(market))
    assert_same(after, {mart: rebuilt[mart] for mart in after})
    moved = {grain for grain, one in before[NOW].items() if after[NOW].get(grain) != one}
    assert moved, "the days before move as it is now"
    assert all(after[OLD][grain] == one for grain, one in before[OLD].items())
    with pytest.raises(RefusedError, match="not newer than batch 4"):
        load_viewing(market, tmp_path / "newer")


def test_devices_of_an_earlier_day_are_published_before_anything_is_previewed(
    spark: Any, market: Workspace
) -> None:
    from pyspark.sql import functions as f

    devices = spark.table(market.table("device", "landing")).localCheckpoint()

    def deliver(day: str, left_out: int) -> None:
        some = devices.where(f.col("device_id") % 10 != left_out)
        write_devices(market, some.withColumn("load_date", f.lit(day).cast("date")))

    deliver(DAYS[2], 3)
    publish_loads(market)
    before = published(spark, market, [OLD])[OLD]
    deliver(DAYS[1], 7)
    change_set = channels_moved(market, 11, 3)
    record(market, change_set)
    with pytest.raises(RefusedError, match=f"Devices of {DAYS[1]} were loaded after"):
        preview(market, [change_set.id])
    publish_loads(market)
    after = published(spark, market, [OLD])[OLD]
    rebuilt = figures(Viewing(spark, market), *states(market))
    assert_same({OLD: after}, {OLD: rebuilt[OLD]})
    assert {grain[0] for grain, one in after.items() if before.get(grain) != one} == {DAYS[1]}
    preview(market, [change_set.id])


def test_devices_are_loaded_whole_or_not_at_all(
    spark: Any, market: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspark.sql import functions as f

    table = market.table("device", "landing")
    first = spark.table(table).where(f.col("load_date") == "1900-01-01")
    devices = first.drop("load_date").localCheckpoint()
    loads = spark.table(table).count()
    wrong = {
        "duplicate-device": devices.union(devices.limit(1)),
        "device-weight": devices.withColumn("weight", -f.col("weight")).select(devices.columns),
        "required": devices.withColumn("device_id", f.lit(None).cast("bigint")),
        "unknown-column": devices.withColumn("load_date", f.current_date()),
        "type": devices.withColumn("weight", f.col("weight").cast("double")),
    }
    for rule, frame in wrong.items():
        frame.write.parquet(str(tmp_path / rule))
        with pytest.raises(RefusedError) as caught:
            load_devices(market, tmp_path / rule, LATER)
        assert rule in {one.rule for one in caught.value.problems}
    assert spark.table(table).count() == loads
    heavier = (f.col("weight") + 1).cast("decimal(9,4)")
    some = devices.where(f.col("device_id") % 10 != 1).withColumn("weight", heavier)
    some.select(devices.columns).write.parquet(str(tmp_path / "devices"))
    with monkeypatch.context() as patch:
        patch.setattr("foreview.device_load.publish_loads", killing)
        with pytest.raises(Killed):
            load_devices(market, tmp_path / "devices", LATER)
    done = load_devices(market, tmp_path / "devices", LATER)
    assert done["devices"] == some.count()
    assert spark.table(table).count() == loads + done["devices"]
    after = published(spark, market, [NOW, OLD])
    rebuilt = figures(Viewing(spark, market), *states(market))
    assert_same(after, {mart: rebuilt[mart] for mart in after})
    devices.write.parquet(str(tmp_path / "others"))
    with pytest.raises(RefusedError, match=f"Other devices were loaded as of {LATER}"):
        load_devices(market, tmp_path / "others", LATER)
