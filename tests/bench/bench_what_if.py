"""What-if of a ten-row channel edit, beside building the marts both ways and comparing.

All run in one Spark session on the same tables. Prints one JSON line: seconds, ratios, bytes read.
The peers: the sums of all marts that read channels, without reach; and one of them whole.

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
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import SESSION, SHARED_DATA, make_workspace, project_without
from foreview.baseline import read_rows_csv
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.engine import ReadMeter, open_session
from foreview.generate.devices import generate_devices
from foreview.generate.market import channel_ids_of, open_keys, sample_rows
from foreview.generate.viewing import generate_viewing
from foreview.loads import ensure_landing, write_approved
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


def ten_row_edit(workspace: Workspace, spark: Any, touched: int) -> ChangeSet:
    """Move five stations each way between two networks of at most 100; about `touched` records."""
    state, _ = workspace.registry.approved_rows("channel")
    contract = workspace.contract("channel")
    records = records_by_channel(workspace, spark)
    by_network: dict[str, list[str]] = {}
    for identity, row in sorted(state.items()):
        if row["network_id"] and identity[0] in records:
            by_network.setdefault(row["network_id"], []).append(identity[0])

    def off(key: str) -> int:
        return abs(records[key] - touched // 10)

    chosen = {name: sorted(keys, key=off)[:5] for name, keys in by_network.items() if keys[4:]}
    chosen = {name: keys for name, keys in chosen.items() if len(by_network[name]) <= 100}
    nearest = sorted(chosen, key=lambda name: (sum(map(off, chosen[name])), name))
    (one, ones), (other, others) = ((name, chosen[name]) for name in nearest[:2])
    changes = []
    for network, keys in ((other, ones), (one, others)):
        for key in keys:
            row = state[key, "1900-01-01"]
            edit = Edit(Action.CORRECT, (key, "1900-01-01"), {"network_id": network}, row)
            found, _ = changes_of(contract, edit, state)
            changes += found
    return ChangeSet("bench", "ten rows", "edit", 1, "bench", "", {}, tuple(changes))


def timed(spark: Any, work: Callable[[], Any]) -> tuple[float, int, Any]:
    """Return seconds, bytes read and the result of some work."""
    meter, start = ReadMeter(spark), time.monotonic()
    result = work()
    seconds = time.monotonic() - start
    read = meter.read()
    return seconds, read.bytes if read else 0, result


def records_by_channel(workspace: Workspace, spark: Any) -> dict[str, int]:
    """Return the number of viewing records of each channel code."""
    from pyspark.sql import functions as f

    viewing = spark.table(workspace.table("fct_viewing"))
    return dict(viewing.groupBy("channel_id").agg(f.count("*")).toArrow().to_pandas().to_numpy())


def bench_workspace(home: Path, *, with_minutes: bool) -> Workspace:
    """Return a workspace with the benchmarks' settings, without the mart of minutes by default."""
    os.environ.setdefault("FOREVIEW_SHUFFLE_PARTITIONS", "8")
    os.environ.setdefault("FOREVIEW_MEMORY", "8g")
    # Old stages would be forgotten, and what they read.
    retained = "--conf spark.ui.retainedStages=1000000 pyspark-shell"
    os.environ["PYSPARK_SUBMIT_ARGS"] = retained
    workspace = make_workspace(home, SESSION)
    if with_minutes:
        return workspace
    # Six rows for each record: at 100 million more than the disk has.
    project = home / "project"
    if not project.exists():
        project_without(project, "audience_by_channel_minute")
    return replace(workspace, project=project)


def both_ways(workspace: Workspace, spark: Any, marts: list[str], *, sums_only: bool) -> int:
    """Build marts with the old and with the new channels, compare, count what differs."""
    moved = 0
    models = workspace.home / "target" / "compiled" / "foreview" / "models"
    shadow = (models / "what_if" / "shadow_dim_channel.sql").read_text()
    spark.sql(shadow).createOrReplaceTempView("bench_shadow")
    for mart in marts:
        sql = (models / "audience" / f"{mart}.sql").read_text()
        if sums_only:  # without the step by household, which only reach needs
            sql, count = re.subn(r"\n +device\.household_id,|,\n +device\.household_id\b", "", sql)
            assert count == 2, mart
        new = re.sub(rf"{workspace.table('dim_channel')}\b", "bench_shadow", sql)
        for name, query in (("bench_old", sql), ("bench_new", new)):
            table = workspace.table(name)
            spark.sql(query).write.format("parquet").mode("overwrite").saveAsTable(table)
        old, new = (spark.table(workspace.table(name)) for name in ("bench_old", "bench_new"))
        moved += new.exceptAll(old).count()
    return moved


def main() -> None:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    real_channels = SHARED_DATA / "iptv" / "channels_2026-04-07.csv"
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--touched", type=int, default=5_000, help="records of the ten stations")
    parser.add_argument("--channels", type=Path, default=real_channels)
    parser.add_argument("--viewing", type=Path)
    parser.add_argument("--devices", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--load-only", action="store_true", help="into the folder of --keep")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--minutes", action="store_true", help="with the mart of minutes")
    options = parser.parse_args()
    home = options.keep or Path(tempfile.mkdtemp(prefix="foreview-bench-"))
    workspace = bench_workspace(home, with_minutes=options.minutes)
    spark = open_session(workspace)
    told: dict[str, Any] = {}

    def measure(name: str, work: Callable[[], Any]) -> Any:
        seconds, read, result = timed(spark, work)
        told[name] = {"seconds": round(seconds, 1), "bytes_read": read}
        print(json.dumps({name: told[name]}), file=sys.stderr, flush=True)
        return result

    measure("load", lambda: load(workspace, options))
    if options.load_only:
        return
    told["records"] = spark.table(workspace.table("fct_viewing")).count()
    state, last = workspace.registry.approved_rows("channel")
    contract = workspace.contract("channel")
    for name in ("load_channels_first", "load_channels"):
        measure(name, lambda: write_approved(workspace, spark, contract, state, last))
    change_set = ten_row_edit(workspace, spark, options.touched)
    workspace.registry.record_change_set(change_set)
    measure("what_if_first", lambda: preview(workspace, [change_set.id]))
    repeats = []
    for _ in range(3):
        impact = measure("what_if", lambda: preview(workspace, [change_set.id]))
        repeats.append(told["what_if"])
    told["what_if"] = sorted(repeats, key=lambda one: one["seconds"])[1]  # the median
    told["touched_records"] = impact.touched_records
    told["figures_moved"] = {mart.name: len(mart.figures) for mart in impact.marts}
    if not options.no_peers:
        measure_peers(workspace, spark, measure, told)
    print(json.dumps(told))


def measure_peers(workspace: Workspace, spark: Any, measure: Any, told: dict[str, Any]) -> None:
    """Measure what Foreview is compared with, and put the ratios into what is told."""
    audience = workspace.project / "models" / "audience"
    marts = [mart["name"] for mart in read_marts(workspace)]
    marts = [one for one in marts if "ref('dim_channel')" in (audience / f"{one}.sql").read_text()]
    told["marts_both_ways"] = marts
    measure("sums_both_ways", lambda: both_ways(workspace, spark, marts, sums_only=True))
    one = ["audience_by_network_day"]
    told["one_mart_moved"] = measure(
        "one_mart_both_ways", lambda: both_ways(workspace, spark, one, sums_only=False)
    )
    for peer in ("sums_both_ways", "one_mart_both_ways"):
        ratio = told[peer]["seconds"] / told["what_if"]["seconds"]
        told[f"ratio_{peer}"] = round(ratio, 1)


if __name__ == "__main__":
    main()
