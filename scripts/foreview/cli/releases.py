"""Commands around releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foreview.cli.command import ActAs, Home, Json, OptionalId, Session, app, progress_bar, running
from foreview.errors import ForeviewError, RefusedError

if TYPE_CHECKING:
    from foreview.registry import Release


@app.command()
def promote(
    change_set: OptionalId = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish what was interrupted.")] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up what was interrupted; rows are put back.")
    ] = False,
    at: Annotated[
        str | None, typer.Option(help="Not now, but from this instant (UTC) on, by --due.")
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="All whose instant has come.")] = False,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Put an approved change request into effect, or finish an interrupted promotion.

    Example: foreview promote 3f2a

    Interrupted: foreview promote --resume, or foreview promote --abandon

    Scheduled: foreview promote 3f2a --at 2026-05-01T04:00, and foreview promote --due every minute
    """
    from foreview import promotion
    from foreview import schedule as schedules

    if [bool(change_set), resume, abandon, due].count(True) != 1 or (at and not change_set):
        raise typer.BadParameter("Name a change request, or give --resume, --abandon or --due.")
    with (
        running("promote", home, act_as, as_json) as session,
        progress_bar("Promoting", as_json) as progress,
    ):
        workspace = session.workspace
        if abandon:
            id_ = promotion.abandon(workspace, progress=progress)
            text = f"Given up; rows and figures are as before. {id_} is approved still."
            session.print({"abandoned": id_}, text)
        elif change_set and at:
            instant = schedules.schedule(workspace, change_set, at)
            session.print({"at": instant}, f"Scheduled for {instant}.")
        elif resume:
            _promoted(session, [promotion.resume(workspace, progress=progress)])
        elif due:
            tried = promotion.promote_due(workspace, progress=progress)
            _promoted(session, tried.done, tried.error)
        else:
            release = promotion.promote(workspace, str(change_set), progress=progress)
            _promoted(session, [release])


def _promoted(
    session: Session, releases: Sequence[Release], error: ForeviewError | None = None
) -> None:
    from foreview import store

    done = [{"release": one.number, "publication": one.publication} for one in releases]
    lines = [
        f"Reference version {one.number} is in effect; publication {one.publication} shows it.\n"
        f"Take it back: foreview rollback {one.number}"
        for one in releases
    ]
    data = done[0] if len(done) == 1 and error is None else done
    if lines or error is None:
        session.print_done(data, "\n".join(lines) or "Nothing is due.", error)
    try:
        if releases and store.is_configured():
            store.bring_up(session.workspace)
    except ForeviewError as failed:
        refused = error.problems if error else ()
        error = type(failed)([*refused, *failed.problems])
    if error is not None:
        error.done = done
        raise error


@app.command("store")
def bring_up_store(home: Home = None, as_json: Json = False) -> None:
    """Bring the reference store on MariaDB up to what is in effect; a promotion does it too.

    Other applications read approved rows there: docs/reference-store.md says how to name a server.

    Example: foreview store
    """
    from foreview import store

    with (
        running("store", home, None, as_json) as session,
        progress_bar("Building the store", as_json) as progress,
    ):
        checks = store.bring_up(session.workspace, progress=progress)
        rows = sum(one.rows for one in checks)
        session.print(
            [asdict(one) for one in checks],
            f"The reference store holds {rows:,} approved rows of {len(checks)} tables, "
            "as the registry has them.",
        )


@app.command()
def status(home: Home = None, as_json: Json = False) -> None:
    """Show what is in effect, what is open, and how far an interrupted promotion came.

    Example: foreview status
    """
    from foreview.status import status_of

    with running("status", home, None, as_json, lock=False) as session:
        found = status_of(session.workspace)
        session.print(asdict(found), found.told())


