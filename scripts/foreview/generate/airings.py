"""Invented airings: what the channels of the sample market broadcast, in pure Python.

A channel has one plan for all days: slots of 30, 60, 90 or 120 minutes from the broadcast day's
start, some of them left free. In most slots a series recurs every day at the same time, in the
others there is another programme each day. Now and then a day's slot is free although the plan
has something there. Every choice is made by hash of the place where it is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from foreview.generate.draw import number
from foreview.generate.invent import Row, approved_row, choose

if TYPE_CHECKING:
    from foreview.viewing import BroadcastCalendar

PROGRAMME, BREAK, SPOT = "programme", "break", "spot"
LAYERS = (PROGRAMME, BREAK, SPOT)
"""The layers of a schedule: breaks lie within programmes, spots within breaks."""

_DAY_MINUTES = 1_440
_LENGTHS = (30, 30, 30, 30, 60, 60, 60, 60, 90, 120)
_EVERY_FREE_SLOT = 12
_EVERY_VARYING_SLOT = 3
_EVERY_MISSING_DAY = 30
_BREAK = timedelta(minutes=2)
_SPOT = timedelta(seconds=30)


@dataclass(frozen=True)
class _Slot:
    """A place in a channel's plan; without a programme there is another one every day."""

    minute: int
    minutes: int
    programme_id: str | None


def airing_rows(
    seed: int,
    *,
    channel_ids: Sequence[str],
    programme_ids: Sequence[str],
    first_day: date,
    days: int,
    calendar: BroadcastCalendar,
    layers: Collection[str] = (PROGRAMME,),
) -> list[Row]:
    """Return the approved rows of the channels' airings: about 22 programmes a channel and day.

    Args:
        seed: Same arguments, same rows.
        channel_ids: The channels; what one broadcasts does not depend on the others.
        programme_ids: The programmes to draw from, at least one.
        first_day: The first broadcast day.
        days: Number of broadcast days.
        calendar: When they begin. No airing passes the end of its day; slots are minutes since
            its start, so a day of 25 hours has its last one free.
        layers: The layers wanted, of `LAYERS`.

    Returns:
        Rows with all of the contract's `row_columns`, sorted by `airing_id`. Times are UTC.
    """
    rows: list[Row] = []
    for channel_id in channel_ids:
        plan = _plan(seed, channel_id, programme_ids)
        for later in range(days):
            day = first_day + timedelta(days=later)
            begins, ends = calendar.begins(day), calendar.begins(day + timedelta(days=1))
            for n, slot in enumerate(plan):
                place = (seed, "airing", channel_id, day, n)
                if number(*place, "missing") % _EVERY_MISSING_DAY == 0:
                    continue
                programme = slot.programme_id or choose(programme_ids, *place)
                starts = begins + timedelta(minutes=slot.minute)
                length = timedelta(minutes=slot.minutes)
                if starts + length <= ends:
                    key = f"{channel_id}:{day}:{n:02}"
                    rows += _layered(channel_id, key, programme, starts, length)
    return sorted(
        (one for one in rows if one["layer"] in layers), key=lambda one: one["airing_id"] or ""
    )


def _plan(seed: int, channel_id: str, programme_ids: Sequence[str]) -> list[_Slot]:
    slots = []
    minute = n = 0
    while minute < _DAY_MINUTES:
        place = (seed, "slot", channel_id, n)
        length = _LENGTHS[number(*place, "length") % len(_LENGTHS)]
        length = min(length, _DAY_MINUTES - minute)
        if number(*place, "free") % _EVERY_FREE_SLOT:
            recurs = number(*place, "varies") % _EVERY_VARYING_SLOT
            series = choose(programme_ids, *place, "series") if recurs else None
            slots.append(_Slot(minute, length, series))
        minute += length
        n += 1
    return slots


def _layered(
    channel_id: str, key: str, programme_id: str, starts: datetime, length: timedelta
) -> Iterator[Row]:
    """Yield a programme's airing, its breaks and their spots.

    There is an even number of breaks, evenly spread: none is in the programme's middle.
    """
    yield _row(channel_id, key, PROGRAMME, programme_id, starts, length)
    breaks = length // timedelta(minutes=15)
    for n in range(1, breaks + 1):
        begins = starts + timedelta(seconds=n * int(length.total_seconds()) // (breaks + 1))
        yield _row(channel_id, f"{key}:{n}", BREAK, None, begins, _BREAK)
        for m in range(_BREAK // _SPOT):
            yield _row(channel_id, f"{key}:{n}:{m + 1}", SPOT, None, begins + m * _SPOT, _SPOT)


def _row(
    channel_id: str,
    airing_id: str,
    layer: str,
    programme_id: str | None,
    starts: datetime,
    length: timedelta,
) -> Row:
    return approved_row(
        airing_id=airing_id,
        channel_id=channel_id,
        feed=None,
        layer=layer,
        programme_id=programme_id,
        starts_at=f"{starts:%Y-%m-%d %H:%M:%S}",
        ends_at=f"{starts + length:%Y-%m-%d %H:%M:%S}",
    )
