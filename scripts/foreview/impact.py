"""The impact of a scenario: the difference that change sets make to the figures of the marts.

Plain values without I/O: the what-if makes them from the engine's rows, reports show them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from foreview.changes import ChangeSet
from foreview.future import FutureEdit
from foreview.rekeying import ProposedPair

Number = int | Decimal
Values = Mapping[str, Number | None]
Hidden = Mapping[str, tuple[str | None, str | None, str]]
"""What a report says in place of the two values of a measure and of their difference."""

Sides = tuple[Number, Number]
"""A count before and after, or in one track and in the other."""

UNMAPPED = "(unmapped)"
"""The grain value of viewing whose key has no row that day."""

NONE = "(none)"
"""The grain value of a row without that attribute."""


@dataclass(frozen=True)
class Measure:
    """A number that a mart's figures have.

    Attributes:
        name: Its column.
        label: Its name on screens.
        type: `integer` or `decimal`.
        additive: Whether its values over several figures may be added up.
        unit: What is counted, in the plural, for example `seconds`.
    """

    name: str
    label: str
    type: str
    additive: bool
    unit: str


@dataclass(frozen=True)
class Ratio:
    """A measure divided by another, at a fixed scale; marts keep the two parts.

    Attributes:
        name: Its name.
        label: Its name on screens.
        numerator: A measure or column of the figures.
        denominator: Another; the ratio is empty where it is zero or missing.
        scale: Number of decimals.
    """

    name: str
    label: str
    numerator: str
    denominator: str
    scale: int


@dataclass(frozen=True)
class FigureImpact:
    """One figure that moves.

    Attributes:
        grain: The values of the mart's grain columns.
        change: `added`, `removed` or `modified`.
        before: Measures and denominators as they are; empty when added.
        after: Measures and denominators as they would be; empty when removed.
        hidden: Measures that are too small for a report, which then have no values.
    """

    grain: tuple[str, ...]
    change: str
    before: Values
    after: Values
    hidden: Hidden = field(default_factory=dict)

    def value(self, side: str, name: str) -> Number:
        """Return a value on the side `before` or `after`; what is missing counts as 0."""
        values = self.before if side == "before" else self.after
        return values.get(name) or 0

    def difference(self, name: str) -> Number:
        """Return after minus before."""
        return self.value("after", name) - self.value("before", name)


@dataclass(frozen=True)
class RankChange:
    """A figure that gains or loses a place among those that it is compared with.

    Attributes:
        grain: The values of the mart's grain columns.
        before: Its place, from 1; None for a figure that appears.
        after: The same after; None for one that disappears.
    """

    grain: tuple[str, ...]
    before: int | None
    after: int | None


@dataclass(frozen=True)
class PathTaken:
    """Which way the marts of one kind of period were computed, and of what that was concluded.

    Attributes:
        period: `day`, `week`, `airing`, or `now`.
        name: `touched`: over the viewing of the affected households, in both worlds; `full`: over
            all viewing of the periods, in the after-world.
        touched_records: Records that the edits touch.
        records: All records of the periods.
        is_asked: Whether somebody asked for this way, instead of the one that is faster.
    """

    period: str
    name: str
    touched_records: int
    records: int
    is_asked: bool = False


@dataclass(frozen=True)
class Read:
    """What the engine's tasks read while an impact was computed, reference tables included."""

    bytes: int
    files: int
    records: int


@dataclass(frozen=True)
class MartImpact:
    """The figures of one mart that move.

    Attributes:
        name: The mart's model.
        label: Its name on screens.
        description: Its grain in a sentence.
        grain: The grain columns; the day is the one whose name ends in `_date`.
        measures: The first additive one is what figures are ranked by.
        ratios: Shares and averages, from two columns of the figures.
        figures: All figures that move, each once.
        total_figures: Number of figures that the mart has.
        nested: A grain column and one of its values: figures of its other values are parts of that
            one's, as live viewing is of that up to seven days later. None for most marts.
        named_by: The grain columns by which people name a figure; all when empty.
        rank_changes: Figures whose place among their like changes, the best places first.
        held: Figures that would move, but are published: readers keep what they have.
        unnamed_ranks: Number of other figures whose place changes, which a report does not name.
    """

    name: str
    label: str
    description: str
    grain: tuple[str, ...]
    measures: tuple[Measure, ...]
    ratios: tuple[Ratio, ...]
    figures: tuple[FigureImpact, ...]
    total_figures: int
    nested: tuple[str, str] | None = None
    named_by: tuple[str, ...] = ()
    rank_changes: tuple[RankChange, ...] = ()
    held: tuple[FigureImpact, ...] = ()
    unnamed_ranks: int = 0

    @property
    def disjoint_figures(self) -> tuple[FigureImpact, ...]:
        """The figures that may be added up: those that are not parts of others."""
        if self.nested is None:
            return self.figures
        column, whole = self.nested
        place = self.grain.index(column)
        return tuple(one for one in self.figures if one.grain[place] == whole)

    @property
    def day_place(self) -> int | None:
        """The place of the day among the grain columns, or None when there is no day."""
        days = (place for place, name in enumerate(self.grain) if name.endswith("_date"))
        return next(days, None)

    @property
    def main_measure(self) -> Measure:
        """The measure that figures are ranked by."""
        return next((one for one in self.measures if one.additive), self.measures[0])


