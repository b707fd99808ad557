"""Supplier files: another system's rows become a change set like any other.

Only values that a supplier's file had before, or that nobody has looked at, follow the file. One
that a person set by hand since is held back and listed: the next delivery must not undo it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from foreview.baseline import read_supplied_csv
from foreview.changes import Action, Change, ChangeSet, Edit, Identity, Kind, State, apply
from foreview.changes import changes_of as changes_of_edit
from foreview.contract import Contract
from foreview.errors import Problem, RefusedError
from foreview.rules import rule_problems
from foreview.submission import bulk_problems, refuse_unfinished
from foreview.whole_files import file_hash
from foreview.workspace import Workspace

KIND = "load"
"""The kind of a change set that a supplier's file made."""


@dataclass(frozen=True)
class Held:
    """A value that the file would change, and a person set.

    Attributes:
        identity: The row.
        column: The column.
        value: The value in effect.
        offered: The file's value.
        author: Who set it.
        change_set_id: With which change set.
        where: The file's line.
    """

    identity: Identity
    column: str
    value: str | None
    offered: str | None
    author: str
    change_set_id: str
    where: str

    def told(self) -> str:
        """Return it as a line of text."""
        return (
            f"{self.where}: {', '.join(self.identity[:-1])}, {self.column}: {self.value!r} was set "
            f"by {self.author} ({self.change_set_id}); the file has {self.offered!r}"
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
        day: The day from which changed values hold; None when they always did.
        ignore: Headings of columns to leave out.
        reason: Why; by default the supplier and the file.
        allow_bulk: Why more rows may be changed than the contract allows.

    Raises:
        RefusedError: Everything that is wrong with it, each with its line.
    """
    refuse_unfinished(workspace)
    contract = workspace.contract(dimension)
    columns, rows, problems = read_supplied_csv(path, contract, ignore=ignore)
    if problems:
        raise RefusedError(problems)
    now, _ = workspace.registry.approved_rows(dimension)
    latest = {one[:-1]: one for one in sorted(now)}
    setters = _setters(workspace.registry.release_change_sets(), dimension)
    edits: list[Edit] = []
    held: list[Held] = []
    for line, row in rows.items():
        where = f"{path.name} line {line}"
        identity = latest.get(tuple(row[name] or "" for name in contract.key))
        if identity is None:
            edits.append(Edit(Action.INSERT, values=row, day=day, where=where))
            continue
        values: dict[str, str | None] = {}
        for name in columns:
            if row[name] == now[identity][name]:
                continue
            setter = setters.get((identity, name))
            if setter is None or setter.kind in (KIND, "baseline"):
                values[name] = row[name]
            else:
                value = now[identity][name]
                by = (setter.author, setter.id)
                held.append(Held(identity, name, value, row[name], *by, where))
        if values:
            action = Action.CHANGE_FROM if day else Action.CORRECT
            edits.append(Edit(action, identity, values, now[identity], day, where=where))
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


def _setters(
    change_sets: Iterable[ChangeSet], dimension: str
) -> dict[tuple[Identity, str], ChangeSet]:
    """Return which promoted change set gave each value that it has, by row and column.

    A rollback gives a value back to whoever had set it before.
    """
    told: dict[tuple[Identity, str], list[tuple[str | None, ChangeSet]]] = {}
    for change_set in change_sets:
        for change in change_set.changes:
            if change.dimension != dimension:
                continue
            if change.kind is not Kind.REMOVED:
                for name, value in change.after.items():
                    _tell(told, change, name, value, change_set)
    return {place: entries[-1][1] for place, entries in told.items()}


def _tell(
    told: dict[tuple[Identity, str], list[tuple[str | None, ChangeSet]]],
    change: Change,
    name: str,
    value: str | None,
    change_set: ChangeSet,
) -> None:
    is_copied = change.copied_from is not None and name not in change.before
    earlier = told.get((change.copied_from, name), []) if change.copied_from and is_copied else []
    entries = told.setdefault((change.identity, name), [])
    if earlier:
        entries.append(earlier[-1])
        return
    if change_set.kind == "rollback":
        change_set = next((one for old, one in reversed(entries) if old == value), change_set)
    entries.append((value, change_set))


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
    message = f"The file of {source} changes nothing{' but what people set' if held else ''}."
    fix = "Nothing to do." if not held else "See the list above; a workbook can change them."
    return Problem("no-change", message, value=source, fix=fix)
