"""The what-if: stages change sets, lets dbt compute their impact, and makes the receipt.

All figures are computed in SQL by the models of `models/what_if`; `impact_tables` reads them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from foreview.changes import ChangeSet, apply
from foreview.conflicts import check_applies
from foreview.dbt_project import Progress, open_engines, run_dbt
from foreview.engine import ReadMeter, remove_leftovers
from foreview.errors import Problem, RefusedError
from foreview.future import (
    MOST_ENDED_CODES,
    FutureEdit,
    States,
    best_day,
    ended_codes,
    future_days,
)
from foreview.impact import Illustration, Impact
from foreview.impact_tables import (
    count_figures,
    newest_publication,
    read_impact,
    read_mart_impacts,
    read_marts,
    read_models,
    with_rank_changes,
)
from foreview.lineage import preview_told
from foreview.loads import delta_rows, ensure_landing, stage_pending
from foreview.past import LOADED
from foreview.receipt import digest, receipt_content, what_changed
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def preview(
    workspace: Workspace,
    ids: Sequence[str],
    *,
    is_promoting: bool = False,
    path: str = "auto",
    illustrate: bool = False,
    progress: Progress | None = None,
) -> Impact:
    """Return the impact of change sets on all marts.

    Args:
        workspace: Where.
        ids: The change sets, tried together.
        is_promoting: Whether the after-world is the promoted dimensions instead of the proposed.
        path: `touched` or `full` instead of the one that is faster; the figures are the same.
        illustrate: Whether edits that begin after the last viewing are shown on the days before.
        progress: Called after each model.

    Raises:
        RefusedError: A change set is unknown or no longer open, two of them change one cell, or
            an edit no longer fits today's rows.
        EngineError: Spark or dbt failed.
    """
    from foreview.submission import refuse_unfinished

    if not is_promoting:
        refuse_unfinished(workspace)
    change_sets = checked_change_sets(workspace, ids, check_open=not is_promoting)
    if is_promoting:  # a part of the promotion, which tells of itself
        return _preview(workspace, change_sets, True, path, progress=progress)
    with preview_told(workspace, change_sets) as tell_impact:
        impact = _preview(
            workspace, change_sets, False, path, illustrate=illustrate, progress=progress
        )
        tell_impact(impact)
    return impact


def _preview(
    workspace: Workspace,
    change_sets: Sequence[ChangeSet],
    is_promoting: bool,
    path: str,
    *,
    illustrate: bool = False,
    progress: Progress | None = None,
) -> Impact:
    chosen = sorted(one.id for one in change_sets)
    variables = {"change_sets": chosen, "promoting": is_promoting}
    if path != "auto":
        variables["what_if_path"] = path
    spark = open_engines(workspace, variables)
    meter = ReadMeter(spark)
    ensure_landing(workspace, spark)
    require_publication(workspace, spark)
    refuse_unpublished_loads(workspace, spark)
    if not is_promoting:
        stage_pending(workspace, {name for one in change_sets for name in one.dimensions})
    schema = scenario_schema(workspace, chosen, "promotion" if is_promoting else "what_if")
    remove_leftovers(spark, schema)
    with ThreadPoolExecutor(max_workers=1) as meanwhile:  # dbt leaves a core idle
        counting = meanwhile.submit(count_figures, workspace, spark)
        _run_what_if(workspace, change_sets, variables, progress)
    totals = counting.result()
    impact = read_impact(workspace, spark, change_sets, schema, totals)
    content = receipt_content(impact)
    impact = replace(impact, checksum=digest(content))
    if is_promoting:
        return impact
    earlier = workspace.registry.latest_receipt(chosen)
    is_asked = {path, workspace.settings.get("what_if_path", "auto")} != {"auto"}
    smallest = int(workspace.settings.get("smallest_count", 0))
    impact = replace(
        impact,
        marts=with_rank_changes(spark, schema, impact.marts),
        paths=tuple(replace(one, is_asked=is_asked) for one in impact.paths),
        models=read_models(spark, schema),
        read=meter.read(),
        since=what_changed(earlier.content, content, smallest=smallest) if earlier else (),
        smallest_count=smallest,
        future=find_future(workspace, change_sets, impact.horizon_day),
    )
    if not illustrate:
        return impact
    return replace(impact, illustration=_illustration(workspace, spark, impact, progress))


def _run_what_if(
    workspace: Workspace,
    change_sets: Sequence[ChangeSet],
    variables: Mapping[str, Any],
    progress: Progress | None,
) -> None:
    """Run the models of the what-if, but for the tables of dimensions that are not edited."""
    edited = {name for one in change_sets for name in one.dimensions}
    others = [f"both_worlds_{name}" for name in sorted(workspace.contracts.keys() - edited)]
    command = ["run", "--select", "tag:what_if", "--exclude", *others]
    run_dbt(workspace, command, variables=variables, progress=progress)


def find_future(
    workspace: Workspace, change_sets: Sequence[ChangeSet], horizon_day: str | None
) -> tuple[FutureEdit, ...]:
    """Return the edits of change sets that begin to matter after the last day with viewing.

    Args:
        workspace: Where the approved rows and the rules of their tables are.
        change_sets: What is edited.
        horizon_day: The last broadcast day with viewing; None without viewing.
    """
    from foreview.viewing_load import broadcast_calendar

    if horizon_day is None:
        return ()
    end = broadcast_calendar(workspace).ends(horizon_day)

    def found(dimensions: set[str]) -> tuple[FutureEdit, ...]:
        rows = {name: workspace.registry.approved_rows(name)[0] for name in sorted(dimensions)}
        return tuple(
            edit
            for one in change_sets
            for edit in future_days(
                one, workspace.contracts, horizon_day, rows=rows, horizon_end=end
            )
        )

    edited = {name for one in change_sets for name in one.dimensions}
    events = {name for name in edited if workspace.contract(name).interval}
    # To replay the rows of all tables takes time, and most edits are of days with viewing.
    return found(edited) if found(events) else ()


ILLUSTRATED_DAYS = 28


def _illustration(
    workspace: Workspace, spark: SparkSession, impact: Impact, progress: Progress | None
) -> Illustration | None:
    """Compute the same scenario once more, on the last days as if a later day had come.

    Returns:
        None when no edit of a later day can be shown.
    """
    before, after = _worlds(workspace, impact)
    best = best_day(impact.future, before, after)
    if best is None or impact.horizon_day is None:
        return None
    day, edits = best
    ended = ended_codes(impact.future, after, day)
    if sum(map(len, ended.values())) > MOST_ENDED_CODES:
        return None
    last = date.fromisoformat(impact.horizon_day)
    first = last - timedelta(days=ILLUSTRATED_DAYS - 1)
    shown = {
        "day": day,
        "first_day": str(first),
        "end_day": str(last + timedelta(days=1)),
        "ended_codes": ended,
    }
    chosen = sorted(one.id for one in impact.change_sets)
    variables = {"change_sets": chosen, "illustrate": shown, "what_if_path": "touched"}
    schema = scenario_schema(workspace, chosen, "illustration")
    remove_leftovers(spark, schema)
    _run_what_if(workspace, impact.change_sets, variables, progress)
    marts = [_without_shares(mart) for mart in read_marts(workspace)]
    totals = {mart.name: mart.total_figures for mart in impact.marts}
    found = read_mart_impacts(spark, marts, schema, totals)
    return Illustration(day, str(first), impact.horizon_day, found, edits)


def _worlds(workspace: Workspace, impact: Impact) -> tuple[States, States]:
    """Return the approved rows of the tables with edits of a later day, and what they become."""
    names = sorted({one.dimension for one in impact.future})
    before = {name: workspace.registry.approved_rows(name)[0] for name in names}
    after = dict(before)
    for change_set in impact.change_sets:
        for name in names:
            changes = [one for one in change_set.changes if one.dimension == name]
            after[name], _ = apply(after[name], changes)
    return before, after


def _without_shares(mart: Mapping[str, Any]) -> dict[str, Any]:
    ratios = {name: one for name, one in mart.get("ratios", {}).items() if "within" not in one}
    return {**mart, "ratios": ratios}


def require_publication(workspace: Workspace, spark: SparkSession) -> None:
    """Refuse when nothing was ever published: there are no figures to compare with."""
    if not spark.catalog.tableExists(workspace.table("publications")):
        message = "Nothing is published yet, so there are no figures to compare with."
        fix = "Load reference rows (foreview baseline) and viewing (foreview load-viewing) first."
        raise RefusedError(Problem("nothing-published", message, fix=fix))


def refuse_unpublished_loads(workspace: Workspace, spark: SparkSession) -> None:
    """Refuse while viewing or devices are loaded that the published figures are without.

    An impact is the difference that is added to published figures; records that are not in these
    must not be in it either.

    Raises:
        RefusedError: `load-not-published`.
    """
    from pyspark.sql import functions as f

    newest = newest_publication(workspace, spark)
    tables = [
        ("viewing batch", workspace.table("fct_viewing"), "load_batch", newest["load_batch"]),
        ("device load", workspace.table("device", "landing"), "load_date", newest["device_load"]),
    ]
    problems = []
    for label, table, column, published in tables:
        row = spark.table(table).agg(f.max(column)).first()
        loaded = row[0] if row else None
        if loaded is not None and (published is None or loaded > published):
            message = (
                f"The {label} {loaded} is loaded but not published; the figures have it to "
                f"{published}. A load was interrupted, or something in it failed."
            )
            fix = "Publish it first: foreview build."
            problems.append(Problem("load-not-published", message, value=str(loaded), fix=fix))
    problems = problems or _earlier_devices(workspace, spark, newest["number"])
    if problems:
        raise RefusedError(problems)


def _earlier_devices(workspace: Workspace, spark: SparkSession, newest: int) -> list[Problem]:
    """Return a problem where devices of an earlier day came after later ones were published."""
    recorded = {
        row["side"].removeprefix(LOADED)
        for row in delta_rows(workspace.folder("publication_contents"))
        if row["table_name"] == "device"
        and row["side"].startswith(LOADED)
        and row["number"] <= newest
    }
    if not recorded:  # by an earlier version
        return []
    devices = spark.table(workspace.table("device", "landing")).select("load_date").distinct()
    others = sorted({str(row[0]) for row in devices.collect()} - recorded)
    message = "Devices of {} were loaded after later ones, and are not published yet."
    fix = "Publish them first: foreview build."
    return [
        Problem("load-not-published", message.format(one), value=one, fix=fix) for one in others
    ]


def scenario_schema(workspace: Workspace, ids: Sequence[str], kind: str = "what_if") -> str:
    """Return the schema of a scenario's models, as the macro `scenario_name` ends it.

    Args:
        workspace: Where.
        ids: The change sets.
        kind: `what_if`, `promotion` or `illustration`.
    """
    joined = hashlib.md5(",".join(sorted(ids)).encode(), usedforsecurity=False).hexdigest()
    return f"{workspace.schema}_{kind}_{ids[0] if len(ids) == 1 else joined[:16]}"


def checked_change_sets(
    workspace: Workspace, ids: Sequence[str], *, check_open: bool = True
) -> list[ChangeSet]:
    """Return change sets by id, checked against today's rows and against each other.

    Raises:
        RefusedError: One is unknown or not open, or a cell is no longer as its author saw it.
    """
    registry = workspace.registry
    change_sets = [registry.change_set(one) for one in dict.fromkeys(ids)]
    change_sets = list({one.id: one for one in change_sets}.values())
    if check_open:
        require_open(workspace, change_sets)
        check_applies(workspace, change_sets)
    return change_sets


def require_open(workspace: Workspace, change_sets: Sequence[ChangeSet]) -> None:
    """Refuse, with `not-open`, change sets that are neither pending nor approved."""
    problems = []
    for change_set in change_sets:
        status = workspace.registry.status(change_set.id)
        if status not in ("pending", "approved"):
            message = f"Change set {change_set.id} is {status}."
            fix = "Choose one that is open: foreview list."
            problems.append(Problem("not-open", message, value=change_set.id, fix=fix))
    if problems:
        raise RefusedError(problems)
