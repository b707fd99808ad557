"""From approved rows to a workbook, and an edited workbook brought up to today's rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from foreview.changes import Action, Change, Edit, Identity, Kind, Row, changes_of, identity_of
from foreview.conflicts import split_since
from foreview.contract import Contract, Template
from foreview.errors import Problem, RefusedError
from foreview.submission import Asked, edits_in, parent_names, refuse_unfinished
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.workbook.export import Marks, Table

PART = " and "
"""Between the conditions of a part."""


def export_tables(
    workspace: Workspace,
    dimensions: Sequence[str],
    path: Path,
    where: Sequence[str] = (),
    *,
    template: str | None = None,
) -> int:
    """Write a workbook of dimensions' approved rows, a sheet each, and return their number.

    Args:
        workspace: Where.
        dimensions: The dimensions.
        path: The .xlsx file to write.
        where: Conditions `column=value` or `column~text` that all rows must meet; with several
            dimensions `dimension.column=value`, for the rows of one.
        template: The name of a saved export of one of the dimensions, whose conditions are added.

    Raises:
        RefusedError: A dimension, a column or a template is unknown, or there is nothing to export.
    """
    from foreview.workbook import layout

    refuse_unfinished(workspace)
    contracts = [workspace.contract(one) for one in dict.fromkeys(dimensions)]
    action = None
    if template is not None:
        owner, saved = _template(contracts, template)
        where = [*where, *(f"{owner}.{one}" for one in saved.where)]
        action = Action(saved.action) if saved.action else None
    tables = []
    for contract in contracts:
        conditions = _conditions_on(contract, where, is_alone=len(contracts) == 1)
        table = _table(workspace, contract, conditions)
        if not table.rows:
            message = f"No row of {contract.dimension} meets {' and '.join(conditions)}."
            raise RefusedError(Problem("no-rows", message, fix="Loosen the condition."))
        tables.append(table)
    named = {text.partition(".")[0] for text in where if "." in re.split("[=~]", text)[0]}
    for name in sorted(named - {contract.dimension for contract in contracts}):
        message = f"The table {name} is not in this workbook."
        raise RefusedError(Problem("condition", message, value=name, fix="Export it too."))
    _write(workspace, path, tables, {layout.ACTION: layout.ACTION_WORDS[action]} if action else {})
    return sum(len(table.rows) for table in tables)


def _template(contracts: Sequence[Contract], name: str) -> tuple[str, Template]:
    known = {name: one for one in contracts for name in one.templates}
    if name not in known:
        names = ", ".join(sorted(known)) or "none; they are declared in models/staging"
        message = f"There is no template {name} of {' and '.join(one.label for one in contracts)}."
        fix = f"There are: {names}."
        raise RefusedError(Problem("unknown-template", message, value=name, fix=fix))
    return known[name].dimension, known[name].templates[name]


def export_dimension(
    workspace: Workspace, dimension: str, path: Path, where: Sequence[str] = ()
) -> int:
    """Write a workbook of one dimension: `export_tables` of one."""
    return export_tables(workspace, [dimension], path, where)


def export_edits(
    workspace: Workspace, dimension: str, edits: Sequence[Edit], path: Path, reason: str
) -> None:
    """Write a workbook with the rows of some edits, the edits typed in, and a reason.

    Raises:
        RefusedError: The dimension is unknown or has no rows.
    """
    from foreview.workbook import layout

    refuse_unfinished(workspace)
    table = _table(workspace, workspace.contract(dimension), (), edits=edits)
    edited = {edit.identity for edit in edits}
    rows = [row for row in table.rows if identity_of(table.contract, row) in edited]
    _write(workspace, path, [replace(table, rows=rows)], {layout.REASON: reason})


def _conditions_on(contract: Contract, where: Sequence[str], *, is_alone: bool) -> list[str]:
    """Return the conditions that are on a dimension's rows, without its name."""
    prefix = f"{contract.dimension}."
    own = [text.removeprefix(prefix) for text in where if text.startswith(prefix)]
    if is_alone:
        return own + [text for text in where if not text.startswith(prefix)]
    for text in where:
        if "." not in re.split("[=~]", text)[0]:
            message = f"{text!r} does not say which table's rows it is about."
            fix = f"Write {prefix}{text}."
            raise RefusedError(Problem("condition", message, value=text, fix=fix))
    return own


def _table(
    workspace: Workspace,
    contract: Contract,
    where: Sequence[str],
    *,
    edits: Sequence[Edit] = (),
    undecided: Collection[Identity] = (),
    marks: Marks | None = None,
) -> Table:
    """Return a dimension's sheet; rows that are edited are in it in any case."""
    from foreview.workbook.export import Table

    state, _ = workspace.registry.approved_rows(contract.dimension)
    if not state:
        message = f"The table {contract.dimension} has no approved rows yet."
        fix = (
            f"Load it first: foreview baseline {contract.dimension} FILE.csv, or foreview generate."
        )
        raise RefusedError(Problem("no-rows", message, fix=fix))
    tests = [_condition(contract, text) for text in where]
    edited = {edit.identity for edit in edits}
    rows = [
        state[one]
        for one in sorted(state)
        if all(test(state[one]) for test in tests) or one in edited
    ]
    all_marks = {**_pending_marks(workspace, contract), **(marks or {})}
    return Table(contract, rows, PART.join(where), edits, undecided, all_marks)


