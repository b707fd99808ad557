"""What the what-if is compared with: a mart built both ways, and tools that compare two tables.

dbt-audit-helper is not on PyPI and SQLMesh brings another Spark along, so that neither is a
dependency: the benchmark is told where they are.
"""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from foreview.dbt_project import run_dbt
from foreview.impact_tables import read_marts
from foreview.workspace import Workspace

SQLMESH = Path(__file__).with_name("peer_sqlmesh.py")


def marts_reading(workspace: Workspace, dimension: str, marts: Iterable[str]) -> list[str]:
    """Return the marts whose compiled SQL reads a dimension."""
    table = re.compile(rf"{workspace.table('dim_' + dimension)}\b")
    return [one for one in marts if table.search(_compiled(workspace, f"audience/{one}"))]


def build_both_ways(
    workspace: Workspace, spark: Any, mart: str, dimension: str = "channel", *, sums_only: bool
) -> None:
    """Build a mart with a dimension's old and new rows, as `bench_old` and `bench_new`.

    A mart of days a few of them at a time: what a billion records come to by household in between
    fills a disk.
    """
    from pyspark.sql import functions as f

    shadow = _compiled(workspace, f"what_if/shadow_dim_{dimension}")
    spark.sql(shadow).createOrReplaceTempView("bench_shadow")
    sql = _compiled(workspace, f"audience/{mart}")
    if sums_only:  # without the step by household, which only reach needs
        sql, count = re.subn(r"\n +device\.household_id,|,\n +device\.household_id\b", "", sql)
        assert count == 2, mart
    new = re.sub(rf"{workspace.table('dim_' + dimension)}\b", "bench_shadow", sql)
    viewing = workspace.table("fct_viewing")
    column = f.col("viewing_date")
    rows = spark.table(viewing).select(column).distinct().orderBy(column).collect()
    days = [row[0] for row in rows]
    (period,) = (one.get("period", "day") for one in read_marts(workspace) if one["name"] == mart)
    size = DAYS_AT_ONCE if period == "day" else len(days)
    for name, query in (("bench_old", sql), ("bench_new", new)):
        table = workspace.table(name)
        spark.sql(f"drop table if exists {table}")
        of_days, count = re.subn(rf"{viewing}\b", "bench_viewing", query)
        assert count, mart
        for place in range(0, len(days), size):
            part = spark.table(viewing).where(column.isin(days[place : place + size]))
            part.createOrReplaceTempView("bench_viewing")
            spark.sql(of_days).write.format("parquet").mode("append").saveAsTable(table)


DAYS_AT_ONCE = 3


def _compiled(workspace: Workspace, model: str) -> str:
    models = workspace.home / "target" / "compiled" / "foreview" / "models"
    return (models / f"{model}.sql").read_text()


def sums_by_roll_up(workspace: Workspace, spark: Any, schema: str) -> dict[Any, int]:
    """Return by how many seconds each day's, mode's and market's sum moves by an edit of areas.

    From the roll-up by day, channel, area and mode, where sums are all that is asked for.
    """
    rows = spark.sql(
        """
        select
            string(roll_up.viewing_date),
            coalesce(area.market_id, '(none)'),
            roll_up.playback_mode,
            sum(if(area.world = 'after', roll_up.seconds, -roll_up.seconds)) as moved
        from {roll_up} as roll_up
        inner join {both_worlds} as area
            on roll_up.area_id = area.area_id
                and roll_up.viewing_date >= area.valid_from
                and (roll_up.viewing_date < area.valid_to or area.valid_to is null)
        where area.area_id in (select key_value from {touched})
        group by 1, 2, 3
        having moved != 0
        """,
        roll_up=spark.table(workspace.table("viewing_by_key_day")),
        both_worlds=spark.table(f"{schema}.both_worlds_area"),
        touched=spark.table(f"{schema}.touched_keys"),
    ).collect()
    return {tuple(row)[:3]: row[3] for row in rows}


def by_except(workspace: Workspace, spark: Any) -> int:
    """Return how many figures of `bench_new` are not in `bench_old`."""
    old, new = (spark.table(workspace.table(name)) for name in ("bench_old", "bench_new"))
    return new.exceptAll(old).count()  # type: ignore[no-any-return]


def by_outer_join(workspace: Workspace, spark: Any, grain: list[str]) -> int:
    """Return how many figures differ, by the join that one writes by hand."""
    from pyspark.sql import functions as f

    old, new = (spark.table(workspace.table(name)) for name in ("bench_old", "bench_new"))
    old, new = old.alias("old"), new.alias("new")
    measures = [one for one in old.columns if one not in grain]
    same = [f.col(f"old.{one}") == f.col(f"new.{one}") for one in grain]
    differs = " or ".join(f"not (old.{one} <=> new.{one})" for one in measures)
    return old.join(new, same, "full_outer").where(differs).count()  # type: ignore[no-any-return]


def by_audit_helper(workspace: Workspace, checkout: Path) -> None:
    """Compare by dbt-audit-helper's `compare_queries`, as dbt runs it."""
    macro = (checkout / "macros" / "compare_queries.sql").read_text()
    (workspace.project / "macros" / "audit_helper.sql").write_text(macro)
    old, new = (f"'table {workspace.table(name)}'" for name in ("bench_old", "bench_new"))
    run_dbt(workspace, ["show", "--inline", f"{{{{ default__compare_queries({old}, {new}) }}}}"])


def by_table_diff(workspace: Workspace, python: Path, grain: list[str]) -> dict[str, Any]:
    """Compare by SQLMesh's `TableDiff`, in a Python of its own; its start is not counted."""
    folder = workspace.home / "warehouse" / f"{workspace.schema}.db"
    command = [python, SQLMESH, folder / "bench_old", folder / "bench_new", *grain]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    return dict(zip(("seconds", "differing", "version"), done.stdout.split(), strict=True))
