"""Small figures are not shown by themselves: too few households could be recognised in them.

The setting is `smallest_count` in dbt_project.yml. A figure is small when fewer households are in
it before or after, or in the difference; in a mart that counts no households, records instead,
which are at least as many. Small figures of a day are added up and shown as one, so that totals
stay what they are. Where that one is small too, above all because it is alone, its counts are not
shown and are in no sum: from what is left they can't be worked out. Two scenarios, and two tracks,
are looked at together, so that neither tells what the other does not. Places are told of figures
that move and are not small. Receipts, promotions and marts are not concerned.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from foreview.impact import (
    FigureImpact,
    Hidden,
    Impact,
    MartImpact,
    Measure,
    Number,
    Sides,
    Values,
    are_small,
    counted,
    magnitude,
)

FEW = "(too few)"
"""Stands for the values of the grain of small figures."""

UNMOVED = "unmoved"
"""The change of a figure that only another scenario moves, until it is added up."""

Grain = tuple[str, ...]


def suppressed(*impacts: Impact) -> tuple[Impact, ...]:
    """Return impacts as reports may show them; a figure that is small in one is so in all."""
    smallest = max(one.smallest_count for one in impacts)
    if not smallest:
        return impacts
    small = _small(impacts, smallest)
    impacts = tuple(_with_others(one, impacts, small) for one in impacts)
    named = tuple(_each(one, lambda mart: _added_up(mart, small[mart.name])) for one in impacts)
    lone = _small(named, smallest)
    return tuple(
        _each(one, lambda mart: _without_counts(mart, lone[mart.name], smallest)) for one in named
    )


def _with_others(
    impact: Impact, impacts: Iterable[Impact], small: Mapping[str, Collection[Grain]]
) -> Impact:
    """Return an impact that has the small figures that only another moves too, as they are.

    So those that are added up are the same ones in all of them, and can be compared.
    """
    marts = []
    for mart in impact.marts:
        own = {one.grain for one in mart.figures}
        others = {
            one.grain: replace(one, change=UNMOVED, after=one.before)
            for other in impacts
            for each in other.marts
            if each.name == mart.name
            for one in each.figures
            if one.grain in small[mart.name] and one.grain not in own
        }
        marts.append(replace(mart, figures=(*mart.figures, *others.values())))
    return replace(impact, marts=tuple(marts))


def _each(impact: Impact, change: Callable[[MartImpact], MartImpact]) -> Impact:
    """Return an impact with each of its marts changed, those of the illustration too.

    Of other models no rows are shown: which of their columns count households is not known.
    """
    shown = impact.illustration
    return replace(
        impact,
        marts=tuple(map(change, impact.marts)),
        models=tuple(replace(one, columns=(), rows=()) for one in impact.models),
        illustration=shown and replace(shown, marts=tuple(map(change, shown.marts))),
    )


def _small(impacts: Iterable[Impact], smallest: int) -> dict[str, set[Grain]]:
    """Return the grains of small figures by mart; all impacts are looked at together."""
    sides: dict[str, dict[Grain, list[Sides]]] = {}
    for impact in impacts:
        for mart in (*impact.marts, *(impact.illustration.marts if impact.illustration else ())):
            found = sides.setdefault(mart.name, {})
            name = counted(mart.measures)
            for one in (*mart.figures, *mart.held) if name else ():
                values = (one.value("before", name), one.value("after", name))
                found.setdefault(one.grain, []).append(values)
    return {
        mart: {grain for grain, values in found.items() if are_small(values, smallest)}
        for mart, found in sides.items()
    }


def _added_up(mart: MartImpact, small: Collection[Grain]) -> MartImpact:
    kept = [one for one in mart.figures if one.grain not in small]
    # How many are in a figure that does not move is not known.
    known = {one.grain for one in kept}
    ranks = tuple(one for one in mart.rank_changes if one.grain in known)
    days: dict[Grain, list[FigureImpact]] = {}
    for one in mart.figures:
        if one.grain in small:
            days.setdefault(_few(mart, one.grain), []).append(one)
    kept += [
        _sum(mart, grain, figures)
        for grain, figures in sorted(days.items())
        if any(one.change != UNMOVED for one in figures)
    ]
    return replace(
        mart,
        figures=tuple(sorted(kept, key=lambda one: one.grain)),
        rank_changes=ranks,
        unnamed_ranks=mart.unnamed_ranks + len(mart.rank_changes) - len(ranks),
    )


def _few(mart: MartImpact, grain: Grain) -> Grain:
    return few(grain, mart.day_place, mart.grain.index(mart.nested[0]) if mart.nested else None)


def few(grain: Grain, *kept: int | None) -> Grain:
    """Return the grain under which a small figure is added up: its day, and its window."""
    return tuple(value if place in kept else FEW for place, value in enumerate(grain))


def _sum(mart: MartImpact, grain: Grain, figures: list[FigureImpact]) -> FigureImpact:
    """Return the sums, but for what ratios divide by: no figure has the seconds of two days."""
    divisors = {one.denominator for one in mart.ratios} - {one.name for one in mart.measures}
    before, after = (
        total(
            {name: value for name, value in getattr(one, side).items() if name not in divisors}
            for one in figures
        )
        for side in ("before", "after")
    )
    change = "modified" if before and after else "added" if after else "removed"
    return FigureImpact(grain, change, before, after)


def total(sides: Iterable[Values]) -> dict[str, Number | None]:
    """Return the sums of all values; what is missing everywhere stays so."""
    found: dict[str, Number | None] = {}
    for values in sides:
        for name, value in values.items():
            known = found.get(name)
            found[name] = value if known is None else known if value is None else known + value
    return found


def _without_counts(mart: MartImpact, lone: Collection[Grain], smallest: int) -> MartImpact:
    return replace(
        mart,
        figures=tuple(
            _covered(mart, one, smallest) if FEW in one.grain and one.grain in lone else one
            for one in mart.figures
        ),
    )


def _covered(mart: MartImpact, figure: FigureImpact, smallest: int) -> FigureImpact:
    hidden = covered(mart.measures, figure.before, figure.after, smallest)
    before, after = (without(one, hidden) for one in (figure.before, figure.after))
    return replace(figure, before=before, after=after, hidden=hidden)


def covered(measures: Iterable[Measure], before: Values, after: Values, smallest: int) -> Hidden:
    """Return what is said in place of the counts of figures that are few even together.

    All that counts households goes, weighted too; of what counts something of theirs, what is as
    few, since there are no more households than that.
    """
    known = list(measures)
    hidden = {}
    for one in known:
        left, right = before.get(one.name), after.get(one.name)
        sides = (left or 0, right or 0)
        is_count = one.unit in ("households", "devices") or one.name == counted(known)
        if is_count or (one.unit != "seconds" and are_small([sides], smallest)):
            told = [None if value is None else _told(value, smallest) for value in (left, right)]
            hidden[one.name] = (told[0], told[1], _told(magnitude(sides[1] - sides[0]), smallest))
    return hidden


def without(values: Values, hidden: Hidden) -> Values:
    """Return values without those that are hidden."""
    return {name: None if name in hidden else value for name, value in values.items()}


def _told(value: Number, smallest: int) -> str:
    return f"fewer than {smallest}" if value < smallest else f"{smallest} or more"
