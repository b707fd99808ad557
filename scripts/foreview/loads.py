"""Loads: approved and proposed rows into seed files and Delta landing tables.

A seed file has the same bytes for the same rows: sorted by identity, LF, UTF-8. In Delta all
columns are text, as in a seed; the staging models cast them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from foreview.changes import Change, Identity, Kind, Row, State, rebase, row_key
from foreview.contract import Contract
from foreview.errors import Problem, RefusedError
from foreview.periods import PUBLISHED, spans
from foreview.whole_files import replacing
from foreview.workspace import Workspace, disk_error

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

    from foreview.registry import CalendarEntry

MAX_SEED_ROWS = 10_000
"""A seed is reviewed in git, and past a mebibyte dbt compares only its path."""


def write_approved(
    workspace: Workspace,
    spark: SparkSession | None,
    contract: Contract,
    state: State,
    last: Mapping[Identity, str],
) -> None:
    """Write a dimension's approved rows to its seed file or its landing table.

    Args:
        workspace: Where.
        spark: The session; None is enough for a seed.
        contract: The dimension.
        state: All approved rows.
        last: The change set that each row last came from.
    """
    columns, rows = approved_lines(contract, state, last)
    if contract.storage == "seed":
        write_seed(workspace.seeds / f"{contract.dimension}.csv", columns, rows)
    else:
        assert spark is not None  # noqa: S101 - only a seed needs none
        _overwrite(spark, workspace.table(contract.dimension, "landing"), columns, rows)


def approved_lines(
    contract: Contract, state: State, last: Mapping[Identity, str]
) -> tuple[tuple[str, ...], Sequence[Row]]:
    """Return the columns and rows of a dimension's seed or load, sorted by identity."""
    rows = [{**state[one], "change_set_id": last[one]} for one in sorted(state)]
    return approved_columns(contract), rows


def approved_columns(contract: Contract) -> tuple[str, ...]:
    """Return the columns of a dimension's seed or load."""
    return (*contract.row_columns, "change_set_id")