@app.command()
def rollback(
    release: Annotated[int, typer.Argument(help="Number of the reference version.")],
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Propose the inverse of a reference version, to be previewed, approved and promoted.

    Example: foreview rollback 12 --reason "the swap was called off"
    """
    from foreview.reviewing import standing_of
    from foreview.rollback import rollback as propose

    with running("rollback", home, act_as, as_json) as session:
        inverse = propose(session.workspace, release, reason)
        other = f'foreview rollback {release} --reason "..." with another reason proposes it anew'
        state, told = standing_of(session.workspace, inverse.id, other)
        session.print(
            {"id": inverse.id, "status": state},
            f"Change request {inverse.id} takes back reference version {release}.\n{told}",
        )


@app.command("as-of")
def as_of(
    table: Annotated[str, typer.Argument(help="A table or report, for example channel.")],
    at: Annotated[
        str | None, typer.Option(help="An instant in UTC, for example 2026-03-01.")
    ] = None,
    publication: Annotated[int | None, typer.Option(help="A publication's number instead.")] = None,
    day: Annotated[str | None, typer.Option(help="Only what holds on this day.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="column=value; may be repeated.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A CSV file with all rows.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show a table or report as readers saw it then: what did we believe on A about B?

    Example: foreview as-of channel --at 2026-03-01 --day 2026-02-15 --where channel_id=KABC.us
    """
    from foreview.past import as_of as as_readers_saw
    from foreview.past import plain_rows
    from foreview.report.files import write_csv

    if (at is None) == (publication is None):
        raise typer.BadParameter("Give --at or --publication.")
    with running("as-of", home, None, as_json) as session:
        found = as_readers_saw(
            session.workspace,
            table,
            instant=at,
            publication=publication,
            day=day,
            where=where or (),
        )
        if output:
            rows = plain_rows(found)
            write_csv(output, found.columns, (list(row.values()) for row in rows))
            session.print({"file": str(output), "rows": len(rows)}, f"{len(rows):,} rows: {output}")
            return
        if as_json:  # machines get them all
            session.print(plain_rows(found), "")
            return
        rows = plain_rows(found.orderBy(*found.columns).limit(SHOWN_ROWS))
        lines = ["  ".join(f"{name}={value}" for name, value in row.items()) for row in rows]
        more = [f"The first {SHOWN_ROWS} rows; all: --output FILE.csv"] * (len(rows) == SHOWN_ROWS)
        session.print(rows, "\n".join([*lines, *more]) or "No rows.")


SHOWN_ROWS = 50


@app.command()
def feed(
    release: Annotated[int | None, typer.Argument(help="Number of the reference version.")] = None,
    system: Annotated[
        str | None, typer.Option("--for", help="The next one that this system has not taken.")
    ] = None,
    acknowledge: Annotated[
        int | None, typer.Option(help="Say that the system of --for has taken this one.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder.")] = Path("feed"),
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Write which rows and which figures a reference version changed, for other systems.

    Examples:
    foreview feed --for billing -o /exchange/billing

    foreview feed --for billing --acknowledge 12
    """
    from foreview import feed as feeds

    if (release is None) == (system is None) or (acknowledge is not None and system is None):
        raise typer.BadParameter("Name a reference version, or a system with --for.")
    with running("feed", home, act_as, as_json) as session:
        workspace = session.workspace
        if system is not None and acknowledge is not None:
            feeds.acknowledge(workspace, system, acknowledge)
            done = {"system": system, "acknowledged": acknowledge}
            session.print(done, f"{system} has taken reference version {acknowledge}.")
            return
        number = release if system is None else feeds.next_release(workspace, system)
        if number is None:
            session.print({"release": None}, f"{system} has taken everything.")
            return
        written = feeds.write_feed(workspace, number, output)
        session.print(
            asdict(written),
            f"Reference version {number}: {written.rows:,} rows, {written.figures:,} figures "
            f"in {written.folder}.",
        )


@app.command()
def history(
    dimension: Annotated[str, typer.Argument(help="The table, for example channel.")],
    key: Annotated[str, typer.Argument(help="The key, for example a channel's code.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show every version of a row: when it held, when it was known, and who made it so.

    Example: foreview history channel KABC.us
    """
    from foreview.history import versions_of

    with running("history", home, None, as_json, lock=False) as session:
        found = versions_of(session.workspace, dimension, key)
        session.print([asdict(one) for one in found], "\n".join(one.told() for one in found))


@app.command()
def verify(
    *,
    with_loads: Annotated[
        bool, typer.Option("--loads", help="Read all viewing and devices, too: it takes a while.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Check that seeds, loads and tables hold what was approved, and that the log is whole.

    Example: foreview verify
    """
    from foreview.audit import verify as check_all

    with running("verify", home, None, as_json) as session:
        checks, problems = check_all(session.workspace, with_loads=with_loads)
        if problems:
            raise RefusedError(problems)
        lines = [
            f"{one.dimension:14} {one.place:16} {one.rows:>8,} rows  {one.hash[:12]}"
            for one in checks
        ]
        not_read = "" if with_loads else " Viewing and devices were not read (--loads)."
        agreed = "All agree" if checks else "Nothing is in effect yet"
        ending = f"{agreed}; the log of events is whole.{not_read}"
        session.print([asdict(one) for one in checks], "\n".join([*lines, ending]))
