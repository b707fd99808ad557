"""Supplier files: another system's rows become a change set like any other.

Only values that a supplier's file had before, or that nobody has looked at, follow the file. One
that a person set by hand since is held back and listed: the next delivery must not undo it. So is
a row that a person deleted, and, for changes from a day, one that does not hold on that day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from foreview.baseline import read_supplied_csv
from foreview.changes import Action, Change, ChangeSet, Edit, Identity, Kind, State, apply
from foreview.changes import changes_of as changes_of_edit
from foreview.contract import BEGINNING, Contract
from foreview.errors import Problem, RefusedError
from foreview.periods import day_problems
from foreview.rules import rule_problems
from foreview.submission import bulk_problems, refuse_unfinished
from foreview.viewing_load import broadcast_calendar
from foreview.whole_files import file_hash
from foreview.workspace import Workspace

KIND = "load"
"""The kind of a change set that a supplier's file made."""

BASELINE = "baseline"
SUPPLIED = (KIND, BASELINE)
"""Kinds of change sets whose values nobody has looked at."""


@dataclass(frozen=True)
class Held:
    """What the file would change, and a person decided otherwise.

    Attributes:
        identity: The row; of a deleted one the key and the beginning.
        column: The column; empty for a whole row.
        value: The value in effect.
        offered: The file's value.
        author: Who decided.
        change_set_id: With which change set.
        where: The file's line.
        did: What the person did, in words.
        take: How to take what the file has after all.
    """

    identity: Identity
    column: str
    value: str | None
    offered: str | None
    author: str
    change_set_id: str
    where: str
    did: str
    take: str

    def told(self) -> str:
        """Return it as a line of text."""
        place = ", ".join([*self.identity[:-1], *([self.column] if self.column else [])])
        offered = "" if self.offered is None else f"; the file has {self.offered!r}"
        return (
            f"{self.where}: {place}: {self.did} by {self.author} ({self.change_set_id}){offered}. "
            f"To take the file's: {self.take}"
        )


@dataclass(frozen=True)
class Supplied:
    """What a supplier's file comes to.

    Attributes:
        change_set: What it changes; None when nothing.
        held: What it may not change.
        rows: Rows in the file.
        not_in_file: Keys in effect that the file does not have; they are left as they are.
    """

    change_set: ChangeSet | None
    held: tuple[Held, ...]
    rows: int
    not_in_file: int


def read_supplier_file(
    workspace: Workspace,
    dimension: str,
    path: Path,
    source: str,
    *,
    day: str | None = None,
    ignore: Collection[str] = (),
    reason: str = "",
    allow_bulk: str = "",
) -> Supplied:
    """Return the change set that a supplier's file asks for, and what is held back; none recorded.

    Args:
        workspace: Where.
        dimension: The table.
        path: A CSV file as `foreview baseline` reads it; columns that it lacks stay as they are.
        source: The supplier's name.
        day: The day from which changed values and new rows hold; None when they always did.
        ignore: Headings of columns to leave out.
        reason: Why; by default the supplier and the file.
        allow_bulk: Why more rows may be changed than the contract allows.

    Raises:
        RefusedError: Everything that is wrong with it, each with its line.
    """
    refuse_unfinished(workspace)
    contract = workspace.contract(dimension)
    columns, rows, problems = read_supplied_csv(path, contract, ignore=ignore)
    if problems := [*day_problems(filter(None, [day])), *problems]:
        raise RefusedError(problems)
    now, _ = workspace.registry.approved_rows(dimension)
    today = broadcast_calendar(workspace).day_of(workspace.clock())
    latest = _latest(now, None if day else str(today))
    decided = _decided(workspace, dimension)
    edits: list[Edit] = []
    held: list[Held] = []
    for line, row in rows.items():
        where = f"{path.name} line {line}"
        key = tuple(row[name] or "" for name in contract.key)
        identity = latest.get(key)
        if identity is None:
            if key in decided.removers:
                held.append(_deleted(decided, key, where))
            else:
                # A new row holds from the day on, too, where the file does not say from when.
                is_dated = day is None or row["valid_from"] != BEGINNING
                begun = row if is_dated else {**row, "valid_from": day}
                edits.append(Edit(Action.INSERT, values=begun, where=where))
            continue
        values: dict[str, str | None] = {}
        for name in columns:
            if row[name] == now[identity][name]:
                continue
            if decided.is_by_hand(identity, name):
                held.append(_set(decided, identity, name, now[identity][name], row[name], where))
            else:
                values[name] = row[name]
        if values:
            kept = _on_other_days(decided, identity, now[identity]["valid_to"], day, where)
            # A row that begins on the day has, from that day, what it has.
            is_split = day is not None and day != identity[-1]
            action = Action.CHANGE_FROM if is_split else Action.CORRECT
            if kept is None:
                edits.append(Edit(action, identity, values, now[identity], day, where=where))
            else:
                held.append(kept)
    changes = _checked(workspace, contract, now, edits, allow_bulk)
    change_set = ChangeSet(
        author=workspace.actor,
        reason=reason or f"{source} delivered {path.name}",
        kind=KIND,
        base_release=workspace.registry.latest_release(),
        source_name=f"{source}: {path.name}",
        source_hash=file_hash(path),
        contracts={dimension: contract.hash},
        changes=tuple(changes),
    )
    in_file = {tuple(row[name] or "" for name in contract.key) for row in rows.values()}
    missing = len(latest.keys() - in_file)
    return Supplied(change_set if changes else None, tuple(held), len(rows), missing)


