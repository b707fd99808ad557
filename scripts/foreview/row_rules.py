"""The rules of a dimension's rows by themselves: values, parents, intervals. Pure, no I/O."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from foreview.changes import Identity, Row, State
from foreview.contract import BEGINNING, Contract
from foreview.errors import Problem
from foreview.intervals import days_around, event_problems


def check_state(
    contract: Contract,
    state: State,
    touched: Iterable[Identity],
    parents: Mapping[str, Mapping[str, Sequence[tuple[str, str | None]]]],
) -> list[tuple[Identity, str, Problem]]:
    """Return what is wrong with the touched keys' rows.

    Args:
        contract: The dimension's rules.
        state: All rows as they would be.
        touched: Identities whose rows are checked; overlaps are looked for by key, those of
            events among the events that they may not overlap.
        parents: For each parent dimension, each key's intervals as merged and sorted
            `(valid_from, valid_to)`.

    Returns:
        Triples of identity, column (empty for the row) and problem.
    """
    found: list[tuple[Identity, str, Problem]] = []
    identities = [one for one in dict.fromkeys(touched) if one in state]
    for identity in identities:
        row = state[identity]
        for column in contract.columns:
            problem = check_value(contract, column.name, row[column.name]) or _parent_problem(
                contract, column.name, row, parents
            )
            if problem:
                found.append((identity, column.name, problem))
        if row["valid_to"] is not None and row["valid_to"] <= (row["valid_from"] or BEGINNING):
            message = f"The row starts on {row['valid_from']} but ends on {row['valid_to']}."
            fix = "The end is the first day on which the row no longer holds: choose a later one."
            found.append((identity, "valid_to", Problem("empty-interval", message, fix=fix)))
    found += event_problems(contract, state, identities)
    return found + _overlaps(state, identities)


def check_value(contract: Contract, name: str, value: str | None) -> Problem | None:
    """Return what is wrong with one canonical value by itself, or None."""
    column = contract.column(name)
    if value is None:
        if not column.required:
            return None
        return Problem("required", f"{column.label} is blank.", fix="Fill in a value.")
    for item in column.items(value):
        if column.accepted_values and item not in column.accepted_values:
            allowed = ", ".join(column.accepted_values)
            message = f"{item!r} is not an allowed {column.label}."
            return Problem("accepted-values", message, value=item, fix=f"Use one of: {allowed}.")
        if column.pattern and not re.fullmatch(column.pattern, item):
            message = f"{item!r} does not look like a {column.label}."
            return Problem("pattern", message, value=item, fix=f"It must match {column.pattern}.")
    return None


def _parent_problem(
    contract: Contract,
    name: str,
    row: Row,
    parents: Mapping[str, Mapping[str, Sequence[tuple[str, str | None]]]],
) -> Problem | None:
    column = contract.column(name)
    if column.parent is None:
        return None
    for item in column.items(row[name]):
        intervals = parents[column.parent].get(item)
        if intervals is None:
            folded = item.casefold()
            near = [repr(one) for one in parents[column.parent] if one.casefold() == folded]
            fix = f"Choose an existing {column.parent}, or add it first."
            fix += f" There is {', '.join(near)}." if near else ""
            message = f"There is no {column.parent} {item!r}."
            return Problem("unknown-parent", message, value=item, fix=fix)
        if not _exists_for(contract, row, intervals):
            days = "all days" if contract.interval is None else "the day"
            message = f"{column.parent} {item!r} does not exist on {days} of this row."
            fix = f"Its days are {_spoken(intervals)}."
            return Problem("parent-interval", message, value=item, fix=fix)
    return None


def _exists_for(contract: Contract, row: Row, intervals: Sequence[tuple[str, str | None]]) -> bool:
    """Tell whether a parent exists when the row needs it: on all its days, or at its event."""
    if contract.interval is not None:
        days = days_around(contract.interval, row)
        return days is None or any(
            a <= days[1] and (b is None or days[0] < b) for a, b in intervals
        )
    start, end = row["valid_from"] or BEGINNING, row["valid_to"]
    return any(a <= start and (b is None or (end is not None and end <= b)) for a, b in intervals)


def _spoken(intervals: Sequence[tuple[str, str | None]]) -> str:
    return ", ".join(f"{a} to before {b}" if b else f"from {a}" for a, b in intervals)


def merged_intervals(contract: Contract, state: State) -> dict[str, list[tuple[str, str | None]]]:
    """Return each single-column key's days, adjoining intervals joined, sorted."""
    merged: dict[str, list[tuple[str, str | None]]] = {}
    for identity in sorted(state):
        start, end = identity[-1], state[identity]["valid_to"]
        intervals = merged.setdefault(identity[0], [])
        if intervals and intervals[-1][1] == start:
            intervals[-1] = (intervals[-1][0], end)
        else:
            intervals.append((start, end))
    return merged


def _overlaps(state: State, identities: Sequence[Identity]) -> list[tuple[Identity, str, Problem]]:
    keys = {identity[:-1] for identity in identities}
    by_key: dict[Identity, list[Identity]] = {}
    for identity in state:
        if identity[:-1] in keys:
            by_key.setdefault(identity[:-1], []).append(identity)
    found = []
    for key, rows in by_key.items():
        rows.sort()
        for earlier, later in itertools.pairwise(rows):
            end = state[earlier]["valid_to"]
            if end is None or end > later[-1]:
                message = (
                    f"{', '.join(key)}: the row from {earlier[-1]} to {end or 'open'} overlaps "
                    f"the row from {later[-1]}."
                )
                fix = f"End the earlier row on {later[-1]} or before."
                place = later if later in identities else earlier
                found.append((place, "valid_from", Problem("overlap", message, fix=fix)))
    return found
