"""A snapshot of a large dimension of which 1% changed, beside a MERGE written by hand.

Both find the changed rows among all and keep both versions, in one Spark session, on equal tables,
taking turns. Prints one JSON line: median seconds and the ratio. The snapshot's are dbt's own time
of the node; what dbt needs around it is told beside it.

    python tests/bench/bench_snapshot.py --rows 1000000
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import SESSION, make_workspace
from foreview.dbt_project import run_dbt
from foreview.engine import open_session
from foreview.loads import ensure_landing
from foreview.workspace import Workspace

MERGE = """
merge into {history} as old
using (
    select new.row_key as merge_key, new.* from {new} as new
    union all
    select null as merge_key, new.* from {new} as new
    inner join {history} as known
        on new.row_key = known.row_key and known.dbt_valid_to is null
    where new.row_hash != known.row_hash
) as new
on old.row_key = new.merge_key and old.dbt_valid_to is null
when matched and old.row_hash != new.row_hash then update set old.dbt_valid_to = current_timestamp()
when not matched then insert ({columns}, dbt_valid_from) values ({values}, current_timestamp())
when not matched by source and old.dbt_valid_to is null
    then update set old.dbt_valid_to = current_timestamp()
"""


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    workspace = make_workspace(Path(tempfile.mkdtemp(prefix="foreview-bench-")), SESSION)
    spark = open_session(workspace)
    ensure_landing(workspace, spark)
    write_rows(spark, workspace, options.rows, 0)
    models = ["--select", "stg_channel", "channel_history"]
    run_dbt(workspace, ["build", *models, "--exclude-resource-type", "test"])
    history, copy = workspace.table("channel_history"), workspace.table("merged_history")
    spark.table(history).write.format("delta").saveAsTable(copy)
    new = workspace.table("stg_channel", "staging")
    names = spark.table(new).columns
    merge = MERGE.format(
        history=copy,
        new=new,
        columns=", ".join(names),
        values=", ".join(f"new.{one}" for one in names),
    )
    told: dict[str, list[float]] = {"snapshot": [], "command": [], "merge": []}
    for number in range(1, options.rounds + 1):
        write_rows(spark, workspace, options.rows, number)
        turns = [lambda: snapshot(workspace, told), lambda: merged(spark, merge, told)]
        for turn in turns if number % 2 else reversed(turns):
            turn()
        counts = [
            (spark.table(one).count(), spark.table(one).where("dbt_valid_to is null").count())
            for one in (history, copy)
        ]
        assert counts[0] == counts[1] == (options.rows + number * options.rows // 100, options.rows)
    medians = {name: round(statistics.median(one), 1) for name, one in told.items()}
    ratio = round(medians["snapshot"] / medians["merge"], 2)
    print(json.dumps({"rows": options.rows, **medians, "ratio": ratio}))


def write_rows(spark: Any, workspace: Workspace, rows: int, number: int) -> None:
    """Write channels, another hundredth of them with another name in each round."""
    from pyspark.sql import functions as f

    table = workspace.table("channel", "landing")
    blank = {name: f.lit(None).cast("string") for name in spark.table(table).columns}
    name = f.concat(f.lit("name "), f.when(f.col("id") % 100 < number, f.col("id") % 100))
    values = {
        **blank,
        "channel_id": f.concat(f.lit("C"), f.col("id").cast("string")),
        "channel_name": f.coalesce(name, f.lit("name")),
        "network_id": f.concat(f.lit("N"), f.col("id") % 500),
        "country_id": f.lit("US"),
        "is_nsfw": f.lit("false"),
        "valid_from": f.lit("1900-01-01"),
        "change_set_id": f.lit("bench"),
    }
    frame = spark.range(rows).select(*(one.alias(name) for name, one in values.items()))
    frame.write.format("delta").mode("overwrite").saveAsTable(table)


def snapshot(workspace: Workspace, told: dict[str, list[float]]) -> None:
    """Run the dimension's snapshot; keep dbt's time of it, and the command's."""
    start = time.monotonic()
    run_dbt(workspace, ["snapshot", "--select", "channel_history"])
    told["command"].append(time.monotonic() - start)
    results = json.loads((workspace.home / "target" / "run_results.json").read_text("utf-8"))
    (node,) = (one for one in results["results"] if one["unique_id"].startswith("snapshot."))
    told["snapshot"].append(node["execution_time"])


def merged(spark: Any, merge: str, told: dict[str, list[float]]) -> None:
    """Run the MERGE."""
    start = time.monotonic()
    spark.sql(merge)
    told["merge"].append(time.monotonic() - start)


if __name__ == "__main__":
    main()