@dataclass(frozen=True)
class _Decided:
    """Who made the rows what they are.

    Attributes:
        setters: The change set that gave each value that it has, by row and column.
        removers: The change set with which a person deleted each key that is gone.
        releases: The release of each change set.
    """

    setters: Mapping[tuple[Identity, str], ChangeSet]
    removers: Mapping[Identity, ChangeSet]
    releases: Mapping[str, int | None]

    def is_by_hand(self, identity: Identity, column: str) -> bool:
        setter = self.setters.get((identity, column))
        return setter is not None and setter.kind not in SUPPLIED

    def back(self, change_set: ChangeSet) -> str:
        """Return how to take a decision back."""
        return f"foreview rollback {self.releases[change_set.id]}, and load the file again"


def _latest(now: State, today: str | None) -> dict[Identity, Identity]:
    """Return each key's last row: a file without a day is about those that have begun today."""
    found: dict[Identity, Identity] = {}
    for one in sorted(now):
        if today is None or one[-1] <= today or one[:-1] not in found:
            found[one[:-1]] = one
    return found


def _decided(workspace: Workspace, dimension: str) -> _Decided:
    promoted = workspace.registry.release_change_sets()
    releases = {one.id: one.release for one in workspace.registry.change_sets()}
    return _Decided(_setters(promoted, dimension), _removers(promoted, dimension), releases)


def _set(
    decided: _Decided,
    identity: Identity,
    column: str,
    value: str | None,
    offered: str | None,
    where: str,
) -> Held:
    by = decided.setters[identity, column]
    take = f"set it in a workbook; or {decided.back(by)}."
    told = (f"{value!r} was set", take)
    return Held(identity, column, value, offered, by.author, by.id, where, *told)


def _deleted(decided: _Decided, key: Identity, where: str) -> Held:
    by = decided.removers[key]
    take = f"{decided.back(by)}; or add the row in a workbook."
    told = ("the row was deleted", take)
    return Held((*key, BEGINNING), "", None, None, by.author, by.id, where, *told)


def _on_other_days(
    decided: _Decided, identity: Identity, end: str | None, day: str | None, where: str
) -> Held | None:
    """Return why a key's last row can't change on a day: it ended before, or begins later."""
    start = identity[-1]
    if day is None or (start <= day and (end is None or day < end)):
        return None
    if day < start:
        column, value, did = "valid_from", start, f"a row from {start} was made"
        take = f"load it with --from {start}, or without --from"
    else:
        column, value, did = "valid_to", str(end), f"the row was ended on {end}"
        take = "add a row from that day in a workbook"
    by = decided.setters[identity, column]
    take += f"; or {decided.back(by)}." if by.kind != BASELINE else "."
    return Held(identity, column, value, None, by.author, by.id, where, did, take)


def _removers(change_sets: Iterable[ChangeSet], dimension: str) -> dict[Identity, ChangeSet]:
    """Return which promoted change set took away the last row of each key that has none.

    A rollback of a person's insert leaves the key to whoever decided on it before.
    """
    present: dict[Identity, set[Identity]] = {}
    inserters: dict[Identity, ChangeSet] = {}
    removers: dict[Identity, list[ChangeSet]] = {}
    for change_set in change_sets:
        mine = [one for one in change_set.changes if one.dimension == dimension]
        before = {one.identity[:-1]: bool(present.get(one.identity[:-1])) for one in mine}
        for change in mine:
            rows = present.setdefault(change.identity[:-1], set())
            rows.add(change.identity)
            if change.kind is Kind.REMOVED:
                rows.discard(change.identity)
        for key, was_there in before.items():
            if not was_there:
                inserters[key] = change_set
            elif not present[key]:
                is_back = change_set.kind == "rollback" and inserters[key].kind not in SUPPLIED
                if not is_back:
                    removers.setdefault(key, []).append(change_set)
    return {key: found[-1] for key, found in removers.items() if not present[key]}


