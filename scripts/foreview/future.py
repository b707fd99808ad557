"""Edits that begin to matter after the last day with viewing: there are no figures of them yet.

Pure: rows and days come in as values. A row matters from its own first day on, before or after the
edit, whichever is earlier; an event, from the instant at which it starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from foreview.changes import Change, ChangeSet, Kind, Row, State, changes_by_edit
from foreview.contract import BEGINNING, INTERVAL_COLUMNS, Contract, Interval
from foreview.identities import CHANNEL, CHANNEL_KEY

Key = tuple[str, tuple[str, ...]]
"""A dimension, and a key's values."""

MOST_ENDED_CODES = 1_000
"""Codes that become others, past which nothing is illustrated: the query has a list of them."""

States = Mapping[str, State]
"""Rows by dimension."""


@dataclass(frozen=True)
class FutureEdit:
    """One edit of a row that makes no difference up to the last day with viewing.

    Attributes:
        change_set: The id of its change set.
        dimension: The row's dimension.
        key: The row's key values.
        day: The first day on which it makes a difference; for an event the date of its start, UTC.
        is_event: Whether the row is an event, which is on at an instant of its own.
        is_new_code: Whether it is a part of giving a channel another code, or follows that.
    """

    change_set: str
    dimension: str
    key: tuple[str, ...]
    day: str
    is_event: bool = False
    is_new_code: bool = False

    @property
    def row(self) -> Key:
        """What it edits."""
        return self.dimension, self.key

    @property
    def has_illustration(self) -> bool:
        """Whether viewing of earlier days can show what it will do.

        Nothing of what will be on during an event is viewed before it, and viewing before a new
        code carries the old one.
        """
        return not self.is_event and not self.is_new_code


def future_days(
    change_set: ChangeSet,
    contracts: Mapping[str, Contract],
    horizon_day: str | None,
    *,
    rows: States | None = None,
    horizon_end: str | None = None,
) -> tuple[FutureEdit, ...]:
    """Return the edits of a change set that begin to matter only after the last day with viewing.

    Args:
        change_set: What is edited.
        contracts: The rules of its dimensions, and perhaps of others.
        horizon_day: The last broadcast day with viewing, `YYYY-MM-DD`; None without viewing: then
            there is no later day.
        rows: The approved rows of its dimensions. Without them an edit that leaves an event's times
            as they are is not known to be later.
        horizon_end: The instant at which that day ends, in UTC, as contracts spell instants.
            Without it an event is later only if it is wherever and whenever days begin.

    Returns:
        They, in order, one for the two halves of a split or moved row; empty when each edit matters
        up to that day already.
    """
    if horizon_day is None:
        return ()
    day_after = str(date.fromisoformat(horizon_day) + timedelta(days=1))
    end = horizon_end or f"{date.fromisoformat(horizon_day) + timedelta(days=2)} 00:00:00"
    new_codes = _new_codes(change_set, (rows or {}).get(CHANNEL_KEY, {}))
    found = []
    for edit in changes_by_edit(change_set.changes):
        last = edit[-1]
        interval = contracts[last.dimension].interval
        day = min(map(_first_day, edit))
        if interval is not None and day <= horizon_day:
            known = (rows or {}).get(last.dimension, {})
            starts = min(_first_start(interval, one, known) for one in edit)
            day = max(starts[:10], day_after) if starts >= end else day
        if day <= horizon_day:
            continue
        row = last.dimension, last.identity[:-1]
        is_new_code = row in new_codes and new_codes[row] <= day
        found.append(FutureEdit(change_set.id, *row, day, interval is not None, is_new_code))
    return tuple(found)


def _first_day(change: Change) -> str:
    """Return the first day on which a row is not what it was."""
    ends = [change.before.get("valid_to"), change.after.get("valid_to")]
    if change.kind is Kind.MODIFIED and set(change.after) == {"valid_to"} and any(ends):
        return min(one for one in ends if one)
    return change.identity[-1] or BEGINNING


def _first_start(interval: Interval, change: Change, known: State) -> str:
    """Return the earlier start of an event before and after; empty when it is not known."""
    row = known.get(change.identity, {})
    worlds: list[Row] = []
    if change.kind is not Kind.ADDED:
        worlds.append({**row, **change.before})
    if change.kind is not Kind.REMOVED:
        worlds.append({**row, **change.after})
    return min(one.get(interval.starts) or "" for one in worlds)


