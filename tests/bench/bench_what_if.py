"""What-if of a ten-row channel edit, beside building the marts both ways and comparing.

Both run in one Spark session on the same tables. Prints one JSON line: seconds, ratio, bytes read.

    python tests/bench/bench_what_if.py --rows 10000000

`--viewing` and `--devices` take Delta folders as `bench_generate.py` writes them instead of
generating; `--keep FOLDER` keeps the loaded workspace for the next run.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import SHARED_DATA, make_workspace
from foreview.baseline import read_rows_csv
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.engine import open_session
from foreview.generate.devices import generate_devices
from foreview.generate.market import channel_ids_of, open_keys, sample_rows
from foreview.generate.viewing import generate_viewing
from foreview.loads import ensure_landing
from foreview.promotion import load_baseline
from foreview.submission import baseline_change_set, missing_parents
from foreview.viewing_load import append_viewing, write_devices
from foreview.what_if import preview, read_marts
from foreview.workspace import Workspace


def generated(spark: Any, rows: int, channels: Path) -> tuple[Any, Any]:
    """Return viewing of ten days and its devices."""
    areas = open_keys(sample_rows(7)["area"], "area_id")
    devices = min(max(rows // 30, 100), 3_000_000)
    return (
        generate_viewing(
            spark,
            rows=rows,
            first_day=date(2026, 4, 1),
            days=10,
            devices=devices,
            channel_ids=channel_ids_of([channels]),
            seed=7,
            time_zone="America/New_York",
        ),
        generate_devices(spark, devices=devices, areas=areas, seed=7, load_date=date(1900, 1, 1)),
    )


def load(workspace: Workspace, options: argparse.Namespace) -> None:
    """Load real channels, generated areas, devices and viewing, and build the marts."""
    channels = options.channels
    spark = open_session(workspace)
    if workspace.registry.latest_release():
        return
    ensure_landing(workspace, spark)
    if options.viewing:
        viewing = spark.read.format("delta").load(str(options.viewing))
        devices = spark.read.format("delta").load(str(options.devices))
    else:
        viewing, devices = generated(spark, options.rows, channels)
    write_devices(workspace, devices)
    append_viewing(workspace, viewing)
    contract = workspace.contract("channel")
    rows, problems = read_rows_csv(channels, contract)
    assert not problems
    sample = sample_rows(7)
    tables: dict[str, Any] = {"market": sample["market"], "area": sample["area"], "channel": rows}
    tables |= missing_parents(workspace, contract, rows)
    load_baseline(workspace, baseline_change_set(workspace, tables, channels))


def ten_row_edit(workspace: Workspace, spark: Any) -> ChangeSet:
    """Move five stations each way between two networks, stations that little viewing knows."""
    from pyspark.sql import functions as f

    state, _ = workspace.registry.approved_rows("channel")
    contract = workspace.contract("channel")
    by_key = spark.table(workspace.table("viewing_by_key_day"))
    busiest = by_key.groupBy("channel_id").agg(f.sum("records").alias("n")).orderBy("n").collect()
    records = {row[0]: row[1] for row in busiest}
    by_network: dict[str, list[str]] = {}
    for identity, row in sorted(state.items()):
        if row["network_id"] and records.get(identity[0], 0) > 0:
            by_network.setdefault(row["network_id"], []).append(identity[0])
    (one, ones), (other, others) = sorted(
        by_network.items(), key=lambda item: (-len(item[1]), item[0])
    )[:2]
    changes = []
    for network, keys in ((other, ones[:5]), (one, others[:5])):
        for key in keys:
            row = state[key, "1900-01-01"]
            edit = Edit(Action.CORRECT, (key, "1900-01-01"), {"network_id": network}, row)
            found, _ = changes_of(contract, edit, state)
            changes += found
    return ChangeSet("bench", "ten rows", "edit", 1, "bench", "", {}, tuple(changes))


def bytes_read(spark: Any) -> int:
    """Return the bytes that all tasks so far have read (task input metrics)."""
    gateway, jvm = spark.sparkContext._gateway, spark._jvm
    store = spark.sparkContext._jsc.sc().statusStore()
    none = gateway.new_array(jvm.double, 0)
    stages = store.stageList(None, False, False, none, jvm.java.util.ArrayList())
    return sum(stages.apply(n).inputBytes() for n in range(stages.size()))


def timed(spark: Any, work: Callable[[], Any]) -> tuple[float, int, Any]:
    """Return seconds, bytes read and the result of some work."""
    before, start = bytes_read(spark), time.monotonic()
    result = work()
    return time.monotonic() - start, bytes_read(spark) - before, result


def both_ways(workspace: Workspace, spark: Any, schema: str) -> int:
    """Build each mart with the old and with the new channels, compare, count what differs."""
    moved = 0
    models = workspace.home / "target" / "compiled" / "foreview" / "models"
    shadow = (models / "what_if" / "shadow_dim_channel.sql").read_text()
    spark.sql(shadow).createOrReplaceTempView("bench_shadow")
    for mart in read_marts(workspace):
        sql = (models / "audience" / f"{mart['name']}.sql").read_text()
        old = spark.sql(sql)
        new = spark.sql(re.sub(rf"{workspace.table('dim_channel')}\b", "bench_shadow", sql))
        old.write.format("parquet").mode("overwrite").saveAsTable(f"{schema}.bench_old")
        new.write.format("parquet").mode("overwrite").saveAsTable(f"{schema}.bench_new")
        moved += (
            spark.table(f"{schema}.bench_new").exceptAll(spark.table(f"{schema}.bench_old")).count()
        )
    return moved


def main() -> None:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    real_channels = SHARED_DATA / "iptv" / "channels_2026-04-07.csv"
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--channels", type=Path, default=real_channels)
    parser.add_argument("--viewing", type=Path)
    parser.add_argument("--devices", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("FOREVIEW_SHUFFLE_PARTITIONS", "8")
    os.environ.setdefault("FOREVIEW_MEMORY", "8g")
    home = options.keep or Path(tempfile.mkdtemp(prefix="foreview-bench-"))
    workspace = make_workspace(home, "bench")
    spark = open_session(workspace)
    load_seconds, _, _ = timed(spark, lambda: load(workspace, options))
    change_set = ten_row_edit(workspace, spark)
    workspace.registry.record_change_set(change_set)
    first, _, impact = timed(spark, lambda: preview(workspace, [change_set.id]))
    again, read, _ = timed(spark, lambda: preview(workspace, [change_set.id]))
    told: dict[str, Any] = {
        "records": spark.table(workspace.table("fct_viewing")).count(),
        "load_seconds": round(load_seconds, 1),
        "touched_records": impact.touched_records,
        "what_if_first_seconds": round(first, 1),
        "what_if_seconds": round(again, 1),
        "what_if_bytes": read,
        "figures_moved": {mart.name: len(mart.figures) for mart in impact.marts},
    }
    if not options.no_peer:
        peer, peer_read, moved = timed(spark, lambda: both_ways(workspace, spark, workspace.schema))
        told |= {
            "both_ways_seconds": round(peer, 1),
            "both_ways_bytes": peer_read,
            "both_ways_moved": moved,
            "ratio": round(peer / again, 1),
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
