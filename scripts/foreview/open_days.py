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


def first_open_day(entries: Iterable[CalendarEntry], days_of: Mapping[str, int]) -> str:
    """Return the first day whose viewing is in no published figure, of whatever product and market.

    Args:
        entries: The publication calendar.
        days_of: How many days of viewing a figure of a product can be made of, where not of one;
            7 for weeks, which count by their Monday.

    Raises:
        RefusedError: Nothing is published.
    """
    ends = [
        _end(one.last_day, days_of.get(one.product, 1))
        for one in spans(entries)
        if one.state == PUBLISHED
    ]
    last = max(ends, default=None)
    if last is None:
        message = "Nothing is published, so all days are open."
        raise RefusedError(
            Problem("all-days-open", message, fix="Submit without --from-first-open-day.")
        )
    return str(last + timedelta(days=1))


def _end(last_day: str, days: int) -> date:
    """Return the last day of viewing of a published figure, which counts by its first day."""
    last = date.fromisoformat(last_day)
    if days == 7:  # a week counts by its Monday
        last -= timedelta(days=last.weekday())
    return last + timedelta(days=days - 1)


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
    if starts >= first:
        return edit
    if edit.day is not None:
        return replace(edit, day=max(edit.day, first))
    if {"valid_from", "valid_to"} & edit.values.keys():
        message = f"The row of {', '.join((edit.identity or ())[:-1])} begins before {first}."
        fix = "Leave its days as they are, or retire it: they can't be edited from a day on."
        return Problem("day-outside-row", message, edit.where, first, fix)
    action = Action.RETIRE if edit.action is Action.DELETE else Action.CHANGE_FROM
    return replace(edit, action=action, day=first)
