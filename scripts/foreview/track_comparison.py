"""Two tracks side by side: our figures of a mart, and those that another system delivered.

Plain values without I/O. Numbers are compared exactly; a tolerance says how far two may be apart
because the other system rounds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import localcontext
from enum import StrEnum

from foreview.impact import Hidden, Measure, Number, Values, magnitude

Grain = tuple[str, ...]
Figures = Mapping[Grain, Values]
"""The measures of a mart's figures, by the values of its grain columns."""

DIGITS = 100
"""Digits that are computed with: no sum of decimals is rounded."""


class Found(StrEnum):
    """Where a figure that is not the same in both tracks was found."""

    DIFFERENT = "different"
    ONLY_OURS = "only ours"
    ONLY_THEIRS = "only theirs"


@dataclass(frozen=True)
class Shape:
    """What two tracks of a mart have in common.

    Attributes:
        grain: The grain columns, the day first.
        measures: Those that are compared.
        nested: A grain column and one of its values: figures of its other values are parts of that
            one's, and are left out of sums. None for most marts.
    """

    grain: tuple[str, ...]
    measures: tuple[Measure, ...]
    nested: tuple[str, str] | None = None

    @property
    def additive(self) -> tuple[str, ...]:
        """The names of the measures whose values over several figures may be added up."""
        return tuple(one.name for one in self.measures if one.additive)

    @property
    def ranked_by(self) -> tuple[str, ...]:
        """The names of the measures, additive ones first: figures are ranked by them."""
        return (*self.additive, *(one.name for one in self.measures if not one.additive))

    def is_summed(self, grain: Grain) -> bool:
        """Return whether a figure belongs in sums: whether it is no part of another one."""
        return self.nested is None or grain[self.grain.index(self.nested[0])] == self.nested[1]


@dataclass(frozen=True)
class Difference:
    """A figure that is not the same in both tracks.

    Attributes:
        grain: The values of the grain columns.
        found: Where.
        ours: Its measures in ours; empty where we have no such figure.
        theirs: The same in theirs.
        by: Theirs minus ours, of each measure; what is missing counts as 0.
        hidden: Measures that are too small for a report, which then have no values.
    """

    grain: Grain
    found: Found
    ours: Values
    theirs: Values
    by: Mapping[str, Number]
    hidden: Hidden = field(default_factory=dict)


@dataclass(frozen=True)
class Total:
    """One measure over all figures of the days that are compared.

    Attributes:
        ours: Its sum in ours; for a measure that is not additive, of daily values.
        theirs: The same in theirs.
        by: Theirs minus ours.
        different: The figures, also those that only one track has, in which it is more than the
            tolerance apart.
    """

    ours: Number
    theirs: Number
    by: Number
    different: int


@dataclass(frozen=True)
class Elsewhere:
    """Audience that both tracks have, each under other values of one grain column.

    The figures are alike in all other columns, the day too, and their differences add up to
    exactly 0 in every additive measure.

    Attributes:
        column: The grain column.
        ours: The values under which ours has more of it.
        theirs: The values under which theirs has more.
        figures: Number of figures that this explains.
        amount: How much of the first additive measure that moves.
        measure: That measure's name.
    """

    column: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    figures: int
    amount: Number
    measure: str


@dataclass(frozen=True)
class Comparison:
    """Two tracks of one mart, compared.

    Attributes:
        equal: Number of figures that are the same in both.
        rounded: Number of figures that are apart, but by no more than the tolerance.
        differences: All others, those that differ most first.
        totals: Each compared measure over all figures.
        elsewhere: Differences that cancel out, those that explain most figures first.
    """

    equal: int
    rounded: int
    differences: tuple[Difference, ...]
    totals: Mapping[str, Total]
    elsewhere: tuple[Elsewhere, ...]

    def count(self, found: Found) -> int:
        """Return the number of differences of one kind."""
        return sum(1 for one in self.differences if one.found is found)


def compare(
    shape: Shape,
    ours: Figures,
    theirs: Figures,
    tolerances: Mapping[str, Number],
    small: Collection[Grain] = (),
) -> Comparison:
    """Compare two tracks of a mart, figure by figure.

    Args:
        shape: The mart's grain and the measures to compare.
        ours: Our figures, on the days that are compared.
        theirs: The other system's.
        tolerances: By how much a measure may be apart in a figure that both have; 0 when missing.
        small: Figures that reports don't name, so that nothing is said to be elsewhere by them.
    """
    with localcontext(prec=DIGITS):
        counts = {"equal": 0, "rounded": 0}
        differences = []
        for grain in {**ours, **theirs}:
            one = _difference(shape, grain, ours.get(grain), theirs.get(grain))
            if one.found is Found.DIFFERENT and not _apart(one, tolerances):
                counts["rounded" if any(one.by.values()) else "equal"] += 1
            else:
                differences.append(one)
        differences.sort(key=lambda one: rank(shape, one))
        return Comparison(
            **counts,
            differences=tuple(differences),
            totals={
                one.name: _total(shape, one.name, ours, theirs, differences, tolerances)
                for one in shape.measures
            },
            elsewhere=_elsewhere(shape, [one for one in differences if one.grain not in small]),
        )


