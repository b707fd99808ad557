"""What-if of a ten-row channel edit, beside building the marts both ways and comparing.

All run in one Spark session on the same tables. Prints one JSON line: seconds, ratios, bytes read.
The peers: the sums of all marts that read channels, without reach; and one of them whole.

    python tests/bench/bench_what_if.py --rows 10000000

`--viewing` and `--devices` take Delta folders as `bench_generate.py` writes them instead of
generating; `--keep FOLDER` keeps the loaded workspace for the next run. `--repeat 10` makes ten
times as many days of the loaded ones, which is faster than to generate and to build them: each
repeated day has the viewing of a loaded one, moved, and so the same figures. Marts of weeks and
airings are to be left out then, as `make billion` does.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import reduce
from pathlib import Path
from threading import Timer
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import peers

from conftest import SESSION, SHARED_DATA, make_workspace, project_without
from foreview.baseline import read_rows_csv
from foreview.changes import Action, ChangeSet, Edit, State, changes_of
from foreview.contract import Contract
from foreview.engine import ReadMeter, open_session
from foreview.generate.airings import airing_rows
from foreview.generate.devices import generate_devices
from foreview.generate.market import channel_ids_of, open_keys, sample_rows
from foreview.generate.viewing import by_popularity, generate_viewing
from foreview.impact import Impact
from foreview.impact_tables import read_marts
from foreview.loads import ensure_landing, write_approved
from foreview.promotion import load_baseline
from foreview.submission import baseline_change_set, missing_parents
from foreview.viewing_load import append_viewing, broadcast_calendar, write_devices
from foreview.what_if import preview, scenario_schema
from foreview.workspace import Workspace

FIRST_DAY = date(2026, 4, 1)
READ_BY_MARTS = ("channel_id", "device_id", "seconds", "playback_mode", "is_session_start")
REAL_CHANNELS = SHARED_DATA / "iptv" / "channels_2026-04-07.csv"
SCHEDULED = 40
"""The most watched channels have a schedule."""
MINUTES = "audience_by_channel_minute"
"""Six rows for each record: at 100 million more than a small disk has."""


def generated(spark: Any, options: argparse.Namespace) -> tuple[Any, Any]:
    """Return viewing and its devices; if not told, one for 30 records, of the repeated ones too."""
    areas = open_keys(sample_rows(7)["area"], "area_id")
    usual = min(max(options.rows * options.repeat // 30, 100), 3_000_000)
    devices = options.device_count or usual
    return (
        generate_viewing(
            spark,
            rows=options.rows,
            first_day=FIRST_DAY,
            days=options.days,
            devices=devices,
            channel_ids=channel_ids_of([options.channels]),
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
        viewing, devices = generated(spark, options)
    write_devices(workspace, devices)
    append_viewing(workspace, viewing)
    contract = workspace.contract("channel")
    rows, problems = read_rows_csv(channels, contract)
    assert not problems
    sample = sample_rows(7)
    tables: dict[str, Any] = {
        **{name: sample[name] for name in ("market", "area", "genre", "programme")},
        "channel": rows,
        "airing": airing_rows(
            7,
            channel_ids=by_popularity(channel_ids_of([channels]), 7)[:SCHEDULED],
            programme_ids=open_keys(sample["programme"], "programme_id"),
            first_day=FIRST_DAY,
            days=options.days,
            calendar=broadcast_calendar(workspace),
        ),
    }
    tables |= missing_parents(workspace, contract, rows)
    load_baseline(workspace, baseline_change_set(workspace, tables, channels))


def repeat_days(workspace: Workspace, spark: Any, times: int) -> None:
    """Repeat the loaded days, with their figures, until there are so many times as many."""
    from delta.tables import DeltaTable

    viewing = workspace.table("fct_viewing")
    days = spark.table(viewing).select("viewing_date").distinct().collect()
    if len(days) % times == 0:
        return
    # A file to a task, so that its rows stay in order.
    for name in ("maxPartitionBytes", "openCostInBytes"):
        spark.conf.set(f"spark.sql.files.{name}", 1 << 40)
    tables = [viewing, workspace.table("viewing_by_key_day")]
    tables += [workspace.table(f"{mart['name']}__versions") for mart in read_marts(workspace)]
    shifted = ("viewing_date", "started_at", "content_at")
    for table in tables:
        rows = spark.table(table)
        copies = [
            rows.selectExpr(
                *(
                    f"{one} + interval {number * len(days)} day as {one}"
                    if one in shifted
                    else f"{one} + {number * len(days)} as {one}"
                    if one == "load_batch"
                    else one
                    for one in rows.columns
                )
            )
            for number in range(1, times)
        ]
        all_copies = reduce(lambda one, other: one.unionAll(other), copies)
        all_copies.write.format("delta").mode("append").saveAsTable(table)
    for name in ("maxPartitionBytes", "openCostInBytes"):
        spark.conf.unset(f"spark.sql.files.{name}")
    batch, day = spark.table(viewing).selectExpr("max(load_batch)", "max(viewing_date)").first()
    publications = DeltaTable.forName(spark, workspace.table("publications"))
    publications.update(set={"load_batch": f"{batch}", "last_day": f"date '{day}'"})


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
    edits = [(key, {"network_id": other}) for key in ones]
    edits += [(key, {"network_id": one}) for key in others]
    return corrections(contract, state, edits)


def area_edit(workspace: Workspace) -> ChangeSet:
    """Move the first area to the market of another one."""
    state, _ = workspace.registry.approved_rows("area")
    ((key, _), row), *others = sorted(state.items())
    market = next(one["market_id"] for _, one in others if one["market_id"] != row["market_id"])
    return corrections(workspace.contract("area"), state, [(key, {"market_id": market})])


def airing_edit(workspace: Workspace) -> ChangeSet:
    """Let ten airings of one channel end ten minutes earlier."""
    state, _ = workspace.registry.approved_rows("airing")
    longest = timedelta(minutes=30)
    edits = []
    for (key, _), row in sorted(state.items()):
        starts, ends = (datetime.fromisoformat(row[one] or "") for one in ("starts_at", "ends_at"))
        if row["layer"] == "programme" and ends - starts >= longest:
            edits.append((key, {"ends_at": str(ends - timedelta(minutes=10))}))
    return corrections(workspace.contract("airing"), state, edits[:10])


def corrections(contract: Contract, state: State, edits: list[tuple[str, Any]]) -> ChangeSet:
    changes = []
    for key, values in edits:
        identity = (key, "1900-01-01")
        edit = Edit(Action.CORRECT, identity, values, state[identity])
        found, _ = changes_of(contract, edit, state)
        changes += found
    return ChangeSet("bench", f"{len(edits)} rows", "edit", 1, "bench", "", {}, tuple(changes))


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


def needed_chunks(workspace: Workspace, spark: Any, change_set: ChangeSet) -> int:
    """Return the bytes of the column chunks with touched records, of columns that marts read."""
    from pyarrow.parquet import read_metadata

    touched = [one.identity[0] for one in change_set.changes]
    found = 0
    for file in spark.table(workspace.table("fct_viewing")).inputFiles():
        metadata = read_metadata(file.removeprefix("file://"))
        for place in range(metadata.num_row_groups):
            group = metadata.row_group(place)
            chunks = [group.column(number) for number in range(group.num_columns)]
            by_name = {one.path_in_schema: one for one in chunks}
            bounds = by_name["channel_id"].statistics
            if any(bounds.min <= one <= bounds.max for one in touched):
                found += sum(by_name[one].total_compressed_size for one in READ_BY_MARTS)
    return found


def bench_workspace(home: Path, *without: str) -> Workspace:
    """Return a workspace with the benchmarks' settings, without some marts."""
    os.environ.setdefault("FOREVIEW_SHUFFLE_PARTITIONS", "8")
    os.environ.setdefault("FOREVIEW_MEMORY", "8g")
    # Old stages would be forgotten, and what they read.
    retained = "--conf spark.ui.retainedStages=1000000 pyspark-shell"
    os.environ["PYSPARK_SUBMIT_ARGS"] = retained
    workspace = make_workspace(home, SESSION)
    project = home / "project"
    shutil.rmtree(project, ignore_errors=True)  # a kept one may be of older SQL
    project_without(project, *without)
    return replace(workspace, project=project)


