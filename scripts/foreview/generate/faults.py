"""What goes wrong in schedules: edits that set a schedule right, of the kinds that people make."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from foreview.changes import Action, Edit, Row
from foreview.generate.airings import PROGRAMME
from foreview.generate.draw import number

_LEAST_MOVE = timedelta(minutes=15)
_MOST_MOVE = timedelta(minutes=30)

Group = list[Row]
"""The airings of one channel and feed, by start."""


class Fault(StrEnum):
    """How an airing was other than its schedule said."""

    MOVED = "moved"
    SWAPPED = "swapped"
    SPLIT = "split"
    CANCELLED = "cancelled"


def fault_edits(
    fault: Fault, airings: Iterable[Row], *, seed: int = 1, channel_id: str | None = None
) -> list[Edit]:
    """Return edits of airings, as a workbook asks for them, for one fault of a schedule.

    Breaks and spots go with the programme that they are in. No two airings overlap afterwards.

    Args:
        fault: A programme was on up to half an hour later, in free time after it; two successive
            ones were on in the other order; in the second half of one another one was on; one
            was not on at all.
        airings: Approved rows.
        seed: Chooses the place among all those where the fault can be.
        channel_id: The channel that it is to be on; None for any.

    Raises:
        ValueError: The fault can be nowhere in these airings.
    """
    groups: dict[tuple[str, str], Group] = {}
    for row in sorted(airings, key=lambda one: (one["starts_at"] or "", one["airing_id"] or "")):
        if row["valid_to"] is None and channel_id in (None, row["channel_id"]):
            groups.setdefault((row["channel_id"] or "", row["feed"] or ""), []).append(row)
    places = [
        (group, one, after)
        for _, group in sorted(groups.items())
        for one, after in itertools.pairwise(row for row in group if row["layer"] == PROGRAMME)
        if _CAN_BE[fault](one, after)
    ]
    if not places:
        raise ValueError(f"no airing can have been {fault.value}")
    group, one, after = places[number(seed, fault.value, "place") % len(places)]
    return list(_EDITS[fault](group, one, after))


def _moved(group: Group, one: Row, after: Row) -> Iterator[Edit]:
    yield from _shifted(group, one, min(_starts(after) - _ends(one), _MOST_MOVE))


def _swapped(group: Group, one: Row, after: Row) -> Iterator[Edit]:
    yield from _shifted(group, one, _ends(after) - _starts(after))
    yield from _shifted(group, after, _starts(one) - _ends(one))


def _split(group: Group, one: Row, after: Row) -> Iterator[Edit]:
    middle = _text(_starts(one) + (_ends(one) - _starts(one)) / 2)
    yield Edit(Action.CORRECT, _identity(one), {"ends_at": middle}, one)
    second = {
        **one,
        "airing_id": f"{one['airing_id']}b",
        "programme_id": after["programme_id"],
        "starts_at": middle,
    }
    yield Edit(Action.INSERT, values=second)


def _cancelled(group: Group, one: Row, after: Row) -> Iterator[Edit]:
    for row in _with_breaks(group, one):
        yield Edit(Action.DELETE, _identity(row), base=row)


_EDITS: dict[Fault, Callable[[Group, Row, Row], Iterator[Edit]]] = {
    Fault.MOVED: _moved,
    Fault.SWAPPED: _swapped,
    Fault.SPLIT: _split,
    Fault.CANCELLED: _cancelled,
}
_CAN_BE: dict[Fault, Callable[[Row, Row], bool]] = {
    Fault.MOVED: lambda one, after: _starts(after) - _ends(one) >= _LEAST_MOVE,
    Fault.SWAPPED: lambda one, after: (
        one["ends_at"] == after["starts_at"] and _is_another(one, after)
    ),
    Fault.SPLIT: lambda one, after: _is_another(one, after),
    Fault.CANCELLED: lambda one, after: True,
}


def _is_another(one: Row, after: Row) -> bool:
    return one["programme_id"] != after["programme_id"]


def _shifted(group: Group, one: Row, by: timedelta) -> Iterator[Edit]:
    for row in _with_breaks(group, one):
        values = {"starts_at": _text(_starts(row) + by), "ends_at": _text(_ends(row) + by)}
        yield Edit(Action.CORRECT, _identity(row), values, row)


def _with_breaks(group: Group, one: Row) -> list[Row]:
    inside = [
        row
        for row in group
        if row["layer"] != PROGRAMME and _starts(one) <= _starts(row) < _ends(one)
    ]
    return [one, *inside]


def _identity(row: Row) -> tuple[str, ...]:
    return (row["airing_id"] or "", row["valid_from"] or "")


def _starts(row: Row) -> datetime:
    return datetime.fromisoformat(row["starts_at"] or "")


def _ends(row: Row) -> datetime:
    return datetime.fromisoformat(row["ends_at"] or "")


def _text(instant: datetime) -> str:
    return instant.replace(microsecond=0).isoformat(" ")
