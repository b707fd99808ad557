"""A tiny world of reference data and viewing, its marts, and the oracle that builds both worlds.

This is a model of the what-if's algebra, not of its SQL: it shows that the *method* (method.py) is
exact. The SQL itself is held against a rebuild by tests/flow/oracle.py.

All three kinds of dimension are here: reached by key (channel -> network -> group, and the sparse
channel_key), through another dimension (device -> area -> market) and by interval (airing ->
programme -> genre). By-key attributes hold on the viewing day, in the airing mart on the content's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

DAY = 86_400
REACH_SECONDS = 60
NONE, UNMAPPED = "(none)", "(unmapped)"
WINDOWS = {"live": 0, "same day": 0, "+3": 3, "+7": 7}


class Row(NamedTuple):
    """A reference row: what `key` is from `start` until before `end` (None: open).

    Both are broadcast days, except in `airing`: there they are instants, in seconds.
    """

    key: str
    start: int
    end: int | None
    value: str | None

    def holds(self, at: int) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


World = Mapping[str, Sequence[Row]]


class Device(NamedTuple):
    """A device as the load of a viewing day shows it; its weight in ten-thousandths."""

    household: str | None
    area: str | None
    weight: int


class Record(NamedTuple):
    """A stay. `content` is the instant when it was broadcast; None on demand."""

    started: int
    device: Device
    channel: str
    seconds: int
    is_session_start: bool
    mode: str
    content: int | None

    @property
    def day(self) -> int:
        return self.started // DAY

    @property
    def content_day(self) -> int | None:
        return None if self.content is None else self.content // DAY


def row_at(world: World, dimension: str, key: str | None, at: int) -> Row | None:
    return next((row for row in world[dimension] if row.key == key and row.holds(at)), None)


def attribute(world: World, dimension: str, key: str | None, at: int) -> str:
    """Return the key's value, following no further where its own parent is missing."""
    if key in (NONE, UNMAPPED):
        return str(key)
    row = row_at(world, dimension, key, at)
    return UNMAPPED if row is None else row.value or NONE


def identity(world: World, channel: str, day: int) -> str:
    if row_at(world, "channel", channel, day) is None:
        return UNMAPPED
    row = row_at(world, "channel_key", channel, day)
    return (row and row.value) or channel


def network(world: World, channel: str, day: int) -> str:
    return attribute(world, "channel", channel, day)


def group(world: World, channel: str, day: int) -> str:
    return attribute(world, "network", network(world, channel, day), day)


def market(world: World, record: Record) -> str:
    return attribute(world, "area", record.device.area, record.day)


Grain = tuple[Any, ...]
Share = tuple[Grain, int, int]
"""What a record adds to a figure: the figure's grain, seconds and sessions."""


def by_channel_day(record: Record, world: World) -> Iterator[Share]:
    grain = (record.day, record.mode, identity(world, record.channel, record.day))
    yield grain, record.seconds, record.is_session_start


def by_network_day(record: Record, world: World) -> Iterator[Share]:
    grain = (record.day, record.mode, network(world, record.channel, record.day))
    yield grain, record.seconds, record.is_session_start


def by_group_day(record: Record, world: World) -> Iterator[Share]:
    grain = (record.day, record.mode, group(world, record.channel, record.day))
    yield grain, record.seconds, record.is_session_start


def by_market_day(record: Record, world: World) -> Iterator[Share]:
    keys = (market(world, record), network(world, record.channel, record.day))
    yield (record.day, record.mode, *keys), record.seconds, record.is_session_start


def by_market_week(record: Record, world: World) -> Iterator[Share]:
    keys = (market(world, record), network(world, record.channel, record.day))
    yield (week(record), record.mode, *keys), record.seconds, record.is_session_start


