"""Two scenarios side by side: where their impacts on the same figures differ.

Plain values without I/O. Both impacts start from the same publication, so a figure that one of them
does not move is, in it, as it is now.
"""

from __future__ import annotations

from dataclasses import dataclass

from foreview.errors import Problem, RefusedError
from foreview.impact import FigureImpact, Impact, MartImpact, Number, Values, magnitude


@dataclass(frozen=True)
class FigurePair:
    """One figure in both scenarios.

    Attributes:
        grain: The values of the mart's grain columns.
        before: Its measures as they are; empty where the figure is not there.
        one: Its measures in the first scenario; empty where the figure is not there.
        other: Its measures in the second.
        hidden: Measures that are too small for a report in one of them.
    """

    grain: tuple[str, ...]
    before: Values
    one: Values
    other: Values
    hidden: frozenset[str] = frozenset()

    def difference(self, name: str) -> Number:
        """Return the second scenario's value minus the first's; what is missing counts as 0."""
        return (self.other.get(name) or 0) - (self.one.get(name) or 0)


@dataclass(frozen=True)
class MartPair:
    """A mart in both scenarios.

    Attributes:
        mart: The mart in the first scenario.
        figures: The figures that are not the same in both, those that differ most first.
        alike: Number of figures that both move to the same values.
    """

    mart: MartImpact
    figures: tuple[FigurePair, ...]
    alike: int


def side_by_side(one: Impact, other: Impact) -> tuple[MartPair, ...]:
    """Return each mart's figures that two scenarios leave at different values.

    Raises:
        RefusedError: The impacts were not computed from the same publication.
    """
    publications = [impact.read_set.get("publication") for impact in (one, other)]
    if publications[0] != publications[1]:
        message = f"The scenarios start from publications {publications[0]} and {publications[1]}."
        fix = "Viewing was loaded or a change promoted meanwhile: run both again."
        raise RefusedError(Problem("other-publication", message, fix=fix))
    others = {mart.name: mart for mart in other.marts}
    return tuple(_pair(mart, others[mart.name]) for mart in one.marts)


def _pair(one: MartImpact, other: MartImpact) -> MartPair:
    ones = {figure.grain: figure for figure in one.figures}
    others = {figure.grain: figure for figure in other.figures}
    pairs = []
    alike = 0
    for grain in {*ones, *others}:
        before = (ones.get(grain) or others[grain]).before
        values = [_after(found.get(grain), before) for found in (ones, others)]
        if values[0] == values[1]:
            alike += 1
        else:
            moved = [found[grain] for found in (ones, others) if grain in found]
            hidden = frozenset(name for figure in moved for name in figure.hidden)
            pairs.append(FigurePair(grain, before, values[0], values[1], hidden))
    names = [one.main_measure.name, *(measure.name for measure in one.measures)]
    pairs.sort(key=lambda p: (*(-magnitude(p.difference(name)) for name in names), p.grain))
    return MartPair(one, tuple(pairs), alike)


def _after(figure: FigureImpact | None, before: Values) -> Values:
    return before if figure is None else figure.after