def main() -> None:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=1, help="times as many days")
    parser.add_argument("--touched", type=int, default=5_000, help="records of the ten stations")
    parser.add_argument("--edit", choices=("channel", "area", "airing"), default="channel")
    parser.add_argument("--times", type=int, default=3, help="what-ifs after the first")
    parser.add_argument("--channels", type=Path, default=REAL_CHANNELS)
    parser.add_argument("--device-count", type=int, help="default: one for 30 records")
    parser.add_argument("--viewing", type=Path)
    parser.add_argument("--devices", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--load-only", action="store_true", help="into the folder of --keep")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--peer-marts", nargs="*", help="whose sums are built; default: all")
    parser.add_argument(
        "--peer-seconds",
        type=int,
        nargs=2,
        default=[3_600, 3_600],
        help="after which the sums of all marts, and all of them, are stopped",
    )
    parser.add_argument("--sums-only", action="store_true", help="no mart with reach both ways")
    parser.add_argument("--audit-helper", type=Path, help="a checkout of dbt-audit-helper")
    parser.add_argument("--sqlmesh", type=Path, help="a Python that has sqlmesh[spark]")
    parser.add_argument("--without", nargs="*", default=[MINUTES], help="marts to leave out")
    options = parser.parse_args()
    home = options.keep or Path(tempfile.mkdtemp(prefix="foreview-bench-"))
    workspace = bench_workspace(home, *options.without)
    spark = open_session(workspace)
    told: dict[str, Any] = {}

    def measure(name: str, work: Callable[[], Any]) -> Any:
        seconds, read, result = timed(spark, work)
        told[name] = {"seconds": round(seconds, 1), "bytes_read": read}
        print(json.dumps({name: told[name]}), file=sys.stderr, flush=True)
        return result

    measure("load", lambda: load(workspace, options))
    if options.repeat > 1:
        measure("repeat", lambda: repeat_days(workspace, spark, options.repeat))
    if options.load_only:
        return
    told["records"] = spark.table(workspace.table("fct_viewing")).count()
    state, last = workspace.registry.approved_rows("channel")
    contract = workspace.contract("channel")
    for name in ("load_channels_first", "load_channels"):
        measure(name, lambda: write_approved(workspace, spark, contract, state, last))
    change_set = {
        "channel": lambda: ten_row_edit(workspace, spark, options.touched),
        "area": lambda: area_edit(workspace),
        "airing": lambda: airing_edit(workspace),
    }[options.edit]()
    workspace.registry.record_change_set(change_set)
    measure("what_if_first", lambda: preview(workspace, [change_set.id]))
    repeats = []
    for _ in range(options.times):
        impact = measure("what_if", lambda: preview(workspace, [change_set.id]))
        repeats.append(told["what_if"])
    told["what_if"] = sorted(repeats, key=lambda one: one["seconds"])[len(repeats) // 2]
    if options.edit == "channel":
        told["needed_chunks"] = needed_chunks(workspace, spark, change_set)
    told["touched_records"] = impact.touched_records
    told["figures_moved"] = {mart.name: len(mart.figures) for mart in impact.marts}
    if options.edit == "area":
        schema = scenario_schema(workspace, [change_set.id])
        by_roll_up = measure(
            "sums_by_roll_up", lambda: peers.sums_by_roll_up(workspace, spark, schema)
        )
        assert by_roll_up == sums_by_market(impact)
    if not options.no_peers:
        measure_peers(workspace, spark, measure, told, options)
    print(json.dumps(told))


def sums_by_market(impact: Impact) -> dict[Any, int]:
    """Return by how many seconds each day's, mode's and market's sum moves."""
    found: Counter[Any] = Counter()
    for figure in next(one.figures for one in impact.marts if one.name == "audience_by_market_day"):
        day, market, _, mode = figure.grain
        found[day, market, mode] += int(figure.difference("seconds"))
    return {key: moved for key, moved in found.items() if moved}


def measure_peers(
    workspace: Workspace,
    spark: Any,
    measure: Callable[..., Any],
    told: dict[str, Any],
    options: argparse.Namespace,
) -> None:
    """Measure what Foreview is compared with, and put the ratios into what is told."""
    marts = {mart["name"]: mart["grain"] for mart in read_marts(workspace)}
    built = options.peer_marts or peers.marts_reading(workspace, options.edit, marts)
    told["marts_both_ways"] = built
    what_if = told["what_if"]["seconds"]

    def both_ways(name: str, most_seconds: int, *, sums_only: bool) -> bool:
        """Build and compare all marts; stopped after so many seconds, which count as at least.

        Returns:
            Whether it came to its end.
        """
        deadline = time.monotonic() + most_seconds
        timer = Timer(most_seconds, spark.sparkContext.cancelAllJobs)
        timer.start()

        def work() -> list[str]:
            done = []
            for mart in built:
                try:
                    peers.build_both_ways(workspace, spark, mart, options.edit, sums_only=sums_only)
                    peers.by_except(workspace, spark)
                except Exception:
                    if time.monotonic() < deadline:
                        raise
                    break
                done.append(mart)
            return done

        done = measure(name, work)
        timer.cancel()
        is_whole = done == built
        told[name] |= {
            "built": len(done),
            "is_whole": is_whole,
            "ratio": told[name]["seconds"] / what_if,
        }
        print(json.dumps({name: told[name]}), file=sys.stderr, flush=True)
        return is_whole

    both_ways("sums_both_ways", options.peer_seconds[0], sums_only=True)
    if options.sums_only:
        return
    is_whole = both_ways("all_both_ways", options.peer_seconds[1], sums_only=False)
    if options.edit != "channel" or not is_whole:
        return
    one = "audience_by_network_day"
    measure(
        "one_mart_both_ways",
        lambda: peers.build_both_ways(workspace, spark, one, sums_only=False),
    )
    told["ratio_one_mart"] = told["one_mart_both_ways"]["seconds"] / what_if
    told["moved"] = {
        "except": measure("except", lambda: peers.by_except(workspace, spark)),
        "outer_join": measure(
            "outer_join", lambda: peers.by_outer_join(workspace, spark, marts[one])
        ),
    }
    if options.audit_helper:
        measure("audit_helper", lambda: peers.by_audit_helper(workspace, options.audit_helper))
    if options.sqlmesh:
        told["table_diff"] = peers.by_table_diff(workspace, options.sqlmesh, marts[one])


if __name__ == "__main__":
    main()
