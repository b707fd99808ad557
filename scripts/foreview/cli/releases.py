"""Commands around releases."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from foreview.cli.command import ActAs, Home, Id, Json, app, progress_bar, running
from foreview.errors import RefusedError


@app.command()
def promote(change_set: Id, home: Home = None, act_as: ActAs = None, as_json: Json = False) -> None:
    """Put an approved change request into effect, or finish an interrupted promotion.

    Example: foreview promote 3f2a
    """
    from foreview.promotion import promote as put_into_effect

    with (
        running("promote", home, act_as, as_json) as session,
        progress_bar("Promoting", as_json) as progress,
    ):
        release = put_into_effect(session.workspace, change_set, progress=progress)
        session.print(
            {"release": release.number, "publication": release.publication},
            f"Reference version {release.number} is in effect; publication {release.publication} "
            f"shows it.\nTake it back: foreview rollback {release.number}",
        )


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
    from foreview.promotion import rollback as propose

    with running("rollback", home, act_as, as_json) as session:
        inverse = propose(session.workspace, release, reason)
        session.print(
            {"id": inverse.id},
            f"Change request {inverse.id} takes back reference version {release}.\n"
            f"See what it does: foreview what-if {inverse.id}",
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
def verify(home: Home = None, as_json: Json = False) -> None:
    """Check that seeds, loads and tables hold what was approved, and that the log is whole.

    Example: foreview verify
    """
    from foreview.audit import verify as check_all

    with running("verify", home, None, as_json) as session:
        checks, problems = check_all(session.workspace)
        if problems:
            raise RefusedError(problems)
        lines = [
            f"{one.dimension:14} {one.place:16} {one.rows:>8,} rows  {one.hash[:12]}"
            for one in checks
        ]
        session.print(
            [asdict(one) for one in checks],
            "\n".join([*lines, "All agree; the log of events is whole."]),
        )
