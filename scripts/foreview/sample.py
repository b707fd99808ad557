"""Sample data into a workspace: an invented market, its devices and their viewing, loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from foreview.changes import Row, State, make_state
from foreview.contract import BEGINNING
from foreview.dbt_project import Progress, open_engines
from foreview.errors import Problem, RefusedError, UsageError
from foreview.generate.faults import Fault, fault_edits
from foreview.loads import ensure_landing
from foreview.promotion import load_baseline
from foreview.row_rules import merged_intervals
from foreview.submission import baseline_change_set, refuse_unfinished
from foreview.viewing_load import (
    append_viewing,
    broadcast_calendar,
    publish_loads,
    write_devices,
)
from foreview.workspace import Workspace

SCHEDULED_CHANNELS = 40
"""The most watched channels have a schedule: these many, fewer where days are many."""

MOST_AIRINGS = 10_000
AIRINGS_A_DAY = 25


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
    from foreview.generate.viewing import by_popularity, generate_viewing, write_viewing

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
    # Codes of a file may be no approved channel's: there is no schedule for them.
    viewed = [] if channel_files else by_popularity(channels, seed)
    # A first load builds and publishes everything, the viewing included.
    loaded = _load_dimensions(workspace, seed, viewed, start, days, progress)
    if not loaded:
        publish_loads(workspace, progress=progress)
    return loaded | {"devices": devices, "stays": rows, "days": days}


def _load_dimensions(
    workspace: Workspace,
    seed: int,
    channels: Sequence[str],
    first_day: date,
    days: int,
    progress: Progress | None,
) -> dict[str, Any]:
    """Record the sample rows of the dimensions that have none as a first load."""
    from foreview.generate.market import sample_rows

    registry = workspace.registry
    tables: dict[str, Sequence[Row]] = {
        name: found
        for name, found in sample_rows(seed).items()
        if name in workspace.contracts and not registry.approved_rows(name)[0]
    }
    if not registry.approved_rows("airing")[0]:
        airings = _schedule(workspace, tables, seed, channels, first_day, days)
        tables |= {"airing": airings} if airings else {}
    if not tables:
        return {}
    source = Path(f"sample market, seed {seed}")
    change_set = baseline_change_set(workspace, tables, source, reason="sample market")
    load_baseline(workspace, change_set, progress=progress)
    return {name: len(found) for name, found in tables.items()}


def _schedule(
    workspace: Workspace,
    tables: Mapping[str, Sequence[Row]],
    seed: int,
    channels: Sequence[str],
    first_day: date,
    days: int,
) -> Sequence[Row]:
    """Return airings of the first of the channels that are there on all days asked for."""
    from foreview.generate.airings import airing_rows

    def state_of(name: str) -> State:
        if name in tables:
            return make_state(workspace.contract(name), tables[name])
        return workspace.registry.approved_rows(name)[0]

    first, last = (str(first_day + timedelta(days=one)) for one in (-1, days + 1))
    there = {
        channel
        for channel, intervals in merged_intervals(
            workspace.contract("channel"), state_of("channel")
        ).items()
        if any(a <= first and (b is None or last < b) for a, b in intervals)
    }
    most = min(SCHEDULED_CHANNELS, MOST_AIRINGS // (AIRINGS_A_DAY * days))
    programmes = sorted({identity[0] for identity in state_of("programme")})
    return airing_rows(
        seed,
        channel_ids=[one for one in channels if one in there][: max(1, most)],
        programme_ids=programmes,
        first_day=first_day,
        days=days,
        calendar=broadcast_calendar(workspace),
    )


def write_fault(
    workspace: Workspace, fault: Fault, path: Path, *, seed: int, channel_id: str | None = None
) -> int:
    """Write a workbook with the edits that set a schedule right, and return their number.

    Args:
        workspace: Where the airings are approved rows.
        fault: What was on otherwise than the schedule says.
        path: The .xlsx file to write.
        seed: Chooses the airing.
        channel_id: The channel that it is to be on; None for any.

    Raises:
        RefusedError: There are no airings, or none on which that can have happened.
    """
    from foreview.exporting import export_edits

    airings, _ = workspace.registry.approved_rows("airing")
    try:
        edits = fault_edits(fault, airings.values(), seed=seed, channel_id=channel_id)
    except ValueError as error:
        where = f" of {channel_id}" if channel_id else ""
        message = f"No airing{where} can have been {fault.value}."
        fix = "Choose another channel or kind; foreview generate makes a schedule."
        raise RefusedError(Problem("no-fault", message, fix=fix)) from error
    export_edits(workspace, "airing", edits, path, f"an airing was {fault.value}")
    return len(edits)
