"""Change sets: what an edit does to the approved rows, as pure functions.

Approved rows of a dimension are a `State`: rows by identity, the key's values and `valid_from`.
An `Edit` is what a person asked for on one row; a `Change` is what it does to one approved row.
A `ChangeSet` is immutable and named by the hash of its content. Nothing here does I/O, and
values are text or None throughout, in the canonical spelling of `contract.Column`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from foreview.contract import BEGINNING, Contract
from foreview.errors import Problem

Row = Mapping[str, str | None]
Identity = tuple[str, ...]
State = Mapping[Identity, Row]


class Action(StrEnum):
    """What an analyst may do to a row."""

    CORRECT = "correct"
    CHANGE_FROM = "change-from"
    RETIRE = "retire"
    DELETE = "delete"
    INSERT = "insert"
    NEW_CODE = "new-code"
    MERGE = "merge"


class Kind(StrEnum):
    """What happens to an approved row."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


@dataclass(frozen=True)
class Edit:
    """What a person asked for on one row.

    Attributes:
        action: What to do.
        identity: The row that it is done to; None for an insert.
        values: New values of the columns that differ; for an insert of all columns.
        base: The row as the person saw it; empty for an insert.
        day: The broadcast day of a change or retirement, `YYYY-MM-DD`.
        cells: The spreadsheet cell of each column in `values`.
        where: The row's place, for messages.
        reason: The row's own reason.
        notes: What is to be known of the value of a column: a mend, a formula, a comment.
        follows: With a new code: the code's later rows, which go on under it too.
    """

    action: Action
    identity: Identity | None = None
    values: Row = field(default_factory=dict)
    base: Row = field(default_factory=dict)
    day: str | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    reason: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    follows: tuple[Identity, ...] = ()


