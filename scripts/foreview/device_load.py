"""Loads of devices: all devices as of a day, checked whole, appended, and published."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreview.dbt_project import Progress, open_engines
from foreview.errors import Problem, RefusedError
from foreview.loads import ensure_landing
from foreview.periods import day_problems
from foreview.submission import refuse_unfinished
from foreview.viewing import Rule, broken_rules, column_problems
from foreview.viewing_load import are_equal, publish_loads, read_frame, write_devices
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DEVICE_COLUMNS = {
    "device_id": "bigint",
    "household_id": "bigint",
    "device_type": "string",
    "area_id": "string",
    "weight": "decimal(9,4)",
}
"""Columns of a load of devices, with Spark's type names."""


def load_devices(
    workspace: Workspace, path: Path, day: str, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Load all devices as of a day, and publish the figures with them.

    The load holds from that day until the next one; devices that it lacks are gone from then on.
    Killed anywhere, the same command goes on with it.

    Args:
        workspace: Where.
        path: A Parquet file or folder, or a Delta table's folder.
        day: The broadcast day from which they hold, `YYYY-MM-DD`.
        progress: Called after each model.

    Returns:
        `devices`, `load_date` and the new `publication`.

    Raises:
        RefusedError: It can't be read as devices, one is malformed or there twice, or other devices
            were loaded as of that day; nothing is loaded then.
    """
    from pyspark.sql import functions as f

    from foreview.impact_tables import newest_publication

    refuse_unfinished(workspace)
    if problems := day_problems([day]):
        raise RefusedError(problems)
    spark = open_engines(workspace)
    ensure_landing(workspace, spark)
    frame = read_frame(spark, path, "not-devices")
    problems = column_problems(frame, DEVICE_COLUMNS, "a device") or _record_problems(frame)
    if frame.isEmpty():
        fix = "Deliver all devices as they are from that day on."
        problems.append(Problem("not-devices", "There is no device in it.", str(path), fix=fix))
    if problems:
        raise RefusedError(problems)
    devices = frame.select(*DEVICE_COLUMNS, f.lit(date.fromisoformat(day)).alias("load_date"))
    landed = spark.table(workspace.table("device", "landing")).where(f.col("load_date") == day)
    if landed.isEmpty():
        write_devices(workspace, devices)
    elif not are_equal(landed, devices, "load_date"):
        message = f"Other devices were loaded as of {day}."
        fix = "A load is never changed: deliver them as of another day."
        raise RefusedError(Problem("other-devices", message, where=str(path), value=day, fix=fix))
    publish_loads(workspace, progress=progress)
    number = newest_publication(workspace, spark)["number"]
    return {"devices": devices.count(), "load_date": day, "publication": number}


def _record_problems(frame: DataFrame) -> list[Problem]:
    from pyspark.sql import functions as f

    weight = f.col("weight")
    rules = [
        Rule("required", f"{name} is null", "Deliver a value.", f.col(name).isNull())
        for name in ("device_id", "weight")
    ]
    rules.append(Rule("device-weight", "weight is negative", "Weights are 0 or more.", weight < 0))
    problems = list(broken_rules(frame, rules, DEVICE_COLUMNS, "device"))
    twice = frame.groupBy("device_id").count().where("count > 1").orderBy("device_id")
    if example := twice.first():
        message = f"Devices are there twice: {twice.count():,} of them."
        fix = "Deliver each device once: a load says how things are on one day."
        problems.append(Problem("duplicate-device", message, "device", str(example[0]), fix))
    return problems
