"""Events in time: rules of dimensions whose rows say when something was on. Pure, no I/O.

An event is on in a half-open interval of instants. That is not the row's own interval,
`valid_from` to `valid_to`: those are the days on which the row is held to be true, for an event as
a rule all days, since moving it is a correction.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from foreview.contract import BEGINNING, Contract, Interval
from foreview.errors import Problem

if TYPE_CHECKING:
    from foreview.changes import Identity, Row, State

MOST_NAMED = 10
"""An event that overlaps more earlier ones than these is named with these only."""

_DAY = timedelta(days=1)
_NEVER = "9999-99-99"


def event_problems(
    contract: Contract, state: State, identities: Sequence[Identity]
) -> list[tuple[Identity, str, Problem]]:
    """Return which events take no time or overlap others, looked at from the rows asked for.

    Two events overlap when they agree in the interval's `within`, their times overlap, and there
    is a day on which both rows hold. Only events that may overlap those asked for are looked at,
    in the order of their starts.

    Args:
        contract: The dimension's rules; without an interval nothing is wrong.
        state: All rows as they would be.
        identities: The rows asked for, all of them in `state`.

    Returns:
        Triples of identity, column and problem. Two rows asked for that overlap have one each.
    """
    if contract.interval is None:
        return []
    events = _Events(contract, contract.interval, state)
    return [*events.without_time(identities), *events.overlaps(identities)]


def days_around(interval: Interval, row: Row) -> tuple[str, str] | None:
    """Return a first and a last day between which the broadcast days of an event lie, or None.

    When a broadcast day begins is the deployment's to say, so there is a day to spare at both
    ends.
    """
    starts, ends = row[interval.starts], row[interval.ends]
    if starts is None or ends is None:
        return None
    first, last = date.fromisoformat(starts[:10]), date.fromisoformat(ends[:10])
    first = first if first == date.min else first - _DAY
    last = last if last == date.max else last + _DAY
    return first.isoformat(), last.isoformat()


@dataclass(frozen=True)
class _Events:
    contract: Contract
    interval: Interval
    state: State

    def without_time(
        self, identities: Sequence[Identity]
    ) -> Iterator[tuple[Identity, str, Problem]]:
        for identity in identities:
            starts, ends = self._times(identity)
            if starts and ends and ends <= starts:
                message = f"{self.contract.label} {self._spoken(identity)} takes no time."
                fix = f"The end is the first instant after it: choose one after {starts}."
                problem = Problem("ends-before-start", message, value=ends, fix=fix)
                yield identity, self.interval.ends, problem

    def overlaps(self, identities: Sequence[Identity]) -> Iterator[tuple[Identity, str, Problem]]:
        asked = set(identities)
        groups: dict[tuple[str | None, ...], list[Identity]]
        groups = {self._within(identity): [] for identity in identities}
        for identity in self.state:
            starts, ends = self._times(identity)
            group = groups.get(self._within(identity))
            if group is not None and starts and ends and starts < ends:
                group.append(identity)
        for group in groups.values():
            for earlier, later in self._pairs(group, asked):
                if earlier in asked:
                    yield earlier, self.interval.ends, self._overlap(earlier, later)
                if later in asked:
                    yield later, self.interval.starts, self._overlap(later, earlier)

    def _pairs(
        self, group: list[Identity], asked: set[Identity]
    ) -> Iterator[tuple[Identity, Identity]]:
        """Yield events of a group that overlap and of which one at least is asked for."""
        group.sort(key=lambda identity: (self._times(identity)[0], identity))
        on: list[tuple[str, Identity]] = []  # a heap of what has not ended yet, by end
        for later in group:
            starts, ends = self._times(later)
            while on and on[0][0] <= starts:
                heapq.heappop(on)
            named = 0
            for _, earlier in on:
                if (earlier in asked or later in asked) and self._hold_together(earlier, later):
                    yield earlier, later
                    named += 1
                if named == MOST_NAMED:
                    break
            heapq.heappush(on, (ends, later))

    def _times(self, identity: Identity) -> tuple[str, str]:
        row = self.state[identity]
        return row[self.interval.starts] or "", row[self.interval.ends] or ""

    def _within(self, identity: Identity) -> tuple[str | None, ...]:
        row = self.state[identity]
        return tuple(row[name] for name in self.interval.within)

    def _hold_together(self, one: Identity, other: Identity) -> bool:
        (a, b), (c, d) = (
            (row["valid_from"] or BEGINNING, row["valid_to"] or _NEVER)
            for row in (self.state[one], self.state[other])
        )
        return a < d and c < b

    def _spoken(self, identity: Identity) -> str:
        return f"{', '.join(identity[:-1])} ({' to '.join(self._times(identity))})"

    def _overlap(self, one: Identity, other: Identity) -> Problem:
        shared = ", ".join(
            f"{self.contract.column(name).label} {self.state[one][name] or '(blank)'}"
            for name in self.interval.within
        )
        message = (
            f"{self.contract.label} {self._spoken(one)} overlaps {self._spoken(other)}: both are "
            f"of {shared}."
        )
        fix = "Shorten or move one of them: the one ends when the other starts, or before."
        return Problem("overlap-in-time", message, fix=fix)