def write_seed(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as a seed file, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row[name] is None else row[name] for name in columns])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(text.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise disk_error(error, path.name) from error


def read_seed(path: Path, contract: Contract) -> list[Row]:
    """Return the lines of a seed file; none when there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: line.get(name) or None for name in approved_columns(contract)}
            for line in csv.DictReader(file)
        ]


def ensure_seeds(workspace: Workspace) -> None:
    """Make a seed file, without rows, for each small dimension that has none."""
    for contract in workspace.contracts.values():
        path = workspace.seeds / f"{contract.dimension}.csv"
        if contract.storage == "seed" and not path.exists():
            write_seed(path, approved_columns(contract), [])


def match_columns(workspace: Workspace, spark: SparkSession) -> None:
    """Write approved rows anew where a table's rules have other columns than what dbt reads.

    Raises:
        RefusedError: A column is no longer in the rules.
    """
    problems = []
    for name, contract in workspace.contracts.items():
        found = _columns_read(workspace, spark, contract)
        columns = set(approved_columns(contract))
        if not found or set(found) == columns:
            continue
        state, last = workspace.registry.approved_rows(name)
        held = {one for row in state.values() for one, value in row.items() if value is not None}
        lost = ", ".join(sorted({*found, *held} - columns))
        if state and lost:  # also when it is blank: the history has it for ever
            message = f"The rules of {contract.label} no longer have the column {lost}."
            fix = f"Put it back into models/staging/{name}.yml, with `retired: true` in its meta."
            problems.append(Problem("column-removed", message, value=lost, fix=fix))
        else:
            write_approved(workspace, spark, contract, state, last)
    if problems:
        raise RefusedError(problems)
    _match_calendar(workspace)


def _match_calendar(workspace: Workspace) -> None:
    """Write the calendar anew where an earlier version of Foreview made it, without states."""
    from deltalake import DeltaTable

    folder = workspace.folder(CALENDAR, "landing")
    if not (folder / "_delta_log").exists():
        return
    if "state" not in {one.name for one in DeltaTable(folder).schema().fields}:
        stage_calendar(workspace)


def _columns_read(workspace: Workspace, spark: SparkSession, contract: Contract) -> Sequence[str]:
    if contract.storage == "seed":
        path = workspace.seeds / f"{contract.dimension}.csv"
        if not path.exists():
            return ()
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), ())
    table = workspace.table(contract.dimension, "landing")
    return spark.table(table).columns if spark.catalog.tableExists(table) else ()


def stage_pending(workspace: Workspace, dimensions: Iterable[str]) -> None:
    """Write all pending changes of dimensions, as they stand on today's rows, for dbt to read.

    By delta-rs, without a Spark session, so that a submitted change set is there for plain dbt at
    once. Where the landing tables are not made yet, nothing is published to compare with either.

    Args:
        workspace: Where.
        dimensions: Their rows in the table `pending_edits` are replaced, in one commit.

    Raises:
        EngineError: The disk is full, or the folder can't be written.
    """
    chosen = sorted(set(dimensions))
    if not chosen or not (workspace.folder(PENDING_EDITS, "landing") / "_delta_log").exists():
        return
    rows = []
    for dimension in chosen:
        state, _ = workspace.registry.approved_rows(dimension)
        for one in workspace.registry.pending(dimension):
            changes = [change for change in one.changes if change.dimension == dimension]
            moved, conflicts = rebase(state, changes)
            rows += [
                _edit_row(workspace.contract(dimension), one.id, number, change)
                for number, change in enumerate(changes if conflicts else moved)
            ]
    names = ", ".join(f"'{name}'" for name in chosen)
    replaced = f"dimension in ({names})"
    write_landing(workspace, PENDING_EDITS, _arrow(EDIT_COLUMNS, rows), predicate=replaced)


def write_landing(
    workspace: Workspace,
    name: str,
    rows: Any,
    *,
    predicate: str | None = None,
    is_added: bool = False,
    has_new_columns: bool = False,
) -> None:
    """Write an Arrow table to a landing table by delta-rs, without Spark, in one commit.

    Args:
        workspace: Where.
        name: The landing table.
        rows: What it holds from now on.
        predicate: Only the rows that meet it are replaced.
        is_added: Whether the rows are added to those there are; makes the table when it is missing.
        has_new_columns: Whether the table may be an older one that lacks columns.

    Raises:
        EngineError: The disk is full, or the folder can't be written.
    """
    from deltalake import DeltaTable, write_deltalake

    folder = workspace.folder(name, "landing")
    try:
        if is_added:
            write_deltalake(folder, rows, mode="append")
        else:
            schema_mode: Literal["overwrite"] | None = "overwrite" if has_new_columns else None
            write_deltalake(
                DeltaTable(folder),
                rows,
                mode="overwrite",
                predicate=predicate,
                schema_mode=schema_mode,
            )
    except OSError as error:
        raise disk_error(error, name) from error


def announce_promotion(workspace: Workspace, release: int | None) -> None:
    """Tell plain dbt not to build, since the rows of a release are being prepared; None: it may.

    Args:
        workspace: Where.
        release: Its number; `CALENDAR_AHEAD` while the staged calendar has an entry that the
            registry does not have yet.

    Raises:
        EngineError: The disk is full, or the folder can't be written.
    """
    import pyarrow as pa

    rows = pa.table({"release": pa.array([] if release is None else [release], pa.int32())})
    write_landing(workspace, UNFINISHED, rows)


def stage_calendar(workspace: Workspace, entry: CalendarEntry | None = None) -> None:
    """Write what the publication calendar comes to, for dbt to read.

    Args:
        workspace: Where.
        entry: One that will be recorded later, as if it were already; plain dbt does not build
            before the calendar is staged without it.

    Raises:
        EngineError: The disk is full, or the folder can't be written.
    """
    entries = workspace.registry.calendar()
    if entry:
        announce_promotion(workspace, CALENDAR_AHEAD)
        entries += [entry] if entry not in entries else []
    write_landing(workspace, CALENDAR, calendar_rows(entries), has_new_columns=True)
    if not entry and _is_calendar_ahead(workspace):
        announce_promotion(workspace, None)


def _is_calendar_ahead(workspace: Workspace) -> bool:
    told = delta_rows(workspace.folder(UNFINISHED, "landing"))
    return told == [{"release": CALENDAR_AHEAD}]


def calendar_rows(entries: Sequence[CalendarEntry]) -> pa.Table:
    """Return what calendar entries come to: disjoint spans of product, market and days."""
    from datetime import date

    import pyarrow as pa

    found = spans(entries)
    return pa.table(
        {
            "product": pa.array([one.product for one in found], pa.string()),
            "market": pa.array([one.market for one in found], pa.string()),
            "first_day": pa.array(
                [date.fromisoformat(one.first_day) for one in found], pa.date32()
            ),
            "last_day": pa.array([date.fromisoformat(one.last_day) for one in found], pa.date32()),
            "is_held": pa.array([one.state == PUBLISHED for one in found], pa.bool_()),
            "state": pa.array([one.state for one in found], pa.string()),
        }
    )


CALENDAR = "publication_calendar"
"""The landing table of what is published and so held."""

UNFINISHED = "unfinished_promotion"
"""The landing table of the release that is being prepared."""

CALENDAR_AHEAD = 0
"""What it says, in place of a release, while the staged calendar is ahead of the registry's."""

PENDING_EDITS = "pending_edits"
"""The landing table of the rows of all open change sets."""

EDIT_COLUMNS = (
    "dimension",
    "change_set_id",
    "change_number",
    "change_kind",
    "changed_columns",
    "row_key",
    "copied_from",
    "row_values",
)


def _edit_row(contract: Contract, change_set_id: str, number: int, change: Change) -> Any:
    changed = change.after if change.kind is Kind.MODIFIED else {**change.before}
    if change.kind is Kind.ADDED:
        changed = {**changed, "valid_from": None, "valid_to": None}
    values = {name: change.after.get(name) for name in contract.row_columns}
    values |= dict(zip(contract.key, change.identity[:-1], strict=True))
    return {
        "dimension": contract.dimension,
        "change_set_id": change_set_id,
        "change_number": number,
        "change_kind": change.kind.value,
        "changed_columns": "," + ",".join(changed) + ",",
        "row_key": row_key(change.identity),
        "copied_from": row_key(change.copied_from) if change.copied_from else None,
        "row_values": values,
    }


def _overwrite(
    spark: SparkSession, table: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    frame = spark.createDataFrame(_arrow(columns, rows))
    writer = frame.coalesce(1).write.format("delta").mode("overwrite")
    writer.option("overwriteSchema", "true").saveAsTable(table)


def _arrow(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Any:
    import pyarrow as pa

    other = {"change_number": pa.int32(), "row_values": pa.map_(pa.string(), pa.string())}
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], other.get(name, pa.string()))
            for name in columns
        }
    )