def _setters(
    change_sets: Iterable[ChangeSet], dimension: str
) -> dict[tuple[Identity, str], ChangeSet]:
    """Return which promoted change set gave each value that it has, by row and column.

    A rollback of what a person set gives a value back to whoever had set it before; one of a
    supplier's value is a person's word against it. So is taking away a row that a supplier split
    off: what is left has its old values by that word. A supplier gives no value that was there.
    """
    told: dict[tuple[Identity, str], list[tuple[str | None, ChangeSet]]] = {}
    split: dict[Identity, Change] = {}
    present: set[Identity] = set()
    for change_set in change_sets:
        mine = [one for one in change_set.changes if one.dimension == dimension]
        for place, value in _taken_away(split, change_set.kind, mine):
            told.setdefault(place, []).append((value, change_set))
        present -= {one.identity for one in mine if one.kind is Kind.REMOVED}
        for change in mine:
            was_there = change_set.kind in SUPPLIED and change.identity in present
            for name, value in change.after.items():  # empty for what is removed
                entries = told.setdefault((change.identity, name), [])
                if was_there and entries and entries[-1][0] == value:
                    continue  # somebody had given it while the file waited
                is_edited = name in ("valid_from", *change.before)
                source = None if is_edited else change.copied_from
                origin = told.get((source, name)) if source is not None else None
                if origin:
                    told[change.identity, name] = list(origin)
                else:
                    entries.append((value, _setter(entries, value, change_set)))
        present |= {one.identity for one in mine if one.kind is Kind.ADDED}
    return {place: entries[-1][1] for place, entries in told.items()}


def _taken_away(
    split: dict[Identity, Change], kind: str, changes: Sequence[Change]
) -> Iterator[tuple[tuple[Identity, str], str | None]]:
    """Yield the cells that have their values again since a supplier's split was taken away.

    Args:
        split: The rows that suppliers split off, by identity; brought up to date.
        kind: The kind of the change set.
        changes: Its changes of the dimension.
    """
    moved = {one.copied_from: one.identity for one in changes if one.copied_from}
    if kind == "rollback":  # what it moves back names no source
        added = {one.identity[:-1]: one.identity for one in changes if one.kind is Kind.ADDED}
        for one in changes:
            if one.kind is Kind.REMOVED and one.identity[:-1] in added:
                moved.setdefault(one.identity, added[one.identity[:-1]])
    for change in changes:
        if change.kind is not Kind.REMOVED or change.identity not in split:
            continue
        by_supplier = split.pop(change.identity)
        if change.identity in moved:  # it begins on another day
            source = by_supplier.copied_from or ()
            now = replace(by_supplier, copied_from=moved.get(source, source))
            split[moved[change.identity]] = now
        elif kind not in SUPPLIED:
            for name, value in by_supplier.before.items():
                yield (by_supplier.copied_from or (), name), value
    if kind in SUPPLIED:
        split |= {one.identity: one for one in changes if one.copied_from}


def _setter(
    entries: Sequence[tuple[str | None, ChangeSet]], value: str | None, change_set: ChangeSet
) -> ChangeSet:
    is_back = entries and (entries[-1][0] == value or entries[-1][1].kind not in SUPPLIED)
    if change_set.kind == "rollback" and is_back:  # a deleted row comes back as it was
        return next((one for old, one in reversed(entries) if old == value), change_set)
    return change_set


def _checked(
    workspace: Workspace, contract: Contract, now: State, edits: list[Edit], allow_bulk: str
) -> list[Change]:
    changes: list[Change] = []
    problems = [] if allow_bulk else bulk_problems(workspace, contract, edits)
    for edit in edits:
        found, wrong = changes_of_edit(contract, edit, now)
        changes += found
        problems += wrong
    after, conflicts = apply(now, changes)
    problems += [one.as_problem() for one in conflicts]
    problems += rule_problems(workspace, {contract.dimension: after}, changes)
    if problems:
        raise RefusedError(dict.fromkeys(problems))
    return changes


def held_problem(source: str, held: int) -> Problem:
    """Return what is told when a file changes nothing but what is held back."""
    decided = " but what people set, deleted or ended" if held else ""
    message = f"The file of {source} changes nothing{decided}."
    fix = "Nothing to do." if not held else "See the list above, and how to take the file's."
    return Problem("no-change", message, value=source, fix=fix)
