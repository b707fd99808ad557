"""What of changes lies after the last day with viewing, where no figure can move yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from foreview.changes import Change, State
from foreview.contract import INTERVAL_COLUMNS, Contract
from foreview.viewing import BroadcastCalendar


def later_days(changes: Iterable[Change], last_day: str) -> list[str]:
    """Return the days after a last one on which rows begin or end, as changes leave them."""
    days = (
        day
        for one in changes
        for day in (one.identity[-1], *(one.after.get(name) for name in INTERVAL_COLUMNS))
    )
    return sorted({day for day in days if day and day > last_day})


def unseen_days(
    changes: Iterable[Change],
    last_day: str,
    calendar: BroadcastCalendar,
    contracts: Mapping[str, Contract],
    states: Mapping[str, State],
) -> list[str]:
    """Return the days after a last one on which changes begin to do something.

    That is where rows begin or end, in either world, and where events begin that are changed.

    Args:
        changes: What happens to rows.
        last_day: The last broadcast day with viewing.
        calendar: When broadcast days begin.
        contracts: The rules of the changes' dimensions.
        states: The approved rows of those whose rows are events.
    """
    changes = list(changes)
    end = calendar.ends(last_day)
    days = set(later_days(changes, last_day))
    for one in changes:
        days |= {day for name in INTERVAL_COLUMNS if (day := one.before.get(name) or "") > last_day}
        interval = contracts[one.dimension].interval
        if interval is not None:
            row = states[one.dimension].get(one.identity, {})
            instants = (side.get(interval.starts) or "" for side in (row, one.before, one.after))
            days |= {instant[:10] for instant in instants if instant >= end}
    return sorted(days)
