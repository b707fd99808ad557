"""Commands around the publication calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from foreview.cli.command import ActAs, Home, Json, app, progress_bar, running

if TYPE_CHECKING:
    from foreview.clients import Client

Product = Annotated[str, typer.Argument(help="A report, for example audience_by_market_day.")]
First = Annotated[str, typer.Option("--from", help="The first day, YYYY-MM-DD.")]
Last = Annotated[str, typer.Option("--to", help="The last day.")]
Market = Annotated[str, typer.Option(help="One market only; default all.")]


@app.command("close-period")
def close_period(
    product: Product,
    first_day: First,
    last_day: Last,
    market: Market = "*",
    preliminary: Annotated[
        bool,
        typer.Option(
            "--preliminary", help="They may still move; readers see that in publication_calendar."
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Say that days of a report are published: from now on no change moves their figures.

    Example: foreview close-period audience_by_market_day --from 2026-04-01 --to 2026-04-30
    """
    from foreview.closing import close_period as close
    from foreview.periods import span_of

    with running("close-period", home, act_as, as_json) as session:
        entry = close(
            session.workspace,
            product,
            first_day,
            last_day,
            market=market,
            is_preliminary=preliminary,
            reason=reason,
        )
        session.print(asdict(entry), f"{span_of(entry).told()}: {entry.state}.")


@app.command("reopen-period")
def reopen_period(
    product: Annotated[str | None, typer.Argument(help="A report.")] = None,
    first_day: First = "",
    last_day: Last = "",
    market: Market = "*",
    reason: Annotated[str, typer.Option(help="A reason code of dbt_project.yml.")] = "",
    confirm: Annotated[
        int | None, typer.Option(help="Number of a request of somebody else's, to confirm it.")
    ] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Restate published figures: one person asks, a second one confirms.

    Examples:
    foreview reopen-period audience_by_market_day --from 2026-04-01 --to 2026-04-30
    --reason late-viewing

    foreview reopen-period --confirm 3
    """
    from foreview.clients import clients_of
    from foreview.closing import ask_to_reopen, confirm_reopening
    from foreview.periods import span_of

    if (confirm is None) == (product is None):
        raise typer.BadParameter("Name a report and its days, or give --confirm.")
    with (
        running("reopen-period", home, act_as, as_json) as session,
        progress_bar("Restating", as_json) as progress,
    ):
        if product is not None:
            entry, clients = ask_to_reopen(
                session.workspace, product, first_day, last_day, market=market, reason=reason
            )
            lines = [
                f"Asked to reopen {span_of(entry).told()}. "
                f"Somebody else: foreview reopen-period --confirm {entry.id}"
            ]
            lines += [f"To be told then: {one.told()}" for one in clients]
            data = asdict(entry) | {"clients": _plain(clients)}
            session.print(data, "\n".join(lines))
            return
        assert confirm is not None  # noqa: S101 - checked above
        entry, publication = confirm_reopening(session.workspace, confirm, progress=progress)
        text = (
            f"{span_of(entry).told()}, is open; publication {publication} has its figures as of "
            "today's rows."
        )
        clients = clients_of(session.workspace, entry.product)
        lines = [text, *(f"To be told now: {one.told()}" for one in clients)]
        data = asdict(entry) | {"publication": publication, "clients": _plain(clients)}
        session.print(data, "\n".join(lines))


def _plain(clients: Sequence[Client]) -> list[dict[str, str]]:
    return [{"name": one.name, "owner": one.owner, "email": one.email} for one in clients]


@app.command()
def periods(home: Home = None, as_json: Json = False) -> None:
    """Show which days of which report are preliminary or published, and requests to reopen some.

    Example: foreview periods
    """
    from foreview.periods import REOPENING, span_of, spans

    with running("periods", home, None, as_json, lock=False) as session:
        entries = session.workspace.registry.calendar()
        confirmed = {one.confirms for one in entries}
        asked = [one for one in entries if one.state == REOPENING and one.id not in confirmed]
        found = spans(entries)
        lines = [f"{one.state:11}  {one.told()}" for one in found]
        lines += [
            f"request {one.id}: {one.actor} asks to reopen {span_of(one).told()}: {one.reason}"
            for one in asked
        ]
        data = {"periods": list(map(asdict, found)), "requests": list(map(asdict, asked))}
        session.print(data, "\n".join(lines) or "All days are open.")
