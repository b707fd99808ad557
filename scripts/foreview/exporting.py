"""From approved rows to a workbook, and an edited workbook brought up to today's rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foreview.changes import Action, Edit, Identity, Kind, Row, identity_of
from foreview.contract import Contract
from foreview.errors import Problem, RefusedError
from foreview.submission import edits_in, parent_names, refuse_unfinished
from foreview.workspace import Workspace

Marks = Mapping[tuple[Identity, str], str]

PART = " and "
"""Between the conditions of a part."""


def export_dimension(
    workspace: Workspace,
    dimension: str,
    path: Path,
    where: Sequence[str] = (),
    *,
    edits: Sequence[Edit] = (),
    undecided: Collection[Identity] = (),
    marks: Marks | None = None,
) -> int:
    """Write a workbook of a dimension's approved rows, and return their number.

    Args:
        workspace: Where.
        dimension: The dimension.
        path: The .xlsx file to write.
        where: Conditions `column=value` or `column~text` that all rows must meet.
        edits: Edits that the workbook begins with; their rows are in it in any case.
        undecided: Rows of these whose action is left open.
        marks: What is to be said of cells, besides the open changes of others.

    Raises:
        RefusedError: The dimension or a column is unknown, or there is nothing to export.
    """
    from foreview.workbook import write_workbook

    refuse_unfinished(workspace)
    contract = workspace.contract(dimension)
    state, _ = workspace.registry.approved_rows(dimension)
    if not state:
        message = f"The table {dimension} has no approved rows yet."
        fix = f"Load it first: foreview baseline {dimension} FILE.csv, or foreview generate."
        raise RefusedError(Problem("no-rows", message, fix=fix))
    tests = [_condition(contract, text) for text in where]
    rows = [state[one] for one in sorted(state)]
    edited = {edit.identity for edit in edits}
    rows = [
        row
        for row in rows
        if all(test(row) for test in tests) or identity_of(contract, row) in edited
    ]
    if not rows:
        message = f"No row of {dimension} meets {' and '.join(where)}."
        raise RefusedError(Problem("no-rows", message, fix="Loosen the condition."))
    parents = parent_names(workspace, contract)
    write_workbook(
        path,
        contract,
        rows,
        base_release=workspace.registry.latest_release(),
        parents=parents,
        part=PART.join(where),
        edits=edits,
        undecided=undecided,
        marks={**_pending_marks(workspace, contract), **(marks or {})},
    )
    return len(rows)


def _pending_marks(workspace: Workspace, contract: Contract) -> dict[tuple[Identity, str], str]:
    """Return what others propose for approved rows, by row and column."""
    marks: dict[tuple[Identity, str], str] = {}
    for change_set in workspace.registry.pending(contract.dimension):
        who = f"{change_set.author} (change request {change_set.id})"
        for change in change_set.changes:
            if change.dimension != contract.dimension or change.kind is Kind.ADDED:
                continue
            if change.kind is Kind.REMOVED:
                said = {contract.key[0]: f"{who} proposes to delete this row or to move it."}
            else:
                said = {
                    name: f"{who} proposes: {value if value is not None else '(blank)'}"
                    for name, value in change.after.items()
                }
            for name, text in said.items():
                place = change.identity, name
                marks[place] = f"{marks[place]}\n{text}" if place in marks else text
    return marks


@dataclass(frozen=True)
class Refreshed:
    """What became of the edits in a workbook.

    Attributes:
        moved: Number of edits that were moved onto today's rows.
        done: Number of edits that somebody else has made meanwhile.
        conflicts: What can't be moved without a decision, each a problem at its old cell.
    """

    moved: int
    done: int
    conflicts: tuple[Problem, ...]


def refresh_workbook(workspace: Workspace, path: Path, output: Path) -> Refreshed:
    """Write a fresh workbook of today's rows with the edits of an older one.

    A row with a cell that somebody else changed too keeps the author's values, but not its action,
    so that it can't be submitted before its author has decided; the cell is marked.

    Args:
        workspace: Where.
        path: The edited workbook.
        output: The workbook to write.

    Raises:
        RefusedError: The workbook has errors, all of them named, or changes nothing.
    """
    workbook, contract, edits, problems = edits_in(workspace, path)
    if problems:
        raise RefusedError(dict.fromkeys(problems))
    now, last = workspace.registry.approved_rows(contract.dimension)
    moved: list[Edit] = []
    conflicts: list[Problem] = []
    marks: dict[tuple[Identity, str], str] = {}
    done = 0
    for edit in edits:
        if edit.identity is None:
            identity = identity_of(contract, {"valid_from": edit.day, **edit.values})
            if identity in now:
                conflicts.append(_lost(edit, f"{', '.join(identity[:-1])} is there meanwhile."))
            else:
                moved.append(edit)
        elif edit.identity not in now:
            conflicts.append(_lost(edit, "The row is no longer there."))
        elif edit.values and all(now[edit.identity][name] == v for name, v in edit.values.items()):
            done += 1
        else:
            moved.append(edit)
            who = _author(workspace, last.get(edit.identity, ""))
            for name, text in _changed_since(contract, edit, now[edit.identity], who).items():
                marks[edit.identity, name] = text
                cell, value = edit.cells.get(name, edit.where), edit.values.get(name)
                conflicts.append(Problem("conflict", text, cell, value or "", _DECIDE))
    undecided = {identity for identity, _ in marks}
    where = workbook.part.split(PART) if workbook.part else []
    export_dimension(
        workspace, contract.dimension, output, where, edits=moved, undecided=undecided, marks=marks
    )
    return Refreshed(len(moved), done, tuple(conflicts))


_DECIDE = "In the fresh workbook choose the row's action again, or undo the edit."


def _changed_since(contract: Contract, edit: Edit, row: Row, who: str) -> dict[str, str]:
    """Return what to say of the columns that somebody else changed too, to another value."""
    if edit.action in (Action.RETIRE, Action.DELETE):
        is_same = all(row[name] == value for name, value in edit.base.items())
        return {} if is_same else {contract.key[0]: f"{who} changed the row since."}
    return {
        name: f"{who} changed this to {row[name] or '(blank)'}; you wrote {value or '(blank)'}."
        for name, value in edit.values.items()
        if row[name] not in (edit.base.get(name), value)
    }


def _lost(edit: Edit, message: str) -> Problem:
    values = "; ".join(f"{name}: {value}" for name, value in edit.values.items() if value)
    return Problem("conflict", message, edit.where, values, "Make the edit again where it belongs.")


def _author(workspace: Workspace, change_set_id: str) -> str:
    if not change_set_id:
        return "Somebody"
    author = workspace.registry.change_set(change_set_id).author
    return f"{author} (change request {change_set_id})"


class _Condition:
    def __init__(self, name: str, operator: str, value: str) -> None:
        self._name, self._operator, self._value = name, operator, value

    def __call__(self, row: Row) -> bool:
        found = row[self._name] or ""
        if self._operator == "=":
            return found in self._value.split(",") or found == self._value
        return self._value.lower() in found.lower()


def _condition(contract: Contract, text: str) -> _Condition:
    match = re.fullmatch(r"(\w+)\s*([=~])(.*)", text)
    if match is None or match[1] not in contract.row_columns:
        message = f"{text!r} is no condition on {contract.dimension}."
        fix = (
            "Write COLUMN=VALUE[,VALUE...] or COLUMN~TEXT, with one of the columns "
            f"{', '.join(contract.row_columns)}."
        )
        raise RefusedError(Problem("condition", message, value=text, fix=fix))
    return _Condition(match[1], match[2], match[3].strip())
