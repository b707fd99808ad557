"""Promotion and rollback beside the what-if of the same ten-row channel edit; published views.

Loads a workspace, or takes the one that `bench_what_if.py --keep FOLDER --load-only` loaded and
changes it: the edit is promoted and rolled back, each with its preview. Then queries of a published
view take turns with the same on a plain table of its rows, partitioned by day as the mart's are.
Prints one JSON line: seconds, ratios.

    python tests/bench/bench_promotion.py --keep FOLDER
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_what_if import MINUTES, REAL_CHANNELS, bench_workspace, load, ten_row_edit

from conftest import acting
from foreview.approval import approve
from foreview.audit import verify
from foreview.changes import ChangeSet
from foreview.engine import open_session
from foreview.promotion import promote
from foreview.receipt import record_receipt
from foreview.rollback import rollback
from foreview.what_if import preview
from foreview.workspace import Workspace


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--channels", type=Path, default=REAL_CHANNELS)
    parser.add_argument("--touched", type=int, default=5_000, help="records of the ten stations")
    parser.add_argument("--without", nargs="*", default=[MINUTES], help="marts to leave out")
    parser.add_argument("--queries-only", action="store_true", help="of the views as they are")
    parser.set_defaults(repeat=1, viewing=None, devices=None, device_count=None)
    options = parser.parse_args()
    home = options.keep or Path(tempfile.mkdtemp(prefix="foreview-bench-"))
    workspace = bench_workspace(home, *options.without)
    spark = open_session(workspace)
    load(workspace, options)
    told: dict[str, Any] = {"records": spark.table(workspace.table("fct_viewing")).count()}
    if options.queries_only:
        print(json.dumps(told | _queries(workspace, spark)))
        return

    def measure(name: str, work: Callable[[], Any]) -> Any:
        start = time.monotonic()
        result = work()
        told[name] = round(time.monotonic() - start, 1)
        return result

    edit = ten_row_edit(workspace, spark, options.touched)
    workspace.registry.record_change_set(edit)
    preview(workspace, [edit.id])  # the first in a session
    release = _through(workspace, edit, measure, "")
    inverse = rollback(workspace, release)
    _through(workspace, inverse, measure, "_of_rollback")
    _, problems = measure("verify", lambda: verify(workspace))
    assert not problems
    for end in ("", "_of_rollback"):
        told[f"ratio{end}"] = round(told[f"promote{end}"] / told[f"what_if{end}"], 2)
    told |= _queries(workspace, spark)
    print(json.dumps(told))


TURNS = 9
QUERIES = {
    "whole": "select viewing_date, sum(seconds), sum(reach) from {} group by viewing_date",
    "channel": "select * from {} where channel_sk = '{channel}'",
    "one_day": "select * from {} where viewing_date = date '{day}'",
    "top_of_a_week": "select channel_sk, sum(seconds) as seconds, sum(weighted_seconds) from {} "
    "where viewing_date between date '{day}' and date_add(date '{day}', 6) "
    "group by channel_sk order by seconds desc limit 20",
    "all_measures": "select playback_mode, sum(records), sum(seconds), sum(weighted_seconds), "
    "sum(sessions), max(reach), max(weighted_reach), max(share) from {} group by playback_mode",
    "first_ten": "select * from (select *, rank() over (partition by viewing_date, playback_mode "
    "order by seconds desc) as place from {}) where place <= 10",
}


def _queries(workspace: Workspace, spark: Any) -> dict[str, Any]:
    """Return the median seconds of queries on a published view and on a plain table, and ratios."""
    view = workspace.table("audience_by_channel_day", "published")
    plain = workspace.table("plain_audience")
    rows = spark.table(view).write.format("delta").partitionBy("viewing_date").mode("overwrite")
    rows.option("overwriteSchema", "true").saveAsTable(plain)
    first = spark.table(plain).first()
    named = {"channel": first["channel_sk"], "day": first["viewing_date"]}
    told: dict[str, Any] = {"figures": spark.table(plain).count()}
    for name, query in QUERIES.items():
        seconds: dict[str, list[float]] = {view: [], plain: []}
        for turn in range(TURNS):
            for table in (view, plain) if turn % 2 else (plain, view):
                start = time.monotonic()
                spark.sql(query.format(table, **named)).toArrow()
                seconds[table].append(time.monotonic() - start)
        medians = [statistics.median(seconds[table]) for table in (view, plain)]
        told[f"query_{name}"] = [round(one, 3) for one in medians]
        told[f"ratio_query_{name}"] = round(medians[0] / medians[1], 2)
    totals = [sum(told[f"query_{name}"][side] for name in QUERIES) for side in (0, 1)]
    return told | {"ratio_queries": round(totals[0] / totals[1], 2)}


def _through(
    workspace: Workspace, change_set: ChangeSet, measure: Callable[..., Any], end: str
) -> int:
    impact = measure(f"what_if{end}", lambda: preview(workspace, [change_set.id]))
    record_receipt(workspace, impact)
    reviewer = acting(workspace, "rob")
    approve(reviewer, change_set.id)
    release = measure(f"promote{end}", lambda: promote(reviewer, change_set.id))
    return int(release.number)


if __name__ == "__main__":
    main()
