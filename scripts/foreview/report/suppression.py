"""Small figures are not shown by themselves: too few households could be recognised in them.

The setting is `smallest_count` in dbt_project.yml. A figure is small when fewer households are in
it before or after, or in the difference; in a mart that counts no households, records instead,
which are at least as many. Small figures of a day are added up and shown as one, so that
totals stay what they are. Receipts, promotions and marts are not concerned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from foreview.impact import FigureImpact, Impact, MartImpact, Number, Values, magnitude

FEW = "(too few)"
"""Stands for the values of the grain of small figures."""


def suppressed(*impacts: Impact) -> tuple[Impact, ...]:
    """Return impacts as reports may show them; a figure that is small in one is so in all."""
    if not any(one.smallest_count for one in impacts):
        return impacts
    small: dict[str, set[tuple[str, ...]]] = {}
    for impact in impacts:
        for mart in _all_marts(impact):
            small.setdefault(mart.name, set()).update(_small(mart, impact.smallest_count))
    return tuple(_without(impact, small) for impact in impacts)


def _all_marts(impact: Impact) -> tuple[MartImpact, ...]:
    return (*impact.marts, *(impact.illustration.marts if impact.illustration else ()))


def _small(mart: MartImpact, smallest: int) -> Iterable[tuple[str, ...]]:
    households = [one.name for one in mart.measures if one.unit == "households"]
    names = households[:1] or [one.name for one in mart.measures if one.name == "records"]
    for figure in (*mart.figures, *mart.held) if names else ():
        before, after = figure.value("before", names[0]), figure.value("after", names[0])
        if any(0 < one < smallest for one in (before, after, magnitude(after - before))):
            yield figure.grain


def _without(impact: Impact, small: dict[str, set[tuple[str, ...]]]) -> Impact:
    shown = impact.illustration
    return replace(
        impact,
        marts=tuple(_added_up(mart, small[mart.name]) for mart in impact.marts),
        illustration=shown
        and replace(shown, marts=tuple(_added_up(mart, small[mart.name]) for mart in shown.marts)),
    )


def _added_up(mart: MartImpact, small: set[tuple[str, ...]]) -> MartImpact:
    kept = [one for one in mart.figures if one.grain not in small]
    days: dict[tuple[str, ...], list[FigureImpact]] = {}
    for one in mart.figures:
        if one.grain in small:
            days.setdefault(_few(mart, one.grain), []).append(one)
    kept += [_sum(grain, figures) for grain, figures in sorted(days.items())]
    return replace(
        mart,
        figures=tuple(sorted(kept, key=lambda one: one.grain)),
        rank_changes=tuple(one for one in mart.rank_changes if one.grain not in small),
    )


def _few(mart: MartImpact, grain: tuple[str, ...]) -> tuple[str, ...]:
    """Return the grain under which a small figure is added up: its day, and its window."""
    kept = {mart.day_place, mart.grain.index(mart.nested[0]) if mart.nested else None}
    return tuple(value if place in kept else FEW for place, value in enumerate(grain))


def _sum(grain: tuple[str, ...], figures: list[FigureImpact]) -> FigureImpact:
    before, after = (_total(getattr(one, side) for one in figures) for side in ("before", "after"))
    change = "modified" if before and after else "added" if after else "removed"
    return FigureImpact(grain, change, before, after)


def _total(sides: Iterable[Values]) -> dict[str, Number | None]:
    found: dict[str, Number | None] = {}
    for values in sides:
        for name, value in values.items():
            known = found.get(name)
            found[name] = value if known is None else known if value is None else known + value
    return found