def _write(
    workspace: Workspace,
    path: Path,
    tables: Sequence[Table],
    cover: Mapping[str, str],
) -> None:
    from foreview.workbook.export import write_tables

    parents: dict[str, list[tuple[str, str]]] = {}
    for table in tables:
        parents |= parent_names(workspace, table.contract)
    base_release = workspace.registry.latest_release()
    write_tables(path, tables, base_release=base_release, parents=parents, cover=cover)


def _pending_marks(workspace: Workspace, contract: Contract) -> dict[tuple[Identity, str], str]:
    """Return what others propose for approved rows, by row and column."""
    marks: dict[tuple[Identity, str], str] = {}
    for change_set in workspace.registry.pending(contract.dimension):
        who = f"{change_set.author} (change request {change_set.id})"
        mine = [one for one in change_set.changes if one.dimension == contract.dimension]
        split = {(one.copied_from, one.identity[-1]) for one in mine if one.copied_from}
        for change in mine:
            row, said = _proposed(contract, who, change, split)
            for name, text in said.items():
                place = row, name
                marks[place] = f"{marks[place]}\n{text}" if place in marks else text
    return marks


def _proposed(
    contract: Contract, who: str, change: Change, split: Collection[tuple[Identity, str]]
) -> tuple[Identity, dict[str, str]]:
    """Return the approved row that a change is about, and what is said at its columns."""
    if change.kind is Kind.REMOVED:
        said = f"{who} proposes to delete this row or to move it."
        return change.identity, {contract.key[0]: said}
    row, since, names = change.identity, "", list(change.after)
    if change.kind is Kind.ADDED:  # of a later part the row is here; a new row has none
        row, since = change.copied_from or row, f" from {change.identity[-1]}"
        names = [one for one in change.before if one != "valid_from"]
    elif (row, change.after.get("valid_to")) in split:  # where that part begins
        names.remove("valid_to")
    values = {name: change.after[name] or "(blank)" for name in names}
    return row, {name: f"{who} proposes{since}: {value}" for name, value in values.items()}


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
        RefusedError: The workbook has errors, all of them named, changes nothing, or would be
            overwritten.
    """
    from foreview.workbook import layout

    if output.resolve() == path.resolve():
        message = "The fresh workbook would take the place of the edited one."
        fix = "Write it elsewhere: edits that can't be moved are only in the old one."
        raise RefusedError(Problem("same-file", message, where=str(output), fix=fix))
    asked = edits_in(workspace, path)
    problems = [problem for one in asked for problem in one.problems]
    if problems:
        raise RefusedError(dict.fromkeys(problems))
    found = [_refreshed(workspace, one) for one in asked]
    defaults = asked[0].workbook.defaults
    texts = {layout.REASON: defaults.reason or "", layout.TICKET: defaults.ticket or ""}
    _write(workspace, output, [table for table, _ in found], texts)
    told = [one for _, one in found]
    return Refreshed(
        sum(one.moved for one in told),
        sum(one.done for one in told),
        tuple(conflict for one in told for conflict in one.conflicts),
    )


def _refreshed(workspace: Workspace, asked: Asked) -> tuple[Table, Refreshed]:
    """Return the fresh sheet of a table, and what became of its edits."""
    contract = asked.contract
    now, last = workspace.registry.approved_rows(contract.dimension)
    moved: list[Edit] = []
    conflicts: list[Problem] = []
    marks: dict[tuple[Identity, str], str] = {}
    done = 0
    for edit in asked.edits:
        if edit.identity is None:
            values = {**edit.values, "valid_from": edit.values.get("valid_from") or edit.day}
            identity = identity_of(contract, values)
            if identity in now:
                conflicts.append(_lost(edit, f"{', '.join(identity[:-1])} is there meanwhile."))
            else:
                moved.append(replace(edit, day=None, values=values))
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
    changes = [one for edit in moved for one in changes_of(contract, edit, now)[0]]
    split = split_since(workspace, changes, now, asked.workbook.base_release)
    for place, problem in split.items():
        marks[place] = problem.message
        conflicts.append(replace(problem, fix=_DECIDE))
    undecided = {identity for identity, _ in marks}
    part = asked.workbook.part
    where = re.split(rf"{PART}(?=\w+\s*[=~])", part) if part else []
    table = _table(workspace, contract, where, edits=moved, undecided=undecided, marks=marks)
    return table, Refreshed(len(moved), done, tuple(conflicts))


_DECIDE = "In the fresh workbook choose the row's action again, or undo the edit."


def _changed_since(contract: Contract, edit: Edit, row: Row, who: str) -> dict[str, str]:
    """Return what to say of the columns that somebody else changed too, to another value."""
    if edit.action in (Action.RETIRE, Action.DELETE):
        is_same = all(row[name] == value for name, value in edit.base.items())
        return {} if is_same else {contract.key[0]: f"{who} changed the row since."}
    if edit.day is not None and edit.base.get("valid_to") != row.get("valid_to"):
        return {contract.key[0]: f"{who} changed since until when the row holds."}
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
            values = [one.strip() for one in self._value.split(",")]
            return found in values or found == self._value
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
