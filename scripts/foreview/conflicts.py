"""Whether change sets can be applied to today's rows, and who is in their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from foreview.changes import Change, ChangeSet, Conflict, Identity, Kind, State, apply, cells_of
from foreview.errors import Problem, RefusedError
from foreview.workspace import Workspace


def check_applies(workspace: Workspace, change_sets: Sequence[ChangeSet]) -> None:
    """Refuse change sets that today's rows, or each other, no longer allow.

    Each may be right by itself and break a rule together: two airings that were moved to one time.

    Raises:
        RefusedError: A cell is no longer as its author saw it, or the rows break a rule.
    """
    from foreview.rules import rule_problems

    problems: list[Problem] = []
    states: dict[str, Any] = {}
    for dimension in sorted({name for one in change_sets for name in one.dimensions}):
        state, _ = workspace.registry.approved_rows(dimension)
        tried: dict[Any, str] = {}  # who has changed a cell in this scenario
        for change_set in change_sets:
            changes = [one for one in change_set.changes if one.dimension == dimension]
            problems += split_since(workspace, changes, state, change_set.base_release)
            state, conflicts = apply(state, changes)
            writers = _writers(workspace, dimension) if conflicts else {}
            for one in conflicts:
                other, writer = (
                    next((known[cell] for cell in one.cells if cell in known), None)
                    for known in (tried, writers)
                )
                before = who(workspace, other or writer)
                problems.append(
                    # A rollback's is not recorded yet; it is tried alone.
                    one.between(who(workspace, change_set.id), before)
                    if other
                    else one.as_problem(before)
                )
            if not conflicts:
                tried |= {cell: change_set.id for change in changes for cell in cells_of(change)}
        states[dimension] = state
    if not problems:
        changes = [change for one in change_sets for change in one.changes]
        problems = rule_problems(workspace, states, changes)
    if problems:
        raise RefusedError(dict.fromkeys(problems))


def split_since(
    workspace: Workspace, changes: Iterable[Change], now: State, release: int
) -> list[Problem]:
    """Return a problem for each corrected cell whose row was split after a release.

    The later part has the cell's value too, as a copy: only the earlier part would be corrected,
    where the author saw one row.

    Args:
        workspace: Where.
        changes: The changes of one dimension.
        now: Its rows.
        release: The last release that the author saw.
    """
    parts: dict[Identity, list[tuple[str, Change]]] = {}
    for later in workspace.registry.release_change_sets(since=release):
        for one in later.changes:
            if one.kind is Kind.ADDED and one.copied_from and one.identity in now:
                parts.setdefault(one.copied_from, []).append((later.id, one))
    return [
        Conflict(change, name, change.before[name], now[part.identity].get(name)).split(
            part, who(workspace, id_)
        )
        for change in changes
        if change.kind is Kind.MODIFIED
        for id_, part in parts.get(change.identity, ())
        if part.dimension == change.dimension
        for name in change.after.keys() - part.before.keys() - {"valid_from", "valid_to"}
        if now[part.identity].get(name) != change.after[name]
    ]


def _writers(workspace: Workspace, dimension: str) -> dict[tuple[Identity, str], str]:
    """Return the promoted change set that wrote each cell of a table last."""
    return {
        cell: change_set.id
        for change_set in workspace.registry.release_change_sets()
        for change in change_set.changes
        if change.dimension == dimension
        for cell in cells_of(change)
    }


def who(workspace: Workspace, change_set_id: str | None) -> str:
    """Return the author of a change set, with its id and release, for a message."""
    if change_set_id is None:
        return ""
    author = workspace.registry.change_set(change_set_id).author
    release = next(
        (one.release for one in workspace.registry.change_sets() if one.id == change_set_id), None
    )
    since = f", reference version {release}" if release else ""
    return f"{author} (change set {change_set_id}{since})"
