"""A hundred promotions and nightly loads, and somebody who reads all the while.

Each query over the mart and all dimensions shows one publication, whole; after VACUUM of everything
each publication reads as it did when it was the newest. How long `verify` takes then is kept, with
the numbers, in `readers.json` beside this file. `SOAK_PROMOTIONS` says how many (default 100).
"""

import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from random_edits import DAYS, channels_moved
from readers import Reader, believed, in_one_query
from small_market import MART, load, newest, small_market

from conftest import acting
from foreview.approval import approve
from foreview.audit import verify
from foreview.housekeeping import scenario_schemas
from foreview.promotion import promote, rollback
from foreview.receipt import record_receipt
from foreview.submission import record
from foreview.what_if import preview
from foreview.workspace import Workspace

RESULTS = Path(__file__).with_name("readers.json")
PROMOTIONS = int(os.environ.get("SOAK_PROMOTIONS", "100"))


@pytest.mark.spark
def test_readers_never_see_a_mixture_and_vacuum_takes_no_publication(
    spark: Any, spark_home: Path, tmp_path: Path
) -> None:
    market = small_market(spark_home, "readers", tmp_path)
    tables = (MART, *(f"dim_{one}" for one in market.contracts))
    read = partial(in_one_query, spark, market, tables)
    shown = {newest(spark, market): read()}
    with Reader(lambda: newest(spark, market), read) as reader:
        for turn in range(PROMOTIONS):
            put_into_effect(market, turn)
            if turn % 5 == 4:
                load(spark, market, tmp_path / f"batch{turn}", first_day=DAYS[turn % len(DAYS)])
            shown[newest(spark, market)] = read()
    seen = reader.assert_never_a_mixture(lambda number: believed(spark, market, tables, number))
    vacuum_everything(spark, market)
    for number, rows in shown.items():
        assert believed(spark, market, tables, number) == rows, number
    start = time.monotonic()
    _, problems = verify(market)
    seconds = round(time.monotonic() - start)
    assert problems == []
    told = {
        "promotions": PROMOTIONS,
        "publications": newest(spark, market),
        "reads": len(reader.seen),
        "publications_seen": len(seen),
        "seconds_of_verify": seconds,
    }
    RESULTS.write_text(json.dumps(told, indent=0) + "\n", encoding="utf-8")


def put_into_effect(market: Workspace, turn: int) -> None:
    """Promote an edit of a few channels; every fourth time take the last release back instead."""
    if turn % 4 == 3:
        change_set = rollback(market, market.registry.latest_release())
    else:
        change_set = channels_moved(market, turn, 5)
        record(market, change_set)
    record_receipt(market, preview(market, [change_set.id]))
    rob = acting(market, "rob")
    approve(rob, change_set.id)
    promote(rob, change_set.id)


def vacuum_everything(spark: Any, market: Workspace) -> None:
    """Remove all files that no table needs as it is now."""
    check = "spark.databricks.delta.retentionDurationCheck.enabled"
    spark.conf.set(check, "false")
    trials = scenario_schemas(market, spark)  # no Delta tables
    for schema in (one.name for one in spark.catalog.listDatabases()):
        if schema.startswith(market.schema) and schema not in trials:
            for table in spark.catalog.listTables(schema):
                if table.tableType == "MANAGED" and not table.isTemporary:
                    spark.sql(f"vacuum {schema}.{table.name} retain 0 hours")
    spark.conf.set(check, "true")