@dataclass(frozen=True)
class Change:
    """What happens to one approved row.

    Attributes:
        dimension: The row's dimension.
        kind: Added, removed or modified.
        identity: The row's key values and `valid_from`.
        before: Modified: the changed columns' old values. Removed: the whole row. Added: the
            source row's values of the edited columns when `copied_from` is set, else empty.
        after: Modified: the changed columns' new values. Added: the whole row.
        action: The action that it came from.
        copied_from: The row that an added one continues; columns that are not edited follow it.
        cells: The spreadsheet cell of each edited column.
        where: The edited row's place in the workbook or file.
        reason: The row's own reason.
        notes: What is to be known of the value of a column: a mend, a formula, a comment.
    """

    dimension: str
    kind: Kind
    identity: Identity
    before: Row
    after: Row
    action: Action
    copied_from: Identity | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    reason: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChangeSet:
    """One proposed edit, immutable.

    Attributes:
        author: Who proposed it.
        reason: Why.
        kind: `baseline`, `edit`, `load` (a supplier's file) or `rollback`.
        base_release: The release on which the changes stand.
        source_name: The workbook's or file's name, without its folder.
        source_hash: SHA-256 of the workbook or file, hex.
        contracts: Each dimension's contract hash.
        changes: What happens to each row, in order.
        ticket: The ticket that asks for it, elsewhere; may be empty.
    """

    author: str
    reason: str
    kind: str
    base_release: int
    source_name: str
    source_hash: str
    contracts: Mapping[str, str]
    changes: tuple[Change, ...]
    ticket: str = ""

    @cached_property
    def content(self) -> str:
        """The change set as canonical JSON; the same edit gives the same bytes."""
        return json.dumps(
            self, default=_plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )

    @cached_property
    def id(self) -> str:
        """First 16 hex digits of the SHA-256 of `content`."""
        return hashlib.sha256(self.content.encode()).hexdigest()[:16]

    @property
    def why(self) -> str:
        """The reason, with the ticket if there is one."""
        return with_ticket(self.reason, self.ticket)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions changed, sorted."""
        return tuple(sorted({change.dimension for change in self.changes}))


def changes_by_edit(changes: Iterable[Change]) -> list[tuple[Change, ...]]:
    """Return changes by the edit that they came from: a split or moved row's two are one edit's."""
    found: list[tuple[Change, ...]] = []
    for change in changes:
        if found and len(found[-1]) == 1 and _continues(found[-1][0], change):
            found[-1] = (*found[-1], change)
        else:
            found.append((change,))
    return found


def _continues(first: Change, second: Change) -> bool:
    return (
        second.kind is Kind.ADDED
        and second.copied_from == first.identity
        and second.identity[:-1] == first.identity[:-1]
        and first.kind is not Kind.ADDED
        and (first.dimension, first.action) == (second.dimension, second.action)
    )


def asked_twice(changes: Iterable[Change]) -> Iterator[Problem]:
    """Yield a problem for each row that two edits add or take away, and each cell that they set.

    Two that add one row as the same copy, or set a cell to one value, are no problem.
    """
    seen: dict[tuple[str, Identity, str], Change] = {}
    for change in sorted(changes, key=lambda one: one.kind is not Kind.REMOVED):
        row = change.dimension, change.identity
        removed = seen.get((*row, "-"))
        if change.kind is Kind.REMOVED:
            if removed is not None:
                yield _asked_twice(change, "", removed)
            seen[(*row, "-")] = change
            continue
        if change.kind is Kind.MODIFIED and removed is not None:
            yield _asked_twice(change, "", removed)
        for name in change.after if change.kind is Kind.MODIFIED else [""]:
            other = seen.setdefault((*row, name), change)
            is_equal = (
                other.after[name] == change.after[name]
                if name
                else (other.after, other.copied_from) == (change.after, change.copied_from)
            )
            if not is_equal:
                yield _asked_twice(change, name, other)


def _asked_twice(change: Change, name: str, other: Change) -> Problem:
    row = ", ".join(change.identity)
    what = f"{name} of {change.dimension} {row} gets two values"
    if not name:
        kinds = " and ".join(dict.fromkeys((other.kind.value, change.kind.value)))
        what = f"{change.dimension} {row} is {kinds}{' twice' if other.kind == change.kind else ''}"
    message = f"{what}, also by {other.cells.get(name, other.where) or 'another row'}."
    fix = "Keep one of the two, or give them other keys or days."
    return Problem("duplicate-key", message, change.cells.get(name, change.where), row, fix)


def cells_of(change: Change) -> list[tuple[Identity, str]]:
    """Return the cells that a change writes, by row and column; a column "" for the whole row."""
    whole = [] if change.kind is Kind.MODIFIED else [""]
    return [(change.identity, name) for name in (*change.before, *change.after, *whole)]


def with_ticket(reason: str, ticket: str | None) -> str:
    """Return a reason as it is shown."""
    return f"{reason} (ticket {ticket})" if ticket else reason


def _plain(value: Any) -> dict[str, Any]:
    """Return a dataclass or another mapping than dict as a dict, for `json.dumps`."""
    if isinstance(value, Mapping):
        return dict(value)
    plain = {one.name: getattr(value, one.name) for one in fields(value)}
    for name, nothing in (("notes", {}), ("ticket", "")):  # change sets recorded before had none
        if plain.get(name) == nothing:
            del plain[name]
    return plain


@dataclass(frozen=True)
class Conflict:
    """A cell that is no longer as the author saw it.

    Attributes:
        change: The change that can't be applied.
        column: The column, or empty when it is the whole row.
        expected: The value that the author saw.
        found: The value that is there now.
    """

    change: Change
    column: str
    expected: str | None
    found: str | None

    def as_problem(self, who: str = "") -> Problem:
        """Return the conflict as a problem, naming who made the newer value if known."""
        by = f" by {who}" if who else ""
        return self._problem(
            f"the workbook started from {self.expected!r}, but it was changed{by} to "
            f"{self.found!r} since.",
            "Export a fresh workbook and make this edit again if it is still wanted.",
        )

    def between(self, author: str, other: str) -> Problem:
        """Return the conflict of two change sets that are tried together as a problem."""
        both = "both change it"
        if self.column:
            to = [repr(one) for one in (self._proposed, self.found)]
            both += f", to {to[0]} and to {to[1]}"
        return self._problem(
            f"{author} and {other} {both}.",
            "Try them one at a time. When one is in effect, the other has to be made again in a "
            "fresh workbook if it is still wanted.",
        )

    def split(self, part: Identity, who: str) -> Problem:
        """Return the conflict with somebody who split the row since as a problem."""
        later = ", ".join(part)
        return self._problem(
            f"{who} split the row since: the workbook's one row is also {later} now, where it is "
            f"{self.found!r}.",
            "Export a fresh workbook and make this edit again in each row that it is meant for.",
        )

    @property
    def cells(self) -> tuple[tuple[Identity, str], ...]:
        """The cells, by row and column, of which one was changed before; empty for a whole row."""
        rows = [one for one in (self.change.copied_from, self.change.identity) if one]
        return tuple((row, column) for column in (self.column, "") for row in rows)

    @property
    def _proposed(self) -> str | None:
        return self.change.after.get(self.column) if self.column else None

    def _problem(self, message: str, fix: str) -> Problem:
        key = ", ".join(self.change.identity[:-1])
        return Problem(
            rule="conflict",
            where=self.change.cells.get(self.column, self.change.where),
            message=f"{self.change.dimension} {key}, {self.column or 'row'}: {message}",
            value=self._proposed or "",
            fix=fix,
        )


def identity_of(contract: Contract, row: Row) -> Identity:
    """Return a row's identity: its key values and `valid_from`."""
    return (*(row[column] or "" for column in contract.key), row["valid_from"] or BEGINNING)


