"""The edits in change sets as a reader sees them: one line an edit, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from foreview.changes import Action, Change, ChangeSet, Kind, changes_by_edit
from foreview.contract import BEGINNING

ACTIONS = {
    Action.CORRECT: "was always wrong",
    Action.CHANGE_FROM: "changed on a day",
    Action.RETIRE: "retired",
    Action.DELETE: "deleted",
    Action.INSERT: "added",
    Action.NEW_CODE: "new code",
    Action.MERGE: "merge",
}


@dataclass(frozen=True)
class CellChange:
    """One value that changes; None is a blank. The note says how it came about."""

    column: str
    before: str | None
    after: str | None
    cell: str
    note: str = ""


@dataclass(frozen=True)
class RowEdit:
    """One edit of one row, as its author asked for it.

    Attributes:
        change_set: The change set that it is part of.
        dimension: The dimension.
        key: The row's key values.
        action: What was done.
        day: The first day on which it holds; None for a correction.
        cells: The values that change.
        where: The row's place in the workbook.
        reason: The row's own reason.
    """

    change_set: ChangeSet
    dimension: str
    key: tuple[str, ...]
    action: Action
    day: str | None
    cells: tuple[CellChange, ...]
    where: str
    reason: str

    @property
    def words(self) -> str:
        """What was done, in words, with the day where there is one."""
        return f"{ACTIONS[self.action]}{f', from {self.day}' if self.day else ''}"


def row_edits(change_set: ChangeSet) -> list[RowEdit]:
    """Return a change set's edits; the two halves of a split or moved row are one edit."""
    return [_edit(change_set, changes[-1]) for changes in changes_by_edit(change_set.changes)]


def _edit(change_set: ChangeSet, change: Change) -> RowEdit:
    return RowEdit(
        change_set=change_set,
        dimension=change.dimension,
        key=change.identity[:-1],
        action=change.action,
        day=_day(change),
        cells=_cells(change),
        where=change.where,
        reason=change.reason,
    )


def _day(change: Change) -> str | None:
    if change.action in (Action.CHANGE_FROM, Action.NEW_CODE):
        return change.identity[-1] if change.kind is Kind.ADDED else change.after.get("valid_to")
    if change.action is Action.RETIRE:
        return change.after.get("valid_to")
    if change.action is Action.INSERT and change.identity[-1] != BEGINNING:
        return change.identity[-1]
    return None


def _cells(change: Change) -> tuple[CellChange, ...]:
    before: Mapping[str, str | None] = change.before
    after: Mapping[str, str | None] = change.after
    if change.copied_from is not None and change.kind is Kind.ADDED:
        names = list(before)
    else:
        names = [
            name
            for name in {**before, **after}
            if before.get(name) != after.get(name)
            and (name, before.get(name) or after.get(name)) != ("valid_from", BEGINNING)
        ]
    return tuple(
        CellChange(
            name,
            before.get(name),
            after.get(name),
            change.cells.get(name, ""),
            change.notes.get(name, ""),
        )
        for name in names
    )
