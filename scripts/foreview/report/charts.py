"""Geometry of the page's charts: numbers for SVG, no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foreview.impact import Number, magnitude
from foreview.report.figures import Mover

BAR_HEIGHT = 30
NAME_WIDTH, BARS_WIDTH, NUMBER_WIDTH = 230, 390, 150
DAYS_WIDTH, DAYS_HEIGHT = 420, 110


@dataclass(frozen=True)
class Bar:
    """A rectangle in a chart's own units, and the texts beside it."""

    x: float
    y: float
    width: float
    height: float
    is_gain: bool
    name: str
    value: str
    note: str


@dataclass(frozen=True)
class DayChart:
    """Bars of one key, a day each, around a line at `zero`."""

    name: str
    zero: float
    bars: tuple[Bar, ...]
    first: str
    last: str
    top: str
    bottom: str


def mover_bars(
    movers: Sequence[Mover], names: Sequence[str], values: Sequence[str], notes: Sequence[str]
) -> tuple[Bar, ...]:
    """Return a bar a mover, to the left of the middle for a loss and to the right for a gain."""
    longest = max((magnitude(one.difference) for one in movers), default=0)
    middle = NAME_WIDTH + BARS_WIDTH / 2
    bars = []
    for place, mover in enumerate(movers):
        width = _scaled(mover.difference, longest, BARS_WIDTH / 2 - 6)
        is_gain = mover.difference > 0
        bars.append(
            Bar(
                x=round(middle if is_gain else middle - width, 2),
                y=place * BAR_HEIGHT + 5,
                width=width,
                height=BAR_HEIGHT - 10,
                is_gain=is_gain,
                name=names[place],
                value=values[place],
                note=notes[place],
            )
        )
    return tuple(bars)


def day_chart(
    name: str,
    days: Mapping[str, Number],
    axis: Sequence[str],
    extent: tuple[Number, Number],
    labels: Mapping[str, str],
) -> DayChart:
    """Return a chart of differences by day on a shared scale.

    Args:
        name: The key's name.
        days: The difference on each day.
        axis: All days to show, in order.
        extent: The lowest and the highest difference of all charts that share the scale.
        labels: Each day's difference in words.
    """
    low, high = min(extent[0], 0), max(extent[1], 0)
    reach = high - low
    zero = _scaled(high, reach, DAYS_HEIGHT)
    step = DAYS_WIDTH / max(len(axis), 1)
    bars = []
    for place, day in enumerate(axis):
        difference = days.get(day, 0)
        if difference:
            height = max(_scaled(difference, reach, DAYS_HEIGHT), 1.0)
            is_gain = difference > 0
            bars.append(
                Bar(
                    x=round(place * step + step * 0.1, 2),
                    y=round(zero - height if is_gain else zero, 2),
                    width=round(min(step * 0.8, 28), 2),
                    height=height,
                    is_gain=is_gain,
                    name=day,
                    value=labels[day],
                    note="",
                )
            )
    return DayChart(name, zero, tuple(bars), axis[0], axis[-1], "", "")


def _scaled(value: Number, longest: Number, room: float) -> float:
    return round(float(magnitude(value) / longest) * room, 2) if longest else 0.0