def _difference(
    shape: Shape, grain: Grain, ours: Values | None, theirs: Values | None
) -> Difference:
    found = (
        Found.ONLY_THEIRS
        if ours is None
        else Found.ONLY_OURS
        if theirs is None
        else Found.DIFFERENT
    )
    left, right = ours or {}, theirs or {}
    by = {
        one.name: (right.get(one.name) or 0) - (left.get(one.name) or 0) for one in shape.measures
    }
    return Difference(grain, found, left, right, by)


def _apart(one: Difference, tolerances: Mapping[str, Number]) -> list[str]:
    """Return the measures in which a figure is further apart than the tolerance."""
    return [name for name, by in one.by.items() if magnitude(by) > tolerances.get(name, 0)]


def rank(shape: Shape, one: Difference) -> tuple[object, ...]:
    """Return what sorts differences: those that differ most first."""
    return (*(-magnitude(one.by[name]) for name in shape.ranked_by), one.grain)


def _total(
    shape: Shape,
    name: str,
    ours: Figures,
    theirs: Figures,
    differences: Sequence[Difference],
    tolerances: Mapping[str, Number],
) -> Total:
    left, right = (
        sum(values.get(name) or 0 for grain, values in side.items() if shape.is_summed(grain))
        for side in (ours, theirs)
    )
    different = sum(1 for one in differences if name in _apart(one, tolerances))
    return Total(left, right, right - left, different)


def _elsewhere(shape: Shape, differences: Sequence[Difference]) -> tuple[Elsewhere, ...]:
    """Return what differences cancel out across each column but the day and a nested one."""
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...], str], list[Number]] = {}
    left_out = {shape.grain[0], *(shape.nested or ())[:1]}
    for place, column in enumerate(shape.grain):
        if column in left_out:
            continue
        for group in _alike(shape, differences, place):
            for figures in _cancelling(shape, group):
                name = next(one for one in shape.additive if any(f.by[one] for f in figures))
                ours = tuple(sorted(one.grain[place] for one in figures if one.by[name] < 0))
                theirs = tuple(sorted(one.grain[place] for one in figures if one.by[name] > 0))
                sums = found.setdefault((column, ours, theirs, name), [0, 0])
                sums[0] += len(figures)
                sums[1] += sum(one.by[name] for one in figures if one.by[name] > 0)
    explained = [
        Elsewhere(column, ours, theirs, int(figures), amount, name)
        for (column, ours, theirs, name), (figures, amount) in found.items()
    ]
    explained.sort(key=lambda one: (-one.figures, -one.amount, one.column, one.ours, one.theirs))
    return tuple(explained)


def _alike(
    shape: Shape, differences: Sequence[Difference], place: int
) -> Iterator[Sequence[Difference]]:
    """Yield the differences that are alike in all columns but the one in a place."""
    groups: dict[Grain, list[Difference]] = {}
    for one in differences:
        if shape.is_summed(one.grain):
            groups.setdefault(one.grain[:place] + one.grain[place + 1 :], []).append(one)
    yield from groups.values()


def _cancelling(shape: Shape, group: Sequence[Difference]) -> Iterator[Sequence[Difference]]:
    """Yield the parts of a group whose additive differences add up to 0.

    First pairs, of figures that have no other partner; then all that is left, if it does.
    """
    by_vector: dict[tuple[Number, ...], list[Difference]] = {}
    for one in group:
        vector = tuple(one.by[name] for name in shape.additive)
        if any(vector):  # in reach alone nothing can be elsewhere
            by_vector.setdefault(vector, []).append(one)
    rest = []
    for vector, figures in by_vector.items():
        others = by_vector.get(tuple(-one for one in vector), [])
        if len(figures) != 1 or len(others) != 1:
            rest += figures
        elif vector > tuple(-one for one in vector):  # each pair once
            yield [*figures, *others]
    if rest and not any(sum(one.by[name] for one in rest) for name in shape.additive):
        yield rest
