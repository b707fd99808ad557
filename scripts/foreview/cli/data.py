"""Commands that bring data in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from foreview.cli.command import ActAs, Home, Json, app, progress_bar, running
from foreview.errors import RefusedError
from foreview.generate.faults import Fault


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="A new folder; default foreview-demo-TIME.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Viewing records to generate.")] = 200_000,
    store: Annotated[
        str | None,
        typer.Option(help="mariadb: registry and reference store on a server, for as long."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell the whole story on a generated market: two networks swap a station.

    Examples:
    foreview demo /tmp/my-demo

    foreview demo /tmp/my-demo --store mariadb
    """
    from foreview.demo import run_demo

    if store not in (None, "mariadb"):
        raise typer.BadParameter(f"{store!r} is no store: use mariadb, or leave --store out.")
    with running("demo", as_json=as_json, lock=False) as session:
        told = run_demo(session.workspace, folder, rows, quiet=as_json, on_server=store is not None)
        session.print(told, told["where_to_look"])


@app.command()
def generate(
    rows: Annotated[int, typer.Option(help="Stays to generate.")] = 1_000_000,
    days: Annotated[int, typer.Option(help="Broadcast days.")] = 14,
    devices: Annotated[int, typer.Option(help="Devices.")] = 50_000,
    first_day: Annotated[str, typer.Option(help="First broadcast day.")] = "2026-04-01",
    seed: Annotated[int, typer.Option(help="Same seed, same rows.")] = 1,
    channels: Annotated[
        list[Path] | None,
        typer.Option(help="CSV files to draw channel codes from; default the approved channels."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Only write viewing here (Parquet); load nothing."),
    ] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Generate sample dimensions and viewing, and load them.

    Dimensions that have rows already are kept. Examples:

    foreview generate --rows 5000000 --days 28

    foreview generate --rows 100000000 --channels channels.csv -o /data/viewing
    """
    from foreview.sample import generate_sample

    with (
        running("generate", home, act_as, as_json) as session,
        progress_bar("Generating", as_json) as progress,
    ):
        done = generate_sample(
            session.workspace,
            rows=rows,
            days=days,
            devices=devices,
            first_day=first_day,
            seed=seed,
            channel_files=channels or [],
            output=output,
            progress=progress,
        )
        session.print(done, "\n".join(f"{name}: {value}" for name, value in done.items()))


@app.command("schedule-fault")
def schedule_fault(
    kind: Annotated[Fault, typer.Argument(help="What went wrong with a programme.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The workbook to write.")],
    channel: Annotated[str | None, typer.Option(help="The channel; default any.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same airing.")] = 1,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write a workbook that sets an approved schedule right, to try what-ifs of airings with.

    A programme was on later (moved), in the other order with the next one (swapped), another one
    was on in its second half (split), or it was not on at all (cancelled). Example:

    foreview schedule-fault swapped -o swapped.xlsx && foreview submit swapped.xlsx
    """
    from foreview.sample import write_fault

    with running("schedule-fault", home, None, as_json) as session:
        edits = write_fault(session.workspace, kind, output, seed=seed, channel_id=channel)
        told = {"file": str(output), "edits": edits}
        session.print(told, f"{edits} edits of airings: {output}. Look at it, then submit it.")


@app.command()
def build(
    tests: Annotated[bool, typer.Option(help="Run dbt's tests too.")] = True,
    restore: Annotated[
        bool,
        typer.Option("--restore", help="First undo what was changed in approved rows by hand."),
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Bring dimensions and marts up to the newest rows and viewing, as `dbt build` does.

    Examples:
    foreview build

    foreview build --restore
    """
    from foreview.promotion import build as build_all
    from foreview.submission import refuse_unfinished

    with running("build", home, None, as_json) as session, progress_bar("Building", as_json) as bar:
        refuse_unfinished(session.workspace)
        build_all(session.workspace, with_tests=tests, is_restoring=restore, progress=bar)
        session.print({"built": True}, "Built.")


@app.command()
def baseline(
    dimension: Annotated[str, typer.Argument(help="The table, for example channel.")],
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.")],
    ignore: Annotated[list[str] | None, typer.Option(help="A column to leave out.")] = None,
    add_missing_parents: Annotated[
        bool,
        typer.Option(
            help="Add rows for networks, owners... that the file names, where a table has none yet."
        ),
    ] = False,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Load a dimension for the first time from a CSV file.

    Examples:
    foreview baseline country countries.csv --ignore languages --ignore flag

    foreview baseline channel channels.csv --add-missing-parents
    """
    from foreview.baseline import read_rows_csv
    from foreview.promotion import load_baseline
    from foreview.submission import baseline_change_set, missing_parents

    with (
        running("baseline", home, act_as, as_json) as session,
        progress_bar("Loading", as_json) as progress,
    ):
        contract = session.workspace.contract(dimension)
        rows, problems = read_rows_csv(file, contract, ignore=ignore or [])
        if problems:
            raise RefusedError(problems)
        tables: dict[str, Any] = {dimension: rows}
        if add_missing_parents:
            tables |= missing_parents(session.workspace, contract, rows)
        change_set = baseline_change_set(session.workspace, tables, file)
        release = load_baseline(session.workspace, change_set, progress=progress)
        counts = {name: len(list(found)) for name, found in tables.items()}
        session.print(
            {"release": release.number, "rows": counts},
            f"Reference version {release.number}: "
            + ", ".join(f"{count:,} rows of {name}" for name, count in counts.items()),
        )


@app.command("load-viewing")
def load_viewing(
    path: Annotated[Path, typer.Argument(help="Parquet file or folder, or a Delta folder.")],
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Load a batch of viewing records; refused whole when one is malformed.

    Example: foreview load-viewing /data/viewing/2026-04-01
    """
    from foreview.viewing_load import load_viewing as load

    with (
        running("load-viewing", home, act_as, as_json) as session,
        progress_bar("Loading", as_json) as progress,
    ):
        done = load(session.workspace, path, progress=progress)
        session.print(
            done, f"{done['records']:,} records; publication {done['publication']} shows them."
        )


@app.command("load-devices")
def load_devices(
    path: Annotated[Path, typer.Argument(help="Parquet file or folder, or a Delta folder.")],
    day: Annotated[str, typer.Option("--date", help="The broadcast day from which they hold.")],
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Load all devices as of a day: households, areas, weights; refused whole if one is malformed.

    Example: foreview load-devices /data/devices/2026-04-01 --date 2026-04-01
    """
    from foreview.device_load import load_devices as load

    with (
        running("load-devices", home, act_as, as_json) as session,
        progress_bar("Loading", as_json) as progress,
    ):
        done = load(session.workspace, path, day, progress=progress)
        told = (
            f"{done['devices']:,} devices as of {day}; publication {done['publication']} has them."
        )
        session.print(done, told)


@app.command("erase-household")
def erase_household(
    household: Annotated[int, typer.Argument(help="Its number in the device loads.")],
    reason: Annotated[str, typer.Option(help="Why, such as the request's ticket.")] = "",
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Erase a household's viewing and devices, and publish its days without it.

    Earlier publications and published days keep their figures: they are sums. It can't be undone.

    Example: foreview erase-household 40123 --reason "request 2026-114"
    """
    from foreview.erasure import erase_household as erase

    with (
        running("erase-household", home, act_as, as_json) as session,
        progress_bar("Erasing", as_json) as progress,
    ):
        done = erase(session.workspace, household, reason, progress=progress)
        text = (
            f"Household {household}: {done.records:,} records of {len(done.days):,} days and "
            f"{done.devices:,} devices erased; publication {done.publication} is without them."
        )
        session.print(asdict(done), text)


@app.command()
def housekeeping(
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Remove the tables of trials whose change requests have ended; nothing of the past.

    Files that tables of open edits, loads and the calendar no longer have go after seven days.

    Example: foreview housekeeping --dry-run
    """
    from foreview.housekeeping import clean_up

    with running("housekeeping", home, act_as, as_json) as session:
        done = clean_up(session.workspace, is_dry=dry)
        verb = "would be removed" if dry else "removed"
        text = (
            f"{len(done.schemas):,} schemas of trials, the figures of {len(done.receipts):,} "
            f"preview records and {sum(done.files.values()):,} old files {verb}."
        )
        session.print(asdict(done), text)
