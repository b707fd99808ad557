"""How many stays each device has on each day, and which row is which stay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foreview.generate.draw import number

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Plan:
    """How many stays each device-day has, as a closed form of its place in a seeded shuffle.

    Device-days are numbered `pair = day * devices + device - 1`; `place` is the pair's number
    after the shuffle `pair = (place * factor + offset) mod pairs`. The first half of the rows
    goes round the `active` first places, the second half round the `busy` first ones.
    """

    rows: int
    devices: int
    days: int
    seed: int

    @property
    def pairs(self) -> int:
        """The number of device-days."""
        return self.devices * self.days

    @property
    def active(self) -> int:
        """The number of device-days with any viewing, when there are rows enough."""
        return max(1, self.pairs * 3 // 4)

    @property
    def busy(self) -> int:
        """The number of device-days with much viewing."""
        return max(1, self.pairs // 4)

    @property
    def light_rows(self) -> int:
        """The number of rows that go round all active device-days."""
        return self.rows // 2

    @property
    def most_stays(self) -> int:
        """The most stays that a device-day can have."""
        return self.light_rows // self.active + (self.rows - self.light_rows) // self.busy + 2

    @property
    def spread(self) -> float:
        """The part of its share of the daily curve in which a stay may start.

        The rest keeps starts apart: at the curve's peak 2 seconds or more for this many stays.
        """
        return 1 - self.most_stays / 10_000

    @property
    def factor(self) -> int:
        """The shuffle's factor, without a common divisor with the number of device-days."""
        factor = number(self.seed, "factor") % self.pairs
        while math.gcd(factor, self.pairs) != 1:
            factor += 1
        return factor

    @property
    def offset(self) -> int:
        """The shuffle's offset."""
        return number(self.seed, "offset") % self.pairs

    def pair_of(self, place: Column) -> Column:
        """Return the device-day at a place of the shuffle."""
        return (place * self.factor + self.offset) % self.pairs

    def place_of(self, pair: Column) -> Column:
        """Return the place of a device-day in the shuffle."""
        inverse = pow(self.factor, -1, self.pairs) if self.pairs > 1 else 0
        return (pair + (self.pairs - self.offset)) % self.pairs * inverse % self.pairs

    def place_and_slot(self, row: Column) -> tuple[Column, Column]:
        """Return the device-day of a row and the row's number among its stays."""
        from pyspark.sql import functions as f

        is_light = row < self.light_rows
        late = row - self.light_rows
        place = f.when(is_light, row % self.active).otherwise(late % self.busy)
        light = _share_of(self.light_rows, self.active, place)
        slot = f.when(is_light, whole(row, self.active)).otherwise(light + whole(late, self.busy))
        return place, slot

    def stays_of(self, place: Column) -> Column:
        """Return the number of stays of a device-day."""
        heavy = self.rows - self.light_rows
        return _share_of(self.light_rows, self.active, place) + _share_of(heavy, self.busy, place)


def whole(dividend: Column, divisor: int) -> Column:
    """Return the whole part of a quotient of numbers that are not negative."""
    return ((dividend - dividend % divisor) / divisor).cast("bigint")


def _share_of(rows: int, places: int, place: Column) -> Column:
    """Return how many of the rows a place gets when they go round the places."""
    from pyspark.sql import functions as f

    each, rest = divmod(rows, places)
    return f.when(place < rest, each + 1).when(place < places, each).otherwise(0).cast("bigint")
