"""Edits from the first open day on: what is published keeps its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from foreview.changes import Action, Edit
from foreview.contract import BEGINNING
from foreview.errors import Problem, RefusedError
from foreview.periods import PUBLISHED, spans

if TYPE_CHECKING:
    from foreview.registry.records import CalendarEntry


def first_open_day(
    entries: Iterable[CalendarEntry], periods: Mapping[str, str], airing_days: int
) -> str:
    """Return the first day whose viewing is in no published figure, of whatever product and market.

    Args:
        entries: The publication calendar.
        periods: The period of each product that is not of days.
        airing_days: On how many days after its own an airing is watched.

    Raises:
        RefusedError: Nothing is published, or everything for ever.
    """
    published = [one for one in spans(entries) if one.state == PUBLISHED]
    try:
        firsts = [
            last_viewing_day(one.last_day, periods.get(one.product, "day"), airing_days)
            + timedelta(days=1)
            for one in published
        ]
    except OverflowError as error:
        last = max(published, key=lambda one: one.last_day)
        message = f"{last.told()}, is published, so no day after it is open."
        fix = "Reopen the days that have no figures yet: foreview reopen-period."
        raise RefusedError(Problem("no-open-day", message, fix=fix)) from error
    if not firsts:
        message = "Nothing is published, so all days are open."
        raise RefusedError(
            Problem("all-days-open", message, fix="Submit without --from-first-open-day.")
        )
    return str(max(firsts))


def last_viewing_day(last_day: str, period: str, airing_days: int) -> date:
    """Return the last day of viewing of a published figure, as the macro `days_of_periods` does."""
    last = date.fromisoformat(last_day)
    if period == "week":  # it counts by its Monday
        return last + timedelta(days=6 - last.weekday())
    return last + timedelta(days=airing_days if period == "airing" else 0)


def on_open_days(edits: Sequence[Edit], first: str) -> tuple[list[Edit], list[Problem]]:
    """Return edits as they are from the first open day on, and those that can't be.

    A correction becomes a change on that day, a deletion a retirement; a day that is earlier
    becomes that day. Rows that begin on it or later are edited as asked: no day before is touched.
    """
    found = [_from_day(edit, first) for edit in edits]
    return (
        [one for one in found if isinstance(one, Edit)],
        [one for one in found if isinstance(one, Problem)],
    )


def _from_day(edit: Edit, first: str) -> Edit | Problem:
    if edit.action is Action.INSERT:
        start = edit.values.get("valid_from") or edit.day or BEGINNING
        return replace(edit, day=None, values={**edit.values, "valid_from": max(start, first)})
    starts = edit.identity[-1] if edit.identity else BEGINNING
    if edit.day is not None:
        return replace(edit, day=max(edit.day, first))
    begins = edit.values.get("valid_from", starts) or BEGINNING
    if min(starts, begins) >= first:
        return edit
    if {"valid_from", "valid_to"} & edit.values.keys():
        message = f"The row of {', '.join((edit.identity or ())[:-1])} begins before {first}"
        message += "." if starts < first else " then."
        fix = "Leave its days as they are, or retire it: they can't be edited from a day on."
        return Problem("day-outside-row", message, edit.where, first, fix)
    action = Action.RETIRE if edit.action is Action.DELETE else Action.CHANGE_FROM
    return replace(edit, action=action, day=first)
