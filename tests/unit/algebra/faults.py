"""The method with one step broken on purpose. The oracle must catch each (test_faults.py)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from algebra.method import Piece, Touched, WhatIf, plus
from algebra.model import Figure, Grain, Mart, Record, Row, airing_days, content_day, identity, week


class DropsRemovals(WhatIf):
    """Looks at the new rows only: a key that lost its row is not touched."""

    def differs(self, dimension: str, old: Row | None, new: Row | None) -> bool:
        return new is not None and super().differs(dimension, old, new)


class SubtractsReach(WhatIf):
    """Adds and removes what touched viewing reached; households are not looked at whole."""

    def read(self, mart: Mart) -> list[Record]:
        return self.touched_viewing(mart, self.touched_keys(mart))


class SumsDimensions(WhatIf):
    """Adds up the effects of each dimension's edits, each tried alone."""

    def gains(self, mart: Mart) -> dict[Grain, Figure]:
        total: dict[Grain, Figure] = defaultdict(Figure)
        for name in mart.reads:
            alone = WhatIf(self.before, {**self.before, name: self.after[name]}, self.viewing)
            for grain, gain in alone.gains(mart).items():
                total[grain] = plus(total[grain], gain)
        return total


class DropsAtZeroSeconds(WhatIf):
    """A figure goes when its seconds are 0, though 0-second stays are left in it."""

    def is_gone(self, figure: Figure) -> bool:
        return figure.seconds == 0


class IgnoresParents(WhatIf):
    """A touched parent touches none of the keys that point at it."""

    def children(self, child: str, touched: Iterable[Piece]) -> list[Piece]:
        return []


class ParentsByLastRow(WhatIf):
    """A touched parent touches those that point at it now, not those that did in its time."""

    def pointing(self, child: str) -> list[Row]:
        rows = {row.key: row for row in sorted(self.after[child], key=lambda row: row.start)}
        return list(rows.values())


class TakesNoRowForNone(WhatIf):
    """No row and a row without the attribute are taken for the same."""

    def differs(self, dimension: str, old: Row | None, new: Row | None) -> bool:
        return (old and old.value) != (new and new.value)


class ReadsTheDayOfAWeek(WhatIf):
    """Reads a household's day where the figure is of a week."""

    def period(self, mart: Mart, record: Record) -> int | None:
        return record.day if mart.period is week else mart.period(record)


class ReadsTheViewingDayOfAnAiring(WhatIf):
    """Reads the partition of the touched viewing, not the days up to 7 after the airing's."""

    def period(self, mart: Mart, record: Record) -> int | None:
        return record.day if mart.span is airing_days else mart.period(record)

    def span(self, mart: Mart, record: Record) -> set[int | None]:
        return {self.period(mart, record)}


class CutsAiringsAtMidnight(WhatIf):
    """Reads the content's day only: an airing past midnight has viewing of two."""

    def span(self, mart: Mart, record: Record) -> set[int | None]:
        return {self.period(mart, record)}


class TouchesByViewingDayOnly(WhatIf):
    """Looks a time-shifted stay's channel up on the day of viewing, not of the content."""

    def day(self, mart: Mart, record: Record) -> int | None:
        return record.day if mart.day is content_day else mart.day(record)


class CountsTwice(WhatIf):
    """A record that two dimensions touch is taken once for each."""

    def read(self, mart: Mart) -> list[Record]:
        return [one for name in mart.reads for one in super_read(self, mart, name)]


def super_read(method: WhatIf, mart: Mart, dimension: str) -> list[Record]:
    return WhatIf.read(method, replace(mart, reads=(dimension,)))


class ForgetsDevicesWithoutHousehold(WhatIf):
    """Reads households only."""

    def read(self, mart: Mart) -> list[Record]:
        return [one for one in super().read(mart) if one.device.household is not None]


class IgnoresMovedDenominators(WhatIf):
    """Leaves the shares as they were."""

    def moved_denominators(self, mart: Mart, gains: dict[Grain, Figure]) -> dict[Grain, int]:
        return {}


class KeepsClockSeconds(WhatIf):
    """Leaves the length of an airing as it was."""

    def clock_seconds(self, mart: Mart, grain: Grain) -> int:
        return mart.clock_seconds(grain, self.before)


class NarrowsByAfterOnly(WhatIf):
    """Leaves out channels that share only what the touched channel was."""

    def narrowing(self, mart: Mart, channel: str) -> set[str]:
        return WhatIf(self.after, self.after, self.viewing).narrowing(mart, channel)


class NarrowsByRowsOnly(WhatIf):
    """Forgets that a channel without a row in the sparse channel_key is its own identity."""

    def channels_of_figures(self, mart: Mart, touched: Touched) -> set[str] | None:
        found = super().channels_of_figures(mart, touched)
        if found is None or mart.narrow_by is not identity:
            return found
        keys = {key for pieces in touched.values() for key, _, _ in pieces}
        rows = self.either("channel_key")
        shared = {row.value for row in rows if row.key in keys}
        return keys | {row.key for row in rows if row.value in shared} | shared


FAULTS = [one for one in WhatIf.__subclasses__() if one.__module__ == __name__]