def _new_codes(change_set: ChangeSet, keys: State) -> dict[Key, str]:
    """Return the old and new codes of channels that go on under another code, and from which day.

    The old one's row ends on the day on which a row of `channel_key` gives the new one its
    identity. Such rows come from the action, or are written by hand.
    """
    identities: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for (code, start), row in keys.items():
        identities[code].append((start, row["valid_to"] or "9", row["channel_sk"] or code))
    channels = [one for one in change_set.changes if one.dimension == CHANNEL]
    going_on = {one.identity[0] for one in channels if one.kind is Kind.ADDED}
    ended: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in channels:
        code, day = change.identity[0], change.after.get("valid_to")
        if change.kind is Kind.MODIFIED and day and code not in going_on:
            on = (one for start, end, one in identities[code] if start <= day < end)
            ended[day, next(on, code)].append(code)
    found: dict[Key, str] = {}
    for change in change_set.changes:
        if change.dimension != CHANNEL_KEY or change.kind is not Kind.ADDED:
            continue
        code, day = change.identity
        old = ended.get((day, change.after.get("channel_sk") or code), [])
        if old:
            found |= dict.fromkeys([(CHANNEL, (one,)) for one in [*old, code]], day)
            found[CHANNEL_KEY, (code,)] = day
    return found


def best_day(
    edits: Iterable[FutureEdit], before: States, after: States
) -> tuple[str, tuple[FutureEdit, ...]] | None:
    """Return the first day on which most edits make their difference, and these edits.

    Args:
        edits: Edits of later days; those that have no illustration are left out.
        before: The approved rows of their dimensions.
        after: The same with all edits.

    Returns:
        None when no edit has an illustration. Of a row that is edited for several days those edits
        are meant that have begun last by that day, and none when the row is what it was by then.
    """
    chosen = [one for one in edits if one.has_illustration]
    rows = {one.row for one in chosen}
    worlds = [_rows_of(rows, world) for world in (before, after)]
    best: tuple[str, tuple[FutureEdit, ...]] | None = None
    for day in sorted({one.day for one in chosen}):
        begun = {one.row: one.day for one in sorted(chosen, key=_by_day) if one.day <= day}
        differing = {
            row
            for row in begun
            if _row_on(worlds[0].get(row, ()), day) != _row_on(worlds[1].get(row, ()), day)
        }
        shown = tuple(one for one in chosen if one.row in differing and one.day == begun[one.row])
        if best is None or len(shown) > len(best[1]):
            best = day, shown
    return best


def ended_codes(edits: Iterable[FutureEdit], after: States, day: str) -> dict[str, list[str]]:
    """Return the channel codes that have become others by a day, by the day on which they end.

    A code that has another row by then is not among them.
    """
    channels = {one.row for one in edits if one.is_new_code and one.dimension == CHANNEL}
    rows = _rows_of(channels, after)
    found: dict[str, list[str]] = {}
    for row in sorted(channels & rows.keys()):
        end = max(one["valid_to"] or "9" for _, one in rows[row])
        if end <= day:
            found.setdefault(end, []).append(row[1][0])
    return found


def _by_day(edit: FutureEdit) -> str:
    return edit.day


def _rows_of(chosen: set[Key], world: States) -> dict[Key, list[tuple[str, Row]]]:
    """Return the rows of some keys, each with its first day."""
    found: dict[Key, list[tuple[str, Row]]] = defaultdict(list)
    for dimension in {one for one, _ in chosen}:
        for identity, row in world.get(dimension, {}).items():
            if (dimension, identity[:-1]) in chosen:
                found[dimension, identity[:-1]].append((identity[-1], row))
    return found


def _row_on(rows: Sequence[tuple[str, Row]], day: str) -> dict[str, str | None] | None:
    """Return what a key's row says on a day, whenever it begins and ends; None without a row."""
    for start, row in rows:
        if start <= day and (row["valid_to"] or "9") > day:
            return {name: value for name, value in row.items() if name not in INTERVAL_COLUMNS}
    return None
