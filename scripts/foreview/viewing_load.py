"""Loads of viewing: a batch is checked whole, appended, and becomes a publication."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreview.dbt_project import Progress, open_engines, run_dbt
from foreview.errors import Problem, RefusedError
from foreview.loads import ensure_landing
from foreview.past import note_publications
from foreview.submission import refuse_unfinished
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from foreview.viewing import BroadcastCalendar


def load_viewing(
    workspace: Workspace, path: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Load viewing records and publish the figures with them.

    Args:
        workspace: Where.
        path: A Parquet file or folder, or a Delta table's folder.
        progress: Called after each model.

    Returns:
        `records`, `batches` and the new `publication`.

    Killed anywhere, the same command goes on with it.

    Raises:
        RefusedError: It can't be read as viewing, a record is malformed, or a batch is not newer
            than those loaded; nothing is loaded then.
    """
    from foreview.impact_tables import newest_publication
    from foreview.viewing import check_viewing

    refuse_unfinished(workspace)
    spark = open_engines(workspace)
    ensure_landing(workspace, spark)
    frame = read_frame(spark, path, "not-viewing")
    problems = check_viewing(frame, broadcast_calendar(workspace))
    if problems:
        raise RefusedError(problems)
    batches = sorted(row[0] for row in frame.select("load_batch").distinct().collect())
    newest = _newest_batch(workspace, spark)
    if not batches or batches[0] > newest:
        append_viewing(workspace, frame)
    elif not _is_appended(workspace, spark, frame, batches):
        message = f"Batch {batches[0]} is not newer than batch {newest}, which is loaded."
        fix = f"Number batches upwards from {newest + 1}; late records come in a new batch."
        raise RefusedError(Problem("old-batch", message, where=str(path), fix=fix))
    publish_loads(workspace, progress=progress)
    return {
        "records": frame.count(),
        "batches": batches,
        "publication": newest_publication(workspace, spark)["number"],
    }


def append_viewing(workspace: Workspace, frame: DataFrame) -> None:
    """Append records to the landing table, in one commit."""
    frame.write.format("delta").mode("append").partitionBy("load_batch").saveAsTable(
        workspace.table("viewing", "landing")
    )


def write_devices(workspace: Workspace, devices: DataFrame) -> None:
    """Append a dated load of devices to the landing table."""
    devices.write.format("delta").mode("append").partitionBy("load_date").saveAsTable(
        workspace.table("device", "landing")
    )


def publish_loads(workspace: Workspace, *, progress: Progress | None = None) -> None:
    """Bring viewing, roll-up and marts up to the newest load, and publish."""
    run_dbt(
        workspace,
        [
            "run",
            "--select",
            *("+fct_viewing", "viewing_by_key_day", "path:models/audience"),
            "+path:models/audience,config.materialized:table",
        ],
        progress=progress,
    )
    note_publications(workspace)


def _is_appended(
    workspace: Workspace, spark: SparkSession, frame: DataFrame, batches: list[int]
) -> bool:
    """Return whether a load of the same records was interrupted before they were published."""
    from pyspark.sql import functions as f

    from foreview.impact_tables import newest_publication

    published = 0
    if spark.catalog.tableExists(workspace.table("publications")):
        published = newest_publication(workspace, spark)["load_batch"]
    if batches[0] <= published:
        return False
    landed = spark.table(workspace.table("viewing", "landing"))
    return are_equal(landed.where(f.col("load_batch").isin(batches)), frame, "load_batch")


def are_equal(landed: DataFrame, frame: DataFrame, load: str) -> bool:
    """Return whether two frames have equal records in each load, by their number and hashes."""
    from pyspark.sql import functions as f

    records = (f.count(f.lit(1)), f.bit_xor(f.xxhash64(*frame.columns)))
    found, asked = (
        one.select(frame.columns).groupBy(load).agg(*records).orderBy(load).collect()
        for one in (landed, frame)
    )
    return bool(found == asked)


def _newest_batch(workspace: Workspace, spark: SparkSession) -> int:
    from pyspark.sql import functions as f

    row = spark.table(workspace.table("viewing", "landing")).agg(f.max("load_batch")).first()
    return int(row[0]) if row is not None and row[0] is not None else 0


def read_frame(spark: SparkSession, path: Path, rule: str) -> DataFrame:
    """Return the records of a Parquet file or folder, or of a Delta table's folder.

    Raises:
        RefusedError: There is none (`file-not-found`), or it can't be read (the given rule).
    """
    from pyspark.errors import PySparkException

    if not path.exists():
        message = "There is no such file or folder."
        fix = "Name a Parquet file or folder, or a Delta table's folder."
        raise RefusedError(Problem("file-not-found", message, where=str(path), fix=fix))
    file_format = "delta" if (path / "_delta_log").is_dir() else "parquet"
    try:
        return spark.read.format(file_format).load(str(path.resolve()))
    except PySparkException as error:
        message = f"It can't be read as {file_format}: {str(error).splitlines()[0][:200]}"
        fix = "Name a Parquet file or folder, or a Delta table's folder."
        raise RefusedError(Problem(rule, message, where=str(path), fix=fix)) from error


def broadcast_calendar(workspace: Workspace) -> BroadcastCalendar:
    """Return the deployment's broadcast days, as dbt_project.yml sets them."""
    from foreview.viewing import BroadcastCalendar

    settings = workspace.settings
    return BroadcastCalendar(settings["broadcast_time_zone"], settings["broadcast_day_start"])
