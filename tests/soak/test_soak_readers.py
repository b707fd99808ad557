"""A hundred promotions and nightly loads, and somebody who reads all the while.

Each query over the mart and all dimensions shows one publication, whole; after VACUUM of everything
each publication reads as it did when it was the newest. How long `verify` takes then is kept, with
the numbers, in `readers.json` beside this file. `SOAK_PROMOTIONS` says how many (default 100). By
itself it can be run in parts: in a folder that is kept, `SOAK_HOME`, for so many `SOAK_MINUTES`.
"""

import json
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from random_edits import DAYS, channels_moved
from readers import Reader, believed, in_one_query
from small_market import MART, load, newest, shown_to_readers, small_market

from conftest import acting, make_workspace
from foreview.approval import approve
from foreview.audit import verify
from foreview.dbt_project import run_dbt
from foreview.housekeeping import scenario_schemas
from foreview.promotion import promote, resume
from foreview.receipt import record_receipt
from foreview.rollback import rollback
from foreview.submission import record
from foreview.what_if import preview
from foreview.workspace import Workspace

RESULTS = Path(__file__).with_name("readers.json")
PROMOTIONS = int(os.environ.get("SOAK_PROMOTIONS", "100"))
MINUTES = float(os.environ.get("SOAK_MINUTES", "inf"))


@pytest.mark.spark
def test_readers_never_see_a_mixture_and_vacuum_takes_no_publication(
    spark: Any, spark_home: Path, tmp_path: Path
) -> None:
    market = kept_market(spark_home)
    kept = market.home / "readers.json"
    tables = (MART, *(f"dim_{one}" for one in market.contracts))
    read = partial(in_one_query, spark, market, tables)
    told: dict[str, Any] = {"promotions": 0, "runs": 0, "reads": 0, "shown": {}, "seen": []}
    told |= json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    told["shown"][str(newest(spark, market))] = read()
    end = time.monotonic() + MINUTES * 60
    with Reader(lambda: shown_to_readers(spark, market), read, seconds_of_rest=5) as reader:
        while told["promotions"] < PROMOTIONS and time.monotonic() < end:
            turn = told["promotions"]
            put_into_effect(market, turn)
            if turn % 5 == 4:
                folder = tmp_path / f"batch{turn}"
                load(spark, market, folder, first_day=DAYS[turn % len(DAYS)], seed=turn)
            told["shown"][str(newest(spark, market))] = read()
            told["promotions"] += 1
    seen = reader.assert_never_a_mixture(lambda number: believed(spark, market, tables, number))
    told["runs"] += 1
    told["reads"] += len(reader.seen)
    told["seen"] = sorted({*told["seen"], *seen})
    kept.write_text(json.dumps(told), encoding="utf-8")
    if told["promotions"] < PROMOTIONS:
        pytest.skip(f"{told['promotions']} of {PROMOTIONS} promotions so far; run it again")
    vacuum_everything(spark, market)
    for number, rows in told["shown"].items():
        assert believed(spark, market, tables, int(number)) == rows, number
    start = time.monotonic()
    _, problems = verify(market)
    told["seconds_of_verify"] = round(time.monotonic() - start)
    assert problems == []
    told["publications"] = newest(spark, market)
    told["publications_seen"] = len(told.pop("seen"))
    del told["shown"]
    RESULTS.write_text(json.dumps(told, indent=0) + "\n", encoding="utf-8")


def kept_market(home: Path) -> Workspace:
    """Return the market of the run before, what was killed in it finished; or another one."""
    made = make_workspace(home, "readers")
    made = replace(made, project=made.home / "project")
    if not made.project.exists():
        return small_market(home, "readers", MART)
    if made.registry.unfinished_promotion():
        resume(made)
    run_dbt(made, ["build"])  # its views may be an earlier version's
    return made


def put_into_effect(market: Workspace, turn: int) -> None:
    """Promote an edit of a few channels; every fourth time take the last release back instead."""
    if turn % 4 == 3:
        change_set = rollback(market, market.registry.latest_release())
    else:
        change_set = channels_moved(market, len(market.registry.events()), 5)
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
