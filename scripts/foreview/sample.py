"""Sample data into a workspace: an invented market, its devices and their viewing, loaded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from foreview.contract import BEGINNING
from foreview.dbt_project import Progress, open_engines
from foreview.errors import Problem, UsageError
from foreview.loads import ensure_landing
from foreview.promotion import load_baseline
from foreview.submission import baseline_change_set, refuse_unfinished
from foreview.viewing_load import (
    append_viewing,
    broadcast_calendar,
    publish_loads,
    write_devices,
)
from foreview.workspace import Workspace


def generate_sample(
    workspace: Workspace,
    *,
    rows: int,
    days: int,
    devices: int,
    first_day: str,
    seed: int,
    channel_files: Sequence[Path] = (),
    output: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Generate a market with viewing and load it, or only write viewing to a folder.

    Args:
        workspace: Where; dimensions that have rows are kept.
        rows: Stays.
        days: Broadcast days.
        devices: Devices.
        first_day: First broadcast day, `YYYY-MM-DD`.
        seed: Same seed, same rows.
        channel_files: Files to draw channel codes from; none for the approved channels.
        output: A folder for the viewing as Parquet; nothing is loaded then.
        progress: Called after each model.

    Returns:
        What was made, by name.
    """
    from foreview.generate.devices import generate_devices
    from foreview.generate.market import channel_ids_of, open_keys, sample_rows
    from foreview.generate.viewing import generate_viewing, write_viewing

    try:
        start = date.fromisoformat(first_day)
    except ValueError as error:
        fix = "Write YYYY-MM-DD."
        raise UsageError(
            Problem("not-a-date", "The first day is no date.", value=first_day, fix=fix)
        ) from error
    refuse_unfinished(workspace)
    calendar = broadcast_calendar(workspace)
    spark = open_engines(workspace)
    if output is None:
        ensure_landing(workspace, spark)
    approved = workspace.registry.approved_rows
    channels = channel_ids_of(channel_files) if channel_files else []
    if not channels:
        channels = open_keys(list(approved("channel")[0].values()), "channel_id") or open_keys(
            sample_rows(seed)["channel"], "channel_id"
        )
    areas = sorted({one[0] for one in approved("area")[0]}) or open_keys(
        sample_rows(seed)["area"], "area_id"
    )
    viewing = generate_viewing(
        spark,
        rows=rows,
        first_day=start,
        days=days,
        devices=devices,
        channel_ids=channels,
        seed=seed,
        time_zone=calendar.time_zone,
        day_start=calendar.day_start,
    )
    if output is not None:
        write_viewing(viewing, output, file_format="parquet")
        return {"viewing": str(output)}
    if spark.table(workspace.table("device", "landing")).isEmpty():
        load_date = date.fromisoformat(BEGINNING)
        write_devices(
            workspace,
            generate_devices(spark, devices=devices, areas=areas, seed=seed, load_date=load_date),
        )
    append_viewing(workspace, viewing)
    # A first load builds and publishes everything, the viewing included.
    loaded = _load_dimensions(workspace, seed, progress)
    if not loaded:
        publish_loads(workspace, progress=progress)
    return loaded | {"devices": devices, "stays": rows, "days": days}


def _load_dimensions(workspace: Workspace, seed: int, progress: Progress | None) -> dict[str, Any]:
    """Record the sample rows of the dimensions that have none as a first load."""
    from foreview.generate.market import sample_rows

    registry = workspace.registry
    tables = {
        name: found
        for name, found in sample_rows(seed).items()
        if name in workspace.contracts and not registry.approved_rows(name)[0]
    }
    if not tables:
        return {}
    source = Path(f"sample market, seed {seed}")
    change_set = baseline_change_set(workspace, tables, source, reason="sample market")
    load_baseline(workspace, change_set, progress=progress)
    return {name: len(found) for name, found in tables.items()}