def ensure_landing(workspace: Workspace, spark: SparkSession) -> None:
    """Make the landing tables where there are none yet; plain dbt does so on its own.

    What a killed command left behind is mended: a calendar that is not what was decided, so that
    published figures do not move; and readers are shown the newest publication.
    """
    from foreview.dbt_project import run_operation

    if not spark.catalog.tableExists(workspace.table("viewing", "landing")):
        run_operation(workspace, "create_landing_tables")
    decided = calendar_rows(workspace.registry.calendar()).to_pylist()
    staged = delta_rows(workspace.folder(CALENDAR, "landing"))
    if staged != decided or _is_calendar_ahead(workspace):
        stage_calendar(workspace)
    _show_newest(workspace, spark)


def _show_newest(workspace: Workspace, spark: SparkSession) -> None:
    """Show readers the newest publication, if what published it was killed before it could."""
    from foreview.dbt_project import run_operation

    newest = newest_published(workspace)
    pointer = workspace.table("shown_publication")
    if newest is None or not spark.catalog.tableExists(pointer):
        return
    shown = spark.table(pointer).first()
    if shown is not None and shown["number"] != newest["number"]:
        run_operation(workspace, "show_newest_publication")


def newest_published(workspace: Workspace) -> dict[str, Any] | None:
    """Return the newest publication's row, read without Spark; None before the first."""
    rows = delta_rows(workspace.folder("publications"))
    return max(rows, key=lambda one: one["number"], default=None)


def delta_rows(folder: Path) -> list[dict[str, Any]]:
    """Return a small table's rows, read without Spark; none where there is no table."""
    from deltalake import DeltaTable

    if not DeltaTable.is_deltatable(str(folder)):
        return []
    rows: list[dict[str, Any]] = DeltaTable(folder).to_pyarrow_table().to_pylist()
    return rows
