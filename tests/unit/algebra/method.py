"""The what-if's method, a step a function, as macros/what_if does it; faults.py breaks the steps.

A model of the algebra, not of the SQL. The mart's own SQL (`model.sums`) sees only the viewing that
`read` returns; the rest comes from the published figures and the two worlds' few reference rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from algebra.model import (
    DAY,
    NONE,
    UNMAPPED,
    Figure,
    Figures,
    Grain,
    Impact,
    Mart,
    Record,
    Row,
    World,
    row_at,
    sums,
    within,
)

PARENTS = {"network": "channel", "programme": "airing"}
"""The dimension whose rows point at a parent's."""
BY_CHANNEL = ("channel", "channel_key", "network")
FOREVER = 10**9

Piece = tuple[str, int, int]
"""A key and the part of time in which it differs, as `[start, end)`."""
Touched = dict[str, list[Piece]]


@dataclass(frozen=True)
class WhatIf:
    before: World
    after: World
    viewing: Sequence[Record]

    def impact(self, mart: Mart, published: Figures) -> Impact:
        return self.rows(mart, published, self.gains(mart))

    # Which keys differ, and when

    def touched_keys(self, mart: Mart) -> Touched:
        """Return the pieces of the keys that viewing has, by dimension."""
        touched = {name: self.pieces(name) for name in mart.reads}
        for parent, child in PARENTS.items():
            if parent in touched:
                touched[child] = touched.get(child, []) + self.children(child, touched.pop(parent))
        return touched

    def pieces(self, dimension: str) -> list[Piece]:
        """Cut time at all interval ends of both worlds; keep where what is read differs."""
        found = []
        rows = self.either(dimension)
        for key in sorted({row.key for row in rows}):
            for start, end in pairwise(bounds(row for row in rows if row.key == key)):
                old = row_at(self.before, dimension, key, start)
                new = row_at(self.after, dimension, key, start)
                if self.differs(dimension, old, new):
                    found.append((key, start, end))
        return found

    def differs(self, dimension: str, old: Row | None, new: Row | None) -> bool:
        """Compare what marts read; no row is a value too, and an airing is named by its start."""
        if old is None or new is None:
            return old is not new
        return old.value != new.value or (dimension == "airing" and old.start != new.start)

    def children(self, child: str, touched: Iterable[Piece]) -> list[Piece]:
        """Return the pieces of keys that point at a touched parent, in either world."""
        scale = DAY if child == "airing" else 1
        return [
            (row.key, max(row.start, start * scale), min(end_of(row), end * scale))
            for key, start, end in touched
            for row in self.pointing(child)
            if row.value == key and row.start < end * scale and start * scale < end_of(row)
        ]

    def pointing(self, child: str) -> list[Row]:
        return self.either(child)

    def either(self, dimension: str) -> list[Row]:
        return [*self.before[dimension], *self.after[dimension]]

    # Which viewing decides the figures that move

    def touched_viewing(self, mart: Mart, touched: Touched) -> list[Record]:
        """Return each record whose attributes differ, once, however many dimensions touch it."""
        return [record for record in self.viewing if self.is_touched(mart, record, touched)]

    def is_touched(self, mart: Mart, record: Record, touched: Touched) -> bool:
        day = self.day(mart, record)
        reached = {
            "channel": (record.channel, day),
            "channel_key": (record.channel, day),
            "area": (record.device.area, day),
            "airing": (record.channel, record.content),
        }
        return any(
            key == reached[dimension][0] and at is not None and start <= at < end
            for dimension, pieces in touched.items()
            for at in (reached[dimension][1],)
            for key, start, end in pieces
        )

    def day(self, mart: Mart, record: Record) -> int | None:
        return mart.day(record)

    def read(self, mart: Mart) -> list[Record]:
        """Return all viewing of affected households in the periods of their moved figures, and
        the touched viewing of devices without one."""
        keys = self.touched_keys(mart)
        touched = self.touched_viewing(mart, keys)
        affected = {
            (record.device.household, period)
            for record in touched
            for period in self.span(mart, record)
            if record.device.household is not None
        }
        channels = self.channels_of_figures(mart, keys) if affected else set()
        return [
            record
            for record in self.viewing
            if (record.device.household, self.period(mart, record)) in affected
            and (channels is None or record.channel in channels)
        ] + [record for record in touched if record.device.household is None]

    def span(self, mart: Mart, record: Record) -> set[int | None]:
        """Return the periods that the record's figures lie in, in either world."""
        if mart.span is None:
            return {self.period(mart, record)}
        return {*mart.span(record, self.before), *mart.span(record, self.after)}

    def period(self, mart: Mart, record: Record) -> int | None:
        return mart.period(record)

    def channels_of_figures(self, mart: Mart, touched: Touched) -> set[str] | None:
        """Return the channels that can be in a moved figure; None when they can't be listed."""
        keys = {key for pieces in touched.values() for key, _, _ in pieces}
        values = {value for key in keys for value in self.narrowing(mart, key)}
        if touched.get("area") or values & {NONE, UNMAPPED}:
            return None
        known = {record.channel for record in self.viewing}
        return keys | {key for key in known if values & self.narrowing(mart, key)}

    def narrowing(self, mart: Mart, channel: str) -> set[str]:
        """Return what the channel is in the mart's grain, at any time, in either world."""
        days = bounds(row for name in BY_CHANNEL for row in self.either(name))
        worlds = (self.before, self.after)
        return {mart.narrow_by(world, channel, day) for day in days for world in worlds}

    # What it comes to

    def gains(self, mart: Mart) -> dict[Grain, Figure]:
        """Return what each figure gains, signed: the mart's SQL over what was read, twice."""
        read = self.read(mart)
        old, new = sums(mart, self.before, read), sums(mart, self.after, read)
        return {
            grain: plus(new.get(grain, Figure()), old.get(grain, Figure()), sign=-1)
            for grain in old.keys() | new.keys()
        }

    def rows(self, mart: Mart, published: Figures, gains: dict[Grain, Figure]) -> Impact:
        """Add what figures gain to those that readers see; a denominator moves all under it."""
        moved = self.moved_denominators(mart, gains)
        totals = {within(mart, grain): one.share_denominator for grain, one in published.items()}
        found: Impact = {}
        for grain in published.keys() | gains.keys():
            before, share = published.get(grain), within(mart, grain)
            after = plus(before or Figure(), gains.get(grain, Figure()))._replace(
                clock_seconds=self.clock_seconds(mart, grain),
                share_denominator=totals.get(share, 0) + moved.get(share, 0),
            )
            shown = None if self.is_gone(after) else after
            if before != shown:
                found[grain] = before, shown
        return found

    def clock_seconds(self, mart: Mart, grain: Grain) -> int:
        """Return a figure's clock, from reference rows alone: no viewing tells it."""
        return mart.clock_seconds(grain, self.after)

    def moved_denominators(self, mart: Mart, gains: dict[Grain, Figure]) -> dict[Grain, int]:
        moved: dict[Grain, int] = defaultdict(int)
        for grain, gain in gains.items():
            moved[within(mart, grain)] += gain.seconds
        return moved

    def is_gone(self, figure: Figure) -> bool:
        return figure.records == 0


def end_of(row: Row) -> int:
    return FOREVER if row.end is None else row.end


def bounds(rows: Iterable[Row]) -> list[int]:
    return sorted({at for row in rows for at in (row.start, end_of(row))})


def plus(one: Figure, other: Figure, sign: int = 1) -> Figure:
    return Figure(*(left + sign * right for left, right in zip(one, other, strict=True)))
