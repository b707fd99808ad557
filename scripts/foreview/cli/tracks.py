"""Commands around another system that still runs: its figures beside ours."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from foreview.cli.command import ActAs, Home, Json, app, running

Mart = Annotated[str, typer.Argument(help="A report, for example audience_by_network_day.")]
System = Annotated[str, typer.Option(help="The other system's name.")]
Publication = Annotated[
    int | None, typer.Option(help="Number of our publication; default the newest.")
]


@app.command("load-track")
def load_track(
    mart: Mart,
    file: Annotated[Path, typer.Argument(help="CSV with a header, or .parquet.")],
    system: System,
    publication: Publication = None,
    ignore: Annotated[list[str] | None, typer.Option(help="A column to leave out.")] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Keep another system's figures of a report beside ours, to be compared.

    The file has the report's grain and one measure or more. Loaded again for the same publication,
    its days are replaced.

    Examples:
    foreview load-track audience_by_network_day april.csv --system old

    foreview load-track audience_by_network_day april.parquet --system old --publication 12
    """
    from foreview.tracks import load_track as load

    with running("load-track", home, act_as, as_json) as session:
        done = load(
            session.workspace, mart, file, system, publication=publication, ignore=ignore or ()
        )
        replaced = f", in place of {done.replaced:,}" if done.replaced else ""
        text = (
            f"{done.figures:,} figures of {system}{replaced}: {done.days[0]} to {done.days[-1]}, "
            f"beside publication {done.publication}.\n"
            f"Compare them: foreview compare-track {mart} --system {system}"
        )
        session.print(asdict(done), text)


@app.command("drop-track")
def drop_track(
    mart: Mart,
    system: System,
    publication: Annotated[int, typer.Option(help="For which of our publications it was loaded.")],
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Remove figures of another system that were loaded by mistake.

    What it had delivered for an earlier publication holds again. The log of events has who did it.

    Examples:
    foreview drop-track audience_by_network_day --system old --publication 12
    """
    from foreview.tracks import drop_track as drop

    with running("drop-track", home, act_as, as_json) as session:
        dropped = drop(session.workspace, mart, system, publication)
        data = {"mart": mart, "system": system, "publication": publication, "figures": dropped}
        session.print(data, f"{dropped:,} figures of {system} beside {publication} are removed.")


@app.command("compare-track")
def compare_track(
    mart: Mart,
    system: System,
    publication: Publication = None,
    first_day: Annotated[str | None, typer.Option("--from", help="No day before it.")] = None,
    last_day: Annotated[str | None, typer.Option("--to", help="No day after it.")] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(help="How far a figure may be apart: NUMBER, or MEASURE=NUMBER."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A CSV file with all differences.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="A page of HTML to look at.")] = None,
    fail: Annotated[
        bool, typer.Option("--fail-on-difference", help="Exit with 1 when a figure differs.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Compare our published figures with those of another system, on the days that it delivered.

    Examples:
    foreview compare-track audience_by_network_day --system old --page tracks.html

    foreview compare-track audience_by_network_day --system old --tolerance weighted_seconds=0.5
    """
    from foreview.report.tracks import (
        tracks_as_data,
        tracks_to_csv,
        tracks_to_html,
        tracks_to_text,
    )
    from foreview.tracks import compare_track as compare

    with running("compare-track", home, None, as_json) as session:
        tracks = compare(
            session.workspace,
            mart,
            system,
            publication=publication,
            first_day=first_day,
            last_day=last_day,
            tolerances=tolerance or (),
        )
        lines, files = [tracks_to_text(tracks)], []
        if output:
            files.append(tracks_to_csv(tracks, output))
            lines.append(f"\nAll differences: {output}")
        if page:
            files.append(tracks_to_html(tracks, page))
            lines.append(f"The page: {page}" if output else f"\nThe page: {page}")
        data = tracks_as_data(tracks) | {"files": list(map(str, files))}
        session.print(data, "\n".join(lines))
        if fail and tracks.comparison.differences:
            raise typer.Exit(1)
