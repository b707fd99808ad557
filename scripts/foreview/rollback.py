"""Rollback: the inverse of a release as a new change set; nothing is erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from foreview.changes import Action, Change, ChangeSet, Identity, Kind, diff
from foreview.conflicts import check_applies, who
from foreview.errors import Problem, RefusedError
from foreview.submission import record, refuse_unfinished
from foreview.workspace import Workspace

Cell = tuple[str, Identity, str]
"""A dimension, a row and a column."""


def rollback(workspace: Workspace, release: int, reason: str | None = None) -> ChangeSet:
    """Record the inverse of a release as a new change set, to be reviewed and promoted.

    Raises:
        RefusedError: There is no such release, it is a first load, or later releases changed the
            same cells.
    """
    refuse_unfinished(workspace)
    registry = workspace.registry
    found = registry.release(release)
    if found.kind != "promotion":
        message = f"Reference version {release} is a first load."
        fix = "Retire or delete its rows through a workbook instead."
        raise RefusedError(Problem("first-load", message, fix=fix))
    undone = [registry.change_set(one) for one in found.change_set_ids]
    dimensions = sorted({name for one in undone for name in one.dimensions})
    changes = [
        change
        for name in dimensions
        for change in diff(
            name,
            registry.approved_rows(name, release)[0],
            registry.approved_rows(name, release - 1)[0],
        )
    ]
    inverse = replace(
        undone[0],
        contracts={name: workspace.contract(name).hash for name in dimensions},
        author=workspace.actor,
        reason=reason or f"roll back reference version {release}",
        kind="rollback",
        base_release=registry.latest_release(),
        source_name=f"release {release}",
        source_hash="",
        changes=_with_copies(workspace, release, changes),
    )
    check_applies(workspace, [inverse])
    record(workspace, inverse)
    return inverse


def _with_copies(
    workspace: Workspace, release: int, changes: Sequence[Change]
) -> tuple[Change, ...]:
    """Return an inverse with the cells that later releases copied from its own, by splitting a row.

    Raises:
        RefusedError: A later release set one of its cells again, to the same value.
    """
    back = {
        (one.dimension, one.identity, name): (one, name)
        for one in changes
        if one.kind is not Kind.ADDED
        for name in one.before
    }
    now = {one: workspace.registry.approved_rows(one)[0] for one in {cell[0] for cell in back}}
    copies: dict[tuple[str, Identity], dict[str, str | None]] = {}
    problems = []
    for (dimension, identity, name), ((change, column), setter) in _setters(
        workspace, release, back
    ).items():
        current = now[dimension].get(identity, {})
        if current.get(name, "") != change.before[column]:
            continue  # of its own cells `check_applies` says so; a copy has gone its own way
        if setter != release:
            by = who(workspace, workspace.registry.release(setter).change_set_ids[-1])
            message = (
                f"{dimension} {', '.join(identity)}, {name}: {by} set it to {current[name]!r} too "
                f"since; that would be taken back with it."
            )
            fix = f"Roll reference version {setter} back first, or change this cell in a workbook."
            problems.append(Problem("conflict", message, fix=fix))
        elif identity != change.identity and change.kind is Kind.MODIFIED:
            copies.setdefault((dimension, identity), {})[name] = change.after[column]
    if problems:
        raise RefusedError(problems)
    added = [
        Change(
            dimension,
            Kind.MODIFIED,
            identity,
            {name: now[dimension][identity][name] for name in values},
            values,
            Action.CORRECT,
        )
        for (dimension, identity), values in copies.items()
    ]
    return (*changes, *added)


def _setters(
    workspace: Workspace, release: int, back: Mapping[Cell, tuple[Change, str]]
) -> dict[Cell, tuple[tuple[Change, str], int]]:
    """Return which release set each cell last, of the cells of an inverse and their copies.

    What a rollback put back counts as set by whoever had set it before.
    """
    found = {cell: (one, release) for cell, one in back.items()}
    earlier: dict[tuple[int, Cell], int] = {}
    for number in range(release + 1, workspace.registry.latest_release() + 1):
        for change_set in workspace.registry.release_change_sets(number, since=number - 1):
            undone = int(change_set.source_name.split()[-1]) if change_set.kind == "rollback" else 0
            for change in change_set.changes:
                is_copy = change.kind is Kind.ADDED and change.copied_from is not None
                source = change.copied_from if is_copy else None
                for name in change.after:
                    cell = (change.dimension, change.identity, name)
                    if source is not None and name not in {
                        *change.before,
                        "valid_from",
                        "valid_to",
                    }:
                        if (origin := (change.dimension, source, name)) in found:
                            found[cell] = found[origin]
                    elif cell in found:
                        one, setter = found[cell]
                        earlier[number, cell] = setter
                        found[cell] = (one, earlier.get((undone, cell), number))
    return found