def by_channel_minute(record: Record, world: World) -> Iterator[Share]:
    key = identity(world, record.channel, record.day)
    end = record.started + record.seconds
    for minute in range(record.started // 60, max(record.started, end - 1) // 60 + 1):
        seconds = min(end, (minute + 1) * 60) - max(record.started, minute * 60)
        is_first = minute == record.started // 60
        yield (minute, record.mode, key), seconds, record.is_session_start and is_first


def by_airing(record: Record, world: World) -> Iterator[Share]:
    """Figures of an airing: one more for each cumulative window that the stay is in."""
    day = record.content_day
    if day is None or record.content is None:
        return
    row = row_at(world, "airing", record.channel, record.content)
    start = row.start if row else None
    programme = attribute(world, "airing", record.channel, record.content)
    genre = attribute(world, "programme", programme, day)
    airing_day = day if start is None else start // DAY
    keys = (record.channel, start, programme, genre, network(world, record.channel, day))
    for window, most in WINDOWS.items():
        if record.day - day <= most and (window != "live" or record.mode == "live"):
            yield (airing_day, window, *keys), record.seconds, record.is_session_start


def airing_seconds(grain: Grain, world: World) -> int:
    row = None if grain[3] is None else row_at(world, "airing", grain[2], grain[3])
    return row.end - row.start if row and row.end else 0


def day_seconds(grain: Grain, world: World) -> int:
    return DAY


def week(record: Record) -> int:
    return record.day // 7


def viewing_day(record: Record) -> int:
    return record.day


def content_day(record: Record) -> int | None:
    return record.content_day


def content_period(record: Record) -> int | None:
    """Return the content day of viewing that is in time for some window."""
    day = record.content_day
    return None if day is None or record.day - day > max(WINDOWS.values()) else day


def airing_days(record: Record, world: World) -> Iterable[int]:
    """Return the content days of all viewing of the record's airing: it may run past midnight."""
    if record.content is None:
        return ()
    row = row_at(world, "airing", record.channel, record.content)
    if row is None or row.end is None:
        return (record.content // DAY,)
    return range(row.start // DAY, (row.end - 1) // DAY + 1)


@dataclass(frozen=True)
class Mart:
    """A mart: the figures that a record adds to, and what the method may know about it.

    Attributes:
        figures_of: The mart's own SQL, for one record.
        reads: The dimensions that it reads.
        narrow_by: Something in the grain that the channel and day alone decide.
        within: Places in the grain that a share's denominator shares.
        day: The day on which a record's by-key attributes hold.
        period: The part of the viewing that a household's part of a figure lies in.
        span: The periods of the record's figures in a world, when they have more than one.
        clock_seconds: A figure's clock seconds, the denominator of average audience.
    """

    figures_of: Callable[[Record, World], Iterable[Share]]
    reads: tuple[str, ...]
    narrow_by: Callable[[World, str, int], str]
    within: tuple[int, ...] = (0, 1)
    day: Callable[[Record], int | None] = viewing_day
    period: Callable[[Record], int | None] = viewing_day
    span: Callable[[Record, World], Iterable[int]] | None = None
    clock_seconds: Callable[[Grain, World], int] = day_seconds


MARTS = {
    "channel_day": Mart(by_channel_day, ("channel", "channel_key"), identity),
    "network_day": Mart(by_network_day, ("channel",), network),
    "group_day": Mart(by_group_day, ("channel", "network"), group),
    "market_day": Mart(by_market_day, ("channel", "area"), network, (0, 1, 2)),
    "market_week": Mart(by_market_week, ("channel", "area"), network, (0, 1, 2), period=week),
    "channel_minute": Mart(by_channel_minute, ("channel", "channel_key"), identity),
    "airing": Mart(
        by_airing,
        ("channel", "airing", "programme"),
        lambda world, channel, day: channel,
        day=content_day,
        period=content_period,
        span=airing_days,
        clock_seconds=airing_seconds,
    ),
}


class Figure(NamedTuple):
    records: int = 0
    seconds: int = 0
    weighted_seconds: int = 0
    sessions: int = 0
    reach: int = 0
    weighted_reach: int = 0
    clock_seconds: int = 0
    share_denominator: int = 0


Figures = Mapping[Grain, Figure]
Impact = dict[Grain, tuple[Figure | None, Figure | None]]
"""Figures that move, before and after: None before is added, None after is removed."""


def sums(mart: Mart, world: World, records: Iterable[Record]) -> dict[Grain, Figure]:
    """Return what records add up to: the mart's SQL, without denominators and clocks.

    A household is reached by a stay that is long enough; its weight is the greatest of its
    records in the figure.
    """
    additive: dict[Grain, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    households: dict[Grain, dict[str, tuple[bool, int]]] = defaultdict(dict)
    for record in records:
        household, weight = record.device.household, record.device.weight
        for grain, seconds, sessions in mart.figures_of(record, world):
            parts = (1, seconds, seconds * weight, sessions)
            additive[grain] = [one + more for one, more in zip(additive[grain], parts, strict=True)]
            if household is not None:
                reached, heaviest = households[grain].get(household, (False, 0))
                is_long = record.seconds >= REACH_SECONDS
                households[grain][household] = reached or is_long, max(heaviest, weight)
    found = {}
    for grain, parts in additive.items():
        reached_weights = [weight for is_in, weight in households[grain].values() if is_in]
        reach = (len(reached_weights), sum(reached_weights))
        found[grain] = Figure(*parts, *reach)
    return found


def build(mart: Mart, world: World, records: Iterable[Record]) -> Figures:
    """Return the whole mart of a world."""
    found = sums(mart, world, records)
    totals: dict[Grain, int] = defaultdict(int)
    for grain, figure in found.items():
        totals[within(mart, grain)] += figure.seconds
    return {
        grain: figure._replace(
            clock_seconds=mart.clock_seconds(grain, world),
            share_denominator=totals[within(mart, grain)],
        )
        for grain, figure in found.items()
    }


def within(mart: Mart, grain: Grain) -> Grain:
    return tuple(grain[place] for place in mart.within)


def compare(before: Figures, after: Figures) -> Impact:
    """Return the oracle's impact: every figure that is not the same in both builds."""
    return {
        grain: (before.get(grain), after.get(grain))
        for grain in before.keys() | after.keys()
        if before.get(grain) != after.get(grain)
    }