@dataclass(frozen=True)
class ModelImpact:
    """What a scenario does to a model that is no mart, built whole in both worlds.

    Attributes:
        name: The model.
        rows_before: Number of its rows as it is.
        rows_after: Number of its rows as it would be.
        removed: Number of rows, equal ones counted each, that are only in the first.
        added: Number that are only in the second.
        columns: `world` and its columns.
        rows: Some of the rows that differ, as text, the world first.
        reason: Why it could not be built in both worlds; then the rest is empty.
    """

    name: str
    rows_before: int
    rows_after: int
    removed: int
    added: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    reason: str = ""


@dataclass(frozen=True)
class Illustration:
    """What edits that begin after the last viewing would have done on the last days with it.

    It is never part of a receipt. Only the differences mean something: before and after are those
    of the households that were looked at.

    Attributes:
        day: The day whose rows were taken, the first on which most of these edits hold.
        first_day: The first day that it is shown on.
        last_day: The last day with viewing.
        marts: The figures that would have been others.
        shown: The edits that it shows: those that make a difference on that day.
    """

    day: str
    first_day: str
    last_day: str
    marts: tuple[MartImpact, ...]
    shown: tuple[FutureEdit, ...] = ()


@dataclass(frozen=True)
class Impact:
    """What one or more change sets do to the figures.

    Attributes:
        change_sets: The change sets tried together, in order.
        base_release: The release that they were tried on.
        horizon_day: The last broadcast day with viewing, `YYYY-MM-DD`; None without viewing.
        horizon_batch: The last load batch.
        contracts: Each dimension's contract hash.
        marts: Every mart that was looked at, those where nothing moves included.
        touched_records: Number of viewing records whose attributes change.
        touched_days: Number of broadcast days with such records.
        touched_seconds: Their seconds.
        read_set: What the computation read.
        checksum: The receipt's checksum.
        proposed_pairs: Inserted channel codes that are likely deleted ones, the likeliest first.
        paths: How it was computed, for each kind of period that is touched.
        read: What was read for it; None where the engine does not tell.
        models: The models downstream of what is edited that are no marts.
        future: The edits that begin to matter after the last day with viewing.
        illustration: What these would have done; None without any that can be shown.
        since: What changed since the preview before, and if it matters; empty without one.
        smallest_count: Fewer households than these are not shown by themselves in reports.
    """

    change_sets: tuple[ChangeSet, ...]
    base_release: int
    horizon_day: str | None
    horizon_batch: int
    contracts: Mapping[str, str]
    marts: tuple[MartImpact, ...]
    touched_records: int
    touched_days: int
    touched_seconds: int
    read_set: Mapping[str, Any]
    checksum: str
    proposed_pairs: tuple[ProposedPair, ...] = ()
    paths: tuple[PathTaken, ...] = ()
    read: Read | None = None
    since: tuple[str, ...] = ()
    models: tuple[ModelImpact, ...] = ()
    future: tuple[FutureEdit, ...] = ()
    illustration: Illustration | None = None
    smallest_count: int = 0


def magnitude(value: Number) -> Number:
    """Return a number without its sign."""
    return -value if value < 0 else value


def ratio_of(ratio: Ratio, values: Values) -> Decimal | None:
    """Return a ratio at its scale, or None where it has no value.

    As the marts' views have it: Spark divides to ten digits and rounds halves up, twice.
    """
    numerator, denominator = values.get(ratio.numerator), values.get(ratio.denominator)
    if numerator is None or not denominator:
        return None
    with localcontext(prec=100):
        quotient = Decimal(numerator) / Decimal(denominator)
        for scale in (10, ratio.scale):
            quotient = quotient.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        return quotient


def counted(measures: Iterable[Measure]) -> str:
    """Return the measure that says how many are in a figure; empty where there is none."""
    known = list(measures)
    households = [one.name for one in known if one.unit == "households"]
    return next(iter([*households, *(one.name for one in known if one.name == "records")]), "")


def are_small(sides: Sequence[Sides], smallest: int) -> bool:
    """Tell whether a count, or a difference of two that are shown side by side, is too small."""
    rows_and_columns = [*sides, *zip(*sides, strict=True)]
    apart = (
        magnitude(one - other)
        for values in rows_and_columns
        for one, other in itertools.combinations(values, 2)
    )
    return any(0 < one < smallest for one in (*itertools.chain(*sides), *apart))
