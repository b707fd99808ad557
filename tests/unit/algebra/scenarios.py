"""Random worlds, viewing and change sets, small enough for edits to meet on the same figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

from algebra.method import WhatIf
from algebra.model import DAY, MARTS, Device, Impact, Mart, Record, Row, World, build, compare
from hypothesis import strategies as st

CHANNELS = ("A", "B", "C")
KEYS = {
    "channel": CHANNELS,
    "channel_key": CHANNELS,
    "network": ("n1", "n2"),
    "area": ("a1", "a2"),
    "airing": CHANNELS,
    "programme": ("p1", "p2"),
}
VALUES = {
    "channel": (None, "n1", "n2", "n3"),
    "channel_key": ("A", "B", "S"),
    "network": (None, "g1", "g2"),
    "area": (None, "m1", "m2"),
    "airing": (None, "p1", "p2"),
    "programme": (None, "drama", "news"),
}
DAYS = (0, 7, 8, 9)
"""Edits and intervals begin on these."""
VIEWED = (7, 8)
"""Days of content; viewing goes on for 8 more, over three weeks."""
MODES = [("live", 0)] * 6 + [("on-demand", 0)]
MODES += [("time-shifted", lag) for lag in (0, 1, 1, 3, 4, 7, 8)]
SECONDS = (200, 200, 60, 59, 0)
OFFSETS = (0, 1_170, DAY - 600)
"""Where in a day airings begin and stays start."""
INSTANTS = tuple(day * DAY + offset for day in VIEWED for offset in OFFSETS)
INTERVALS: tuple[Any, ...] = (
    ((0, None),),
    ((0, 8), (8, None)),
    ((0, 8), (9, None)),
    ((7, 8),),
)
AIRINGS: tuple[Any, ...] = (
    ((INSTANTS[0], INSTANTS[2]), (INSTANTS[2], INSTANTS[4])),
    ((INSTANTS[0], INSTANTS[4]),),
    ((INSTANTS[1], INSTANTS[3]), (INSTANTS[4], INSTANTS[5])),
)
DEVICES = (
    Device("h1", "a1", 10_000),
    Device("h1", "a1", 10_000),
    Device("h1", "a2", 25_001),
    Device("h2", "a1", 7_500),
    Device("h2", None, 0),
    Device(None, "a1", 5_000),
)


class Action(StrEnum):
    CORRECT = "correct"
    CORRECT_START = "correct the start"
    CORRECT_END = "correct the end"
    CHANGE_FROM = "change from a day"
    RETIRE = "retire"
    DELETE = "delete"
    INSERT = "insert"
    READD = "re-add"


@dataclass(frozen=True)
class Edit:
    """An action on a dimension's row, found by its place (an insert's: its key's place)."""

    dimension: str
    action: Action
    place: int
    at: int
    end: int | None
    value: str | None


ChangeSet = Sequence[Edit]


@dataclass(frozen=True)
class Scenario:
    before: World
    viewing: Sequence[Record]
    change_sets: Sequence[ChangeSet]

    @property
    def after(self) -> World:
        return apply(self.before, self.change_sets)

    def impact(self, mart: Mart, method: type[WhatIf] = WhatIf) -> Impact:
        published = build(mart, self.before, self.viewing)
        return method(self.before, self.after, self.viewing).impact(mart, published)

    def impacts(self, method: type[WhatIf] = WhatIf) -> dict[str, tuple[Impact, Impact]]:
        """Return each mart's impact, as the method finds it and as the oracle does."""
        after = self.after
        what_if = method(self.before, after, self.viewing)
        found = {}
        for name, mart in MARTS.items():
            published = build(mart, self.before, self.viewing)
            expected = compare(published, build(mart, after, self.viewing))
            found[name] = what_if.impact(mart, published), expected
        return found

    def wrong_marts(self, method: type[WhatIf] = WhatIf) -> list[str]:
        """Return the marts whose impact isn't the oracle's."""
        pairs = self.impacts(method).items()
        return [name for name, (found, expected) in pairs if found != expected]


def apply(before: World, change_sets: Sequence[ChangeSet]) -> World:
    """Return the world after change sets on different cells; what would be refused is left out:
    a cell that an earlier one edited, and intervals that overlap."""
    after = {name: list(rows) for name, rows in before.items()}
    taken: set[Any] = set()
    for edits in change_sets:
        cells: set[Any] = set()
        for edit in edits:
            rows = after[edit.dimension]
            found = edited(rows, edit)
            if found is None or not is_valid(edit.dimension, found):
                continue
            touched = {
                (edit.dimension, *row[:2], cell)
                for row, other in paired(rows, found)
                for cell in ("value", "end")
                if row is None or other is None or getattr(row, cell) != getattr(other, cell)
                for row in (row or other,)
            }
            if touched.isdisjoint(taken):
                after[edit.dimension] = found
                cells |= touched
        taken |= cells
    return after