def row_key(identity: Identity) -> str:
    """Return an identity as one string, `<key>|<valid_from>`, as the macro `row_key` spells it."""
    key = "|".join(identity)
    if "%" not in key and key.count("|") == len(identity) - 1:
        return key
    return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in identity)


def make_state(contract: Contract, rows: Iterable[Row]) -> dict[Identity, Row]:
    """Return rows by identity; a later row of the same identity replaces an earlier one."""
    return {identity_of(contract, row): row for row in rows}


def changes_of(
    contract: Contract, edit: Edit, now: State, vacated: Collection[Identity] = ()
) -> tuple[list[Change], list[Problem]]:
    """Return what an edit does to the approved rows, or what is wrong with it.

    The comparison is three-way by cell: the row as the author saw it (`edit.base`), the
    author's values, and the row as it is now. A cell that somebody else changed to the same value
    is no change; one changed to another value is a conflict. Rows that other edits of the same
    author delete or move, named in `vacated`, are in nobody's way.
    """
    if edit.action is Action.INSERT:
        row = {name: edit.values.get(name) for name in contract.row_columns}
        row["valid_from"] = row["valid_from"] or edit.day or BEGINNING
        added = _change(contract, edit, Kind.ADDED, identity_of(contract, row), {}, row)
        kept, clashes = rebase(now, [added], vacated)
        return kept, [one.as_problem() for one in clashes]
    assert edit.identity is not None  # noqa: S101 - only an insert has none
    if edit.identity not in now:
        gone = _change(contract, edit, Kind.REMOVED, edit.identity, edit.base, {})
        return [], [Conflict(gone, "", "a row", None).as_problem()]
    current = now[edit.identity]
    if edit.action is Action.DELETE:
        changes = [_change(contract, edit, Kind.REMOVED, edit.identity, dict(edit.base), {})]
    elif edit.action is Action.CORRECT:
        changes = _correct(contract, edit, current)
    else:
        problem = _day_problem(edit, current)
        if problem:
            return [], [problem]
        changes = _split(contract, edit, current)
        changes += _later_rows(contract, edit, now)
    merged, conflicts = rebase(now, changes, vacated)
    conflicts += half_made(now, changes)
    return merged, [conflict.as_problem() for conflict in conflicts]


def _change(
    contract: Contract,
    edit: Edit,
    kind: Kind,
    identity: Identity,
    before: Row,
    after: Row,
    copied_from: Identity | None = None,
) -> Change:
    return Change(
        dimension=contract.dimension,
        kind=kind,
        identity=identity,
        before=before,
        after=after,
        action=edit.action,
        copied_from=copied_from,
        cells=dict(edit.cells),
        where=edit.where,
        reason=edit.reason,
        notes=dict(edit.notes),
    )


def _correct(contract: Contract, edit: Edit, current: Row) -> list[Change]:
    assert edit.identity is not None  # noqa: S101
    if "valid_from" not in edit.values:
        before = {name: edit.base.get(name) for name in edit.values}
        return [_change(contract, edit, Kind.MODIFIED, edit.identity, before, dict(edit.values))]
    row = {**current, **edit.values}
    row["valid_from"] = row["valid_from"] or BEGINNING
    return [
        _change(contract, edit, Kind.REMOVED, edit.identity, dict(edit.base), {}),
        _change(
            contract,
            edit,
            Kind.ADDED,
            identity_of(contract, row),
            {name: edit.base.get(name) for name in edit.values},
            row,
            copied_from=edit.identity,
        ),
    ]


