"""Erasure of a household: its records and devices go, and its figures are computed without it.

Figures that are published by the calendar keep their version, and so does every earlier
publication: they are sums, in which reports show nobody (`report.suppression`). Reference history
has no households. The erasure is in the log of events, with the household's number, so that it can
be shown. Should the supplier deliver the household once more, staging leaves it out, and the same
command removes what was delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foreview.dbt_project import Progress, open_engines, run_operation
from foreview.errors import Problem, RefusedError
from foreview.housekeeping import scenario_schemas
from foreview.impact_tables import newest_publication
from foreview.registry import ERASURE_BEGUN, ERASURE_DONE
from foreview.submission import refuse_unfinished
from foreview.what_if import require_publication
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Erased:
    """What was erased.

    Attributes:
        household_id: The household.
        devices: Number of its devices.
        records: Number of its viewing records that figures were computed with.
        days: The days on which it had viewing.
        publication: The newest publication, whose figures are without it.
    """

    household_id: int
    devices: int
    records: int
    days: tuple[str, ...]
    publication: int


def erase_household(
    workspace: Workspace, household_id: int, reason: str, *, progress: Progress | None = None
) -> Erased:
    """Erase a household, and publish the figures of its days without it.

    Killed anywhere, the same command goes on with it.

    Args:
        workspace: Where.
        household_id: Its number in the device loads.
        reason: Why, for example the request's ticket.
        progress: Called after each node.

    Raises:
        RefusedError: There is no such household, no reason, or a promotion is unfinished.
        EngineError: Spark or dbt failed; the command can be run again.
    """
    from foreview.promotion import build

    refuse_unfinished(workspace, erasing=household_id)
    if not reason:
        message = "An erasure takes a reason."
        raise RefusedError(Problem("no-reason", message, fix="Give --reason, such as its ticket."))
    spark = open_engines(workspace)
    require_publication(workspace, spark)
    run_operation(workspace, "create_landing_tables")  # those of a newer version too
    found = workspace.registry.unfinished_erasures().get(household_id) or _begin(
        workspace, spark, household_id, reason
    )
    run_operation(workspace, "erase_household", household_id=household_id)
    if schemas := scenario_schemas(workspace, spark):  # they have viewing by household
        run_operation(workspace, "drop_scenarios", schemas=schemas)
    build(workspace, erased_days=found["days"], progress=progress)
    run_operation(workspace, "forget_erased_files")
    publication = newest_publication(workspace, spark)["number"]
    payload = {"household": household_id, "publication": publication}
    workspace.registry.record_event(workspace.actor, ERASURE_DONE, payload)
    return Erased(
        household_id, len(found["devices"]), found["records"], tuple(found["days"]), publication
    )


def _begin(
    workspace: Workspace, spark: SparkSession, household_id: int, reason: str
) -> dict[str, Any]:
    from pyspark.sql import functions as f

    run_operation(workspace, "create_household_views", household_id=household_id)
    own = spark.table("foreview_household")
    devices = sorted({row["device_id"] for row in own.select("device_id").collect()})
    if not devices:
        message = f"There is no household {household_id} in the device loads."
        fix = "Check its number."
        raise RefusedError(Problem("unknown-household", message, fix=fix))
    viewing = spark.table(workspace.table("fct_viewing")).alias("viewing")
    held = (f.col("viewing.device_id") == f.col("own.device_id")) & (
        (f.col("own.valid_from") <= f.col("viewing_date"))
        & (f.col("own.valid_to").isNull() | (f.col("own.valid_to") > f.col("viewing_date")))
    )
    days = viewing.join(own.alias("own"), held, "left_semi").groupBy("viewing_date").count()
    counts = {str(row["viewing_date"]): row["count"] for row in days.collect()}
    sums = spark.table("foreview_household_loads").drop("number").collect()
    payload = {
        "household": household_id,
        "devices": devices,
        "records": sum(counts.values()),
        "days": sorted(counts),
        "loads": sorted([*row] for row in sums),
        "reason": reason,
    }
    workspace.registry.record_event(workspace.actor, ERASURE_BEGUN, payload)
    return payload