def paired(old: Sequence[Row], new: Sequence[Row]) -> list[tuple[Row | None, Row | None]]:
    before, after = ({row[:2]: row for row in rows} for rows in (old, new))
    return [(before.get(key), after.get(key)) for key in before.keys() | after.keys()]


def edited(rows: Sequence[Row], edit: Edit) -> list[Row] | None:
    """Return a dimension's rows after one edit; None when it can't be made."""
    if edit.action is Action.INSERT:
        keys = KEYS[edit.dimension]
        return inserted(rows, keys[edit.place % len(keys)], edit)
    if not rows:
        return None
    row = rows[edit.place % len(rows)]
    others = [one for one in rows if one is not row]
    match edit.action:
        case Action.CORRECT:
            return [*others, row._replace(value=edit.value)]
        case Action.CORRECT_START:
            return [*others, row._replace(start=edit.at)]
        case Action.CORRECT_END:
            return [*others, row._replace(end=edit.end)]
        case Action.DELETE:
            return others
        case Action.READD:
            return inserted(others, row.key, edit)
    if not (row.start < edit.at and row.holds(edit.at)):
        return None
    closed = [*others, row._replace(end=edit.at)]
    if edit.action is Action.RETIRE:
        return closed
    return [*closed, row._replace(start=edit.at, value=edit.value)]


def inserted(rows: Sequence[Row], key: str, edit: Edit) -> list[Row]:
    """Return rows and a new one, which ends where the key's next begins."""
    following = [row.start for row in rows if row.key == key and row.start > edit.at]
    end = min([*following, *([] if edit.end is None else [edit.end])], default=None)
    return [*rows, Row(key, edit.at, end, edit.value)]


def is_valid(dimension: str, rows: Sequence[Row]) -> bool:
    """Whether intervals are not empty and don't overlap, and airings and identities are whole."""
    spans: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        end = float("inf") if row.end is None else row.end
        if end <= row.start or (dimension == "airing" and row.end is None):
            return False
        if dimension == "channel_key" and row.value is None:
            return False
        if any(row.start < there and here < end for here, there in spans.get(row.key, ())):
            return False
        spans.setdefault(row.key, []).append((row.start, end))
    return True


def moments(dimension: str) -> tuple[int, ...]:
    return INSTANTS if dimension == "airing" else DAYS


def ends(dimension: str) -> tuple[int | None, ...]:
    return INSTANTS[1:] if dimension == "airing" else (None, None, *DAYS[2:])


def schedules(dimension: str, key: str) -> list[list[Row]]:
    """Return what a key's rows may be: none, one or two, apart or adjoining; as often each."""
    values = VALUES[dimension]
    found: list[list[Row]] = [[]] * len(values)
    for spans in AIRINGS if dimension == "airing" else INTERVALS:
        for chosen in product(values, repeat=len(spans)):
            rows = [Row(key, *span, one) for span, one in zip(spans, chosen, strict=True)]
            found += [rows] * (len(values) if len(spans) == 1 else 1)
    return found


def world(dimensions: dict[str, tuple[list[Row], ...]]) -> World:
    return {name: [row for rows in by_key for row in rows] for name, by_key in dimensions.items()}


def record(place: Any, device: Device, channel: str, stay: Any) -> Record:
    day, offset, mode, lag = place
    seconds, is_session_start = stay
    content = None if mode == "on-demand" else day * DAY + offset
    started = (day + lag) * DAY + offset
    return Record(started, device, channel, seconds, is_session_start, mode, content)


WORLDS = st.fixed_dictionaries(
    {
        name: st.tuples(*(st.sampled_from(schedules(name, key)) for key in keys))
        for name, keys in KEYS.items()
    }
).map(world)
RECORDS = st.lists(
    st.builds(
        record,
        st.sampled_from([(*at, *how) for at in product(VIEWED, OFFSETS) for how in MODES]),
        st.sampled_from(DEVICES),
        st.sampled_from(CHANNELS),
        st.sampled_from(list(product(SECONDS, (True, False)))),
    ),
    min_size=3,
    max_size=16,
)


def edits(dimension: str) -> st.SearchStrategy[Edit]:
    return st.builds(
        Edit,
        st.just(dimension),
        st.sampled_from(Action),
        st.sampled_from(range(6)),
        st.sampled_from(moments(dimension)),
        st.sampled_from(ends(dimension)),
        st.sampled_from(VALUES[dimension]),
    )


CHANGE_SET = st.lists(st.one_of([edits(name) for name in KEYS]), min_size=1, max_size=4)
SCENARIOS = st.builds(
    Scenario,
    WORLDS,
    RECORDS,
    st.lists(CHANGE_SET, min_size=1, max_size=3),
)
