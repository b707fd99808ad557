"""Housekeeping: removes what nothing needs any more, and never what something does.

Gone are the tables of trials whose change requests have ended, the figures kept for renewals that
can't come, and old files of earlier states of the tables that are written anew all the time. Seeds,
snapshots, versions of figures, publications, viewing, receipts and the log of events are never
touched: the past is made of them, and `verify` looks into the files that they once had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from foreview.dbt_project import open_engines, run_operation
from foreview.loads import CALENDAR, PENDING_EDITS, UNFINISHED
from foreview.receipt_figures import TABLE as RECEIPT_FIGURES
from foreview.receipt_figures import drop_figures, kept_checksums
from foreview.submission import refuse_unfinished
from foreview.what_if import scenario_schema
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KINDS = ("what_if", "promotion", "illustration")

KEPT_HOURS = 7 * 24
"""Files that a table no longer has are kept so long, as Delta does by default, or longer where the
table says so; never less, since a query that began before may still read them."""

_HOURS = {"hour": 1, "day": 24, "week": 7 * 24}


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be.

    Attributes:
        schemas: Schemas of trials.
        receipts: Checksums of receipts whose figures were kept.
        files: How many files of earlier states of each table.
    """

    schemas: tuple[str, ...]
    receipts: tuple[str, ...]
    files: Mapping[str, int] = field(default_factory=dict)


def scenario_schemas(workspace: Workspace, spark: SparkSession) -> list[str]:
    """Return all schemas in which trials have tables; not others whose names begin alike."""
    named = re.compile(f"{re.escape(workspace.schema)}_({'|'.join(KINDS)})_[0-9a-f]{{16}}")
    present = [one.name for one in spark.catalog.listDatabases()]
    return [one for one in present if named.fullmatch(one)]


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
    files = remove_old_files(workspace, is_dry=is_dry)
    return Removed(tuple(schemas), tuple(checksums), files)


def remove_old_files(workspace: Workspace, *, is_dry: bool = False) -> dict[str, int]:
    """Remove files of earlier states of tables that are written anew; return how many of each.

    What a table holds now is left as it is, and so is what was written in the last days.
    """
    from deltalake import DeltaTable

    found = {}
    for name, folder in _rewritten(workspace).items():
        if not DeltaTable.is_deltatable(str(folder)):
            continue
        table = DeltaTable(folder)
        hours = max(KEPT_HOURS, _own_hours(table.metadata().configuration))
        # Our least counts, not Delta's, which a table may have lowered. A killed write's files go
        # too, which no log has. Those that are gone already are listed for some time.
        vacuum = partial(table.vacuum, hours, enforce_retention_duration=False, full=True)
        listed = vacuum(dry_run=True)
        gone = [one for one in listed if (folder / one).exists()]
        if gone:
            found[name] = len(gone)
        if gone and not is_dry:
            vacuum(dry_run=False)
    return found


def _rewritten(workspace: Workspace) -> dict[str, Path]:
    """Return the folders of the tables of which nothing but what they hold now is ever read."""
    loads = [one.dimension for one in workspace.contracts.values() if one.storage != "seed"]
    landing = (PENDING_EDITS, CALENDAR, UNFINISHED, RECEIPT_FIGURES, *loads)
    found = {name: workspace.folder(name, "landing") for name in landing}
    checked = "publication_contents_found"
    return found | {checked: workspace.folder(checked)}


def _own_hours(properties: Mapping[str, str | None]) -> int:
    """Return for how many hours a table says that its files are to be kept; 0 when it does not."""
    told = properties.get("delta.deletedFileRetentionDuration") or ""
    parts = re.findall(r"(\d+) (hour|day|week)", told)
    return sum(int(count) * _HOURS[unit] for count, unit in parts)