def _day_problem(edit: Edit, current: Row) -> Problem | None:
    start, end = current["valid_from"] or BEGINNING, current["valid_to"]
    if edit.day is None:
        message, fix = "The day of the change is missing.", "Fill in the day, YYYY-MM-DD."
    elif edit.day <= start:
        message = f"The row itself starts on {start}."
        fix = "Choose a later day, or mark the row as always wrong."
    elif end is not None and edit.day >= end and end == edit.base.get("valid_to"):
        message = f"The row ends on {end}."
        fix = "Choose an earlier day."
    else:
        return None
    return Problem("day-outside-row", message, _day_cell(edit) or edit.where, edit.day or "", fix)


def _day_cell(edit: Edit) -> str:
    """Return the cell of the day of a change or retirement, where it is known."""
    return edit.cells.get("valid_to" if edit.action is Action.RETIRE else "valid_from", "")


def _split(contract: Contract, edit: Edit, current: Row) -> list[Change]:
    assert edit.identity is not None  # noqa: S101
    end = edit.base.get("valid_to")
    day_cell = _day_cell(edit)
    ended = replace(edit, cells={"valid_to": day_cell} if day_cell else {})
    day = {"valid_to": edit.day}
    changes = [_change(contract, ended, Kind.MODIFIED, edit.identity, {"valid_to": end}, day)]
    if edit.action in (Action.CHANGE_FROM, Action.NEW_CODE):
        row = {**current, **edit.values, "valid_from": edit.day}
        before = {name: edit.base.get(name) for name in edit.values}
        changes.append(
            _change(
                contract,
                edit,
                Kind.ADDED,
                identity_of(contract, row),
                before,
                row,
                copied_from=edit.identity,
            )
        )
    return changes


def _later_rows(contract: Contract, edit: Edit, now: State) -> Iterator[Change]:
    """Yield how a code's rows after the one that is edited go on under its new code."""
    codes = {name: edit.values[name] for name in contract.key if name in edit.values}
    cells, notes = (
        {name: one[name] for name in codes if name in one} for one in (edit.cells, edit.notes)
    )
    mine = replace(edit, cells=cells, notes=notes)
    for identity in edit.follows:
        row = now[identity]
        old, new = {name: row[name] for name in codes}, {**row, **codes}
        yield _change(contract, mine, Kind.REMOVED, identity, dict(row), {})
        yield _change(
            contract, mine, Kind.ADDED, identity_of(contract, new), old, new, copied_from=identity
        )


def rebase(
    now: State, changes: Sequence[Change], vacated: Collection[Identity] = ()
) -> tuple[list[Change], list[Conflict]]:
    """Return the changes as they stand on today's rows, and the cells where they can't.

    Changes that somebody else already made are dropped; columns that an added row only copied
    follow the row that it continues. What is added may take the place of what is removed, here or
    by other changes (`vacated`).
    """
    kept: list[Change] = []
    conflicts: list[Conflict] = []
    replaced = {change.identity for change in changes if change.kind is Kind.REMOVED} | set(vacated)
    for change in changes:
        current = None if change.identity in replaced else now.get(change.identity)
        if change.kind is Kind.ADDED:
            source = now.get(change.copied_from) if change.copied_from else None
            moved, found = _rebase_added(change, current, source)
            if moved is not None and source is None and change.copied_from in replaced:
                # Its row was moved, but is gone: adding it would bring it back.
                found = [Conflict(change, "", "a row", None)]
        else:
            moved, found = _rebase_existing(change, now.get(change.identity))
        conflicts += found
        if moved is not None and not found:
            kept.append(moved)
    return kept, conflicts


