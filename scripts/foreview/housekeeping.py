"""Housekeeping: removes what nothing needs any more, and never what something does.

Gone are the tables of trials whose change requests have ended, and the figures kept for renewals
that can't come. Seeds, snapshots, versions of figures, publications, receipts and the log of
events are never touched: the past is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foreview.dbt_project import open_engines, run_operation
from foreview.receipt_figures import drop_figures, kept_checksums
from foreview.submission import refuse_unfinished
from foreview.what_if import scenario_schema
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KINDS = ("what_if", "promotion", "illustration")


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be.

    Attributes:
        schemas: Schemas of trials.
        receipts: Checksums of receipts whose figures were kept.
    """

    schemas: tuple[str, ...]
    receipts: tuple[str, ...]


def scenario_schemas(workspace: Workspace, spark: SparkSession) -> list[str]:
    """Return all schemas in which trials have tables."""
    prefixes = tuple(f"{workspace.schema}_{kind}_" for kind in KINDS)
    present = [one.name for one in spark.catalog.listDatabases()]
    return [one for one in present if one.startswith(prefixes)]


def clean_up(workspace: Workspace, *, is_dry: bool = False) -> Removed:
    """Remove what nothing needs.

    Args:
        workspace: Where.
        is_dry: Only say what would be removed.

    Raises:
        RefusedError: A promotion is unfinished.
        EngineError: Spark or dbt failed; it can be run again.
    """
    refuse_unfinished(workspace)
    spark = open_engines(workspace)
    registry = workspace.registry
    open_ = {one.id for one in registry.pending()}
    receipts = registry.receipts()
    scenarios = {one.change_set_ids for one in receipts} | {(one,) for one in open_}
    needed = {
        scenario_schema(workspace, ids, kind)
        for ids in scenarios
        if open_.issuperset(ids)
        for kind in KINDS
    }
    schemas = [one for one in scenario_schemas(workspace, spark) if one not in needed]
    wanted = {one.checksum for one in receipts if open_.issuperset(one.change_set_ids)}
    checksums = sorted(kept_checksums(workspace) - wanted)
    if not is_dry:
        if schemas:
            run_operation(workspace, "drop_scenarios", schemas=schemas)
        drop_figures(workspace, checksums)
    return Removed(tuple(schemas), tuple(checksums))
