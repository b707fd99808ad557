"""Closing and reopening periods: published figures are held; restating them takes two people.

A reopening brings the figures of its days up to today's rows at once, as a publication: held
figures may have fallen behind, and none may stay so on a day that is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from foreview.clients import Client, clients_of
from foreview.dbt_project import Progress, open_engines
from foreview.errors import Problem, RefusedError
from foreview.impact_tables import newest_publication, read_marts, unknown_mart
from foreview.loads import ensure_landing, newest_published, stage_calendar
from foreview.open_days import last_viewing_day
from foreview.periods import (
    EVERY_MARKET,
    PRELIMINARY,
    PUBLISHED,
    REOPENING,
    day_problems,
    days_in,
    reason_problem,
)
from foreview.submission import refuse_unfinished
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import CalendarEntry


def close_period(
    workspace: Workspace,
    product: str,
    first_day: str,
    last_day: str,
    *,
    market: str = EVERY_MARKET,
    is_preliminary: bool = False,
    reason: str = "",
) -> CalendarEntry:
    """Record that days of a product are published: from now on their figures are held.

    Args:
        workspace: Where.
        product: A mart.
        first_day: The first day, `YYYY-MM-DD`; a week counts by its Monday, an airing by its day.
        last_day: The last day.
        market: One market only; the product must have figures by market.
        is_preliminary: Whether they may still move; readers are told so.
        reason: Why.

    Raises:
        RefusedError: The product, market or days are wrong, published days would become
            preliminary, or not all viewing of days that would be published is there.
    """
    from foreview.registry import CalendarEntry

    mart = _check(workspace, product, market, first_day, last_day)
    _check_in_calendar(workspace, first_day, last_day)
    refuse_unfinished(workspace)
    state = PRELIMINARY if is_preliminary else PUBLISHED
    ensure_landing(workspace, open_engines(workspace))
    if state == PUBLISHED:
        _refuse_days_to_come(workspace, mart, last_day)
        # What ends here leaves plain dbt waiting till the calendar is mended.
        told = (product, market, first_day, last_day, state, reason, None, workspace.actor, "")
        stage_calendar(workspace, CalendarEntry(0, *told))
    try:
        entry = workspace.registry.record_calendar(
            product, market, first_day, last_day, state, reason=reason, actor=workspace.actor
        )
    except (Exception, KeyboardInterrupt):  # refused, or the registry is lost
        stage_calendar(workspace)
        raise
    stage_calendar(workspace)
    return entry


def _refuse_days_to_come(workspace: Workspace, mart: Mapping[str, Any], last_day: str) -> None:
    """Refuse to hold figures whose viewing is not all there: they would stay as they are."""
    newest = newest_published(workspace)
    airing_days = int(workspace.settings["airing_days"])
    end = last_viewing_day(last_day, mart.get("period", "day"), airing_days)
    if newest and newest["last_day"] and end > newest["last_day"]:
        message = (
            f"{mart['label']} of {last_day} is made of viewing up to {end}, and there is viewing "
            f"up to {newest['last_day']}: what comes later would not be in it."
        )
        fix = "Close days whose viewing is there; until then close-period --preliminary."
        raise RefusedError(Problem("days-to-come", message, value=last_day, fix=fix))


def ask_to_reopen(
    workspace: Workspace,
    product: str,
    first_day: str,
    last_day: str,
    *,
    market: str = EVERY_MARKET,
    reason: str,
) -> tuple[CalendarEntry, list[Client]]:
    """Record that days are to be reopened, and return whom to tell once somebody confirmed it.

    Raises:
        RefusedError: The product, market or days are wrong, the actor may not restate, or the
            reason is no code.
    """
    _check(workspace, product, market, first_day, last_day)
    _check_right(workspace)
    if problem := reason_problem(reason, workspace.settings.get("restatement_reasons") or {}):
        raise RefusedError(problem)
    entry = workspace.registry.record_calendar(
        product, market, first_day, last_day, REOPENING, reason=reason, actor=workspace.actor
    )
    return entry, clients_of(workspace, product)


def confirm_reopening(
    workspace: Workspace, number: int, *, progress: Progress | None = None
) -> tuple[CalendarEntry, int]:
    """Reopen days that somebody else asked for, and publish their figures as of today's rows.

    Recorded last: killed before, the days are published as they were, with what readers see of
    them then, and the same command does it all again.

    Returns:
        The entry, and the newest publication's number.

    Raises:
        RefusedError: There is no such request, its days were closed again, or the actor asked for
            it or may not restate.
        EngineError: Spark or dbt failed.
    """
    from foreview.promotion import build

    _check_right(workspace)
    refuse_unfinished(workspace)
    entry = workspace.registry.confirmation(number, actor=workspace.actor)
    spark = open_engines(workspace)
    ensure_landing(workspace, spark)
    first_day, last_day = _calendar_days(workspace)  # no other day has figures
    days = days_in(max(entry.first_day, first_day), min(entry.last_day, last_day))
    stage_calendar(workspace, entry)
    try:
        build(workspace, reopened={entry.product: days}, progress=progress)
        entry = workspace.registry.confirm_reopening(number, actor=workspace.actor)
    except (Exception, KeyboardInterrupt):  # the registry is lost, or dbt or Spark failed
        stage_calendar(workspace)
        raise
    stage_calendar(workspace)
    return entry, newest_publication(workspace, spark)["number"]


def _check(
    workspace: Workspace, product: str, market: str, first_day: str, last_day: str
) -> Mapping[str, Any]:
    """Return the mart; refuse where it, the market or the days are wrong."""
    problems = []
    marts: Mapping[str, Mapping[str, Any]] = {one["name"]: one for one in read_marts(workspace)}
    if product not in marts:
        problems.append(unknown_mart(product, marts))
    elif market != EVERY_MARKET:
        problems += _market_problems(workspace, marts[product], market)
    problems += day_problems((first_day, last_day))
    if not problems and first_day > last_day:
        message = f"The last day, {last_day}, is before the first, {first_day}."
        problems.append(Problem("days-reversed", message, fix="Swap them."))
    if problems:
        raise RefusedError(problems)
    return marts[product]


def _check_in_calendar(workspace: Workspace, first_day: str, last_day: str) -> None:
    """Refuse to close days that have no figures; such days can be reopened, where some are."""
    first, last = _calendar_days(workspace)
    if first_day < first or last < last_day:
        value = first_day if first_day < first else last_day
        message = f"{value} is outside the calendar of broadcast days, {first} to {last}."
        fix = "Give days in it, or set calendar_first_day and calendar_last_day in dbt_project.yml."
        raise RefusedError(Problem("outside-calendar", message, value=value, fix=fix))


def _calendar_days(workspace: Workspace) -> tuple[str, str]:
    """Return the first day that a figure can be of, the Monday of the first week, and the last."""
    first = date.fromisoformat(str(workspace.settings["calendar_first_day"]))
    return str(first - timedelta(first.weekday())), str(workspace.settings["calendar_last_day"])


def _market_problems(workspace: Workspace, mart: Mapping[str, Any], market: str) -> list[Problem]:
    if "market_id" not in mart["grain"]:
        message = f"{mart['label']} has no figures by market."
        fix = "Close it for all markets: leave --market out."
        return [Problem("no-markets", message, value=market, fix=fix)]
    for name, ratio in mart.get("ratios", {}).items():
        if "market_id" not in ratio.get("within", ["market_id"]):
            message = f"{mart['label']} has a ratio to figures of all markets, {name}."
            fix = "Close it for all markets: leave --market out."
            return [Problem("no-markets", message, value=market, fix=fix)]
    known = {one[0] for one in workspace.registry.approved_rows("market")[0]}
    if market not in known:
        message = f"There is no market {market!r}."
        return [Problem("unknown-market", message, value=market, fix="See foreview export market.")]
    return []


def _check_right(workspace: Workspace) -> None:
    """Refuse those who may not restate published figures: by default nobody may."""
    allowed = workspace.settings.get("restaters", [])
    if workspace.actor.casefold() not in {str(one).casefold() for one in allowed}:
        message = f"{workspace.actor} may not restate published figures."
        fix = (
            f"Ask one of: {', '.join(map(str, allowed))}."
            if allowed
            else "Name two people or more in dbt_project.yml, under vars: restaters."
        )
        raise RefusedError(Problem("no-right", message, value=workspace.actor, fix=fix))