def half_made(now: State, changes: Sequence[Change]) -> list[Conflict]:
    """Return the conflicts of changes of whose day somebody else made something else already.

    The row that is to be split ended on that day, or the one that is to end was split.
    """
    found = []
    for change in changes:
        day = change.after.get("valid_to") if change.kind is Kind.MODIFIED else None
        if day is None or now.get(change.identity, {}).get("valid_to") != day:
            continue
        later = (*change.identity[:-1], day)
        parts = [one.identity for one in changes if one.copied_from == change.identity]
        is_shortened = (change.before["valid_to"] or "9") > day
        is_other = is_shortened and later in now and all(one.identity != later for one in changes)
        if is_other or any(one[-1] == day and one not in now for one in parts):
            found.append(Conflict(change, "valid_to", change.before["valid_to"], day))
    return found


def _rebase_added(
    change: Change, current: Row | None, source: Row | None
) -> tuple[Change | None, list[Conflict]]:
    after = dict(change.after)
    if change.copied_from is not None and source is not None:
        edited = set(change.before) | {"valid_from", "valid_to"}
        after |= {name: value for name, value in source.items() if name not in edited}
        if conflicts := _differing(change, source, change.before):
            return None, conflicts
    if current is not None:
        if dict(current) == after:
            return None, []
        return None, [Conflict(change, "", "no row", "a row of this key and day")]
    return (change if after == change.after else replace(change, after=after)), []


def _rebase_existing(change: Change, current: Row | None) -> tuple[Change | None, list[Conflict]]:
    if current is None:
        if change.kind is Kind.REMOVED:
            return None, []
        return None, [Conflict(change, "", "a row", None)]
    if change.kind is Kind.REMOVED:
        return change, _differing(change, current, change.before)
    open_columns = {
        name: value for name, value in change.after.items() if current.get(name) != value
    }
    if not open_columns:
        return None, []
    before = {name: change.before[name] for name in open_columns}
    return replace(change, before=before, after=open_columns), _differing(change, current, before)


def _differing(change: Change, current: Row, expected: Row) -> list[Conflict]:
    return [
        Conflict(change, name, value, current.get(name))
        for name, value in expected.items()
        if current.get(name) != value
    ]


def apply(state: State, changes: Sequence[Change]) -> tuple[dict[Identity, Row], list[Conflict]]:
    """Return the rows after the changes, and the cells where they could not be made.

    When there are conflicts the rows are those before.
    """
    merged, conflicts = rebase(state, changes)
    rows = dict(state)
    if conflicts:
        return rows, conflicts
    for change in sorted(merged, key=lambda one: one.kind is not Kind.REMOVED):
        if change.kind is Kind.REMOVED:
            del rows[change.identity]
        elif change.kind is Kind.ADDED:
            rows[change.identity] = dict(change.after)
        else:
            rows[change.identity] = {**rows[change.identity], **change.after}
    return rows, []


def diff(dimension: str, before: State, after: State) -> tuple[Change, ...]:
    """Return the changes that turn one state of a dimension into another: `apply`'s inverse."""
    changes = []
    for identity in sorted(set(before) | set(after)):
        old, new = before.get(identity), after.get(identity)
        if old == new:
            continue
        if new is None:
            kind, action, was, becomes = Kind.REMOVED, Action.DELETE, dict(old or {}), {}
        elif old is None:
            kind, action, was, becomes = Kind.ADDED, Action.INSERT, {}, dict(new)
        else:
            names = [name for name in new if new[name] != old[name]]
            kind, action = Kind.MODIFIED, Action.CORRECT
            was, becomes = {n: old[n] for n in names}, {n: new[n] for n in names}
        changes.append(Change(dimension, kind, identity, was, becomes, action))
    return tuple(changes)


def replay(
    change_sets: Iterable[ChangeSet], dimension: str
) -> tuple[dict[Identity, Row], dict[Identity, str]]:
    """Return a dimension's rows after promoted change sets, and each row's last change set.

    Raises:
        ValueError: A change set does not apply; the history was tampered with.
    """
    rows: dict[Identity, Row] = {}
    last: dict[Identity, str] = {}
    for change_set in change_sets:
        changes = [one for one in change_set.changes if one.dimension == dimension]
        rows, conflicts = apply(rows, changes)
        if conflicts:
            raise ValueError(f"change set {change_set.id}: {conflicts[0].as_problem().message}")
        for change in changes:
            if change.identity in rows:
                last[change.identity] = change_set.id
            else:
                last.pop(change.identity, None)
    return rows, last
