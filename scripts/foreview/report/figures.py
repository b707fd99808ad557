"""Figures ranked, grouped and added up for reports."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foreview.impact import FigureImpact, MartImpact, Number, magnitude

MOVERS_A_MEASURE = 10
"""Movers of each measure that page and workbook show."""


@dataclass(frozen=True)
class Mover:
    """All figures of one key, added up over their days.

    Attributes:
        key: The values of the grain columns without the day.
        before: The measure before, over the figures that move.
        after: The same after.
        figures: Number of figures that move.
        is_hidden: Whether the measure of some of them is too small to be shown, and so left out.
    """

    key: tuple[str, ...]
    before: Number
    after: Number
    figures: int
    is_hidden: bool = False

    @property
    def difference(self) -> Number:
        """After minus before."""
        return self.after - self.before


def key_getter(mart: MartImpact) -> Callable[[FigureImpact], tuple[str, ...]]:
    """Return what gives a figure's grain values without the day.

    For a mart of days alone that is the day itself.
    """
    place = mart.day_place
    if place is None or len(mart.grain) == 1:
        return lambda figure: figure.grain
    return lambda figure: figure.grain[:place] + figure.grain[place + 1 :]


def key_columns(mart: MartImpact) -> tuple[str, ...]:
    """Return the names of the columns that `key_getter` gives values of."""
    place = mart.day_place
    if place is None or len(mart.grain) == 1:
        return mart.grain
    return mart.grain[:place] + mart.grain[place + 1 :]


def movers(mart: MartImpact, measure: str, n: int | None = None) -> tuple[Mover, ...]:
    """Return the keys whose figures move, by absolute difference over all days, largest first.

    Keys whose differences cancel out over the days come last. Before and after are over the
    figures that move, not over all of a key's figures; figures that are parts of others are left
    out. For a measure that is not additive they are sums of daily values.

    Args:
        mart: The mart.
        measure: The measure's name.
        n: At most so many; None for all.
    """
    totals: dict[tuple[str, ...], list[Number]] = {}
    counts: dict[tuple[str, ...], int] = {}
    hidden = set()
    key_of = key_getter(mart)
    for figure in mart.disjoint_figures:
        key = key_of(figure)
        sums = totals.setdefault(key, [0, 0])
        sums[0] += figure.value("before", measure)
        sums[1] += figure.value("after", measure)
        counts[key] = counts.get(key, 0) + 1
        if measure in figure.hidden:
            hidden.add(key)
    found = [
        Mover(key, sums[0], sums[1], counts[key], key in hidden) for key, sums in totals.items()
    ]
    found.sort(key=lambda one: (-magnitude(one.difference), one.key))
    return tuple(found[:n])


def ranked(mart: MartImpact, n: int | None = None) -> list[FigureImpact]:
    """Return figures by absolute difference of the main measure, then of the others."""
    names = [mart.main_measure.name, *(one.name for one in mart.measures)]

    def rank(figure: FigureImpact) -> tuple[object, ...]:
        return (*(-magnitude(figure.difference(name)) for name in names), figure.grain)

    if n is None:
        return sorted(mart.figures, key=rank)
    return heapq.nsmallest(n, mart.figures, key=rank)


def totals(figures: Sequence[FigureImpact], measure: str) -> tuple[Number, Number]:
    """Return a measure's sums before and after."""
    before = sum(figure.value("before", measure) for figure in figures)
    return before, sum(figure.value("after", measure) for figure in figures)


def by_day(mart: MartImpact, measure: str, key: tuple[str, ...]) -> dict[str, Number]:
    """Return a key's difference on each day, days in order; empty for a mart without days."""
    place = mart.day_place
    if place is None:
        return {}
    days: dict[str, Number] = {}
    key_of = key_getter(mart)
    for figure in mart.figures:
        if key_of(figure) == key:
            day = figure.grain[place]
            days[day] = days.get(day, 0) + figure.difference(measure)
    return dict(sorted(days.items()))


def counts(mart: MartImpact) -> dict[str, int]:
    """Return how many figures are modified, added and removed."""
    found = {"modified": 0, "added": 0, "removed": 0}
    for figure in mart.figures:
        found[figure.change] += 1
    return found
