"""Whether change sets can be applied to today's rows, and who is in their way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from foreview.changes import (
    Change,
    ChangeSet,
    Conflict,
    Identity,
    Kind,
    State,
    apply,
    cells_of,
    half_made,
)
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
    named = cache(lambda one: who(workspace, one))
    # In whatever order they are named: a row that one splits has what another corrects.
    change_sets = sorted(change_sets, key=lambda one: any(c.copied_from for c in one.changes))
    for dimension in sorted({name for one in change_sets for name in one.dimensions}):
        state, _ = workspace.registry.approved_rows(dimension)
        tried: dict[Any, str] = {}  # who has changed a cell in this scenario
        for change_set in change_sets:
            changes = [one for one in change_set.changes if one.dimension == dimension]
            split = split_since(workspace, changes, state, change_set.base_release)
            problems += split.values()
            if change_set.kind == "rollback":
                problems += _set_since(workspace, change_set, changes, named)
            halves = half_made(state, changes)
            conflicts = [one for one in halves if (one.change.identity, one.column) not in split]
            state, others = apply(state, changes)
            conflicts += others
            writers = _writers(workspace, dimension) if conflicts else {}
            for one in conflicts:
                other, writer = (
                    next((known[cell] for cell in one.cells if cell in known), None)
                    for known in (tried, writers)
                )
                before = named(other or writer)
                problems.append(
                    # A rollback's is not recorded yet; it is tried alone.
                    one.between(named(change_set.id), before) if other else one.as_problem(before)
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
    workspace: Workspace, changes: Sequence[Change], now: State, release: int
) -> dict[tuple[Identity, str], Problem]:
    """Return a problem for each corrected cell whose row was split after a release.

    The later part still has the cell's value, as a copy: only the earlier part would be corrected,
    where the author saw one row. Or it begins on the day on which the row was to end.

    Args:
        workspace: Where.
        changes: The changes of one dimension.
        now: Its rows.
        release: The last release that the author saw.
    """
    corrected = [one for one in changes if one.kind is Kind.MODIFIED]
    later = workspace.registry.release_change_sets(since=release) if corrected else []
    parts: dict[tuple[str, Identity], list[tuple[Identity, str]]] = {}
    for change_set in later:
        for source, part in _splits(change_set):
            parts.setdefault((part.dimension, source), []).append((part.identity, change_set.id))
    named = cache(lambda one: who(workspace, one))
    found: dict[tuple[Identity, str], Problem] = {}
    own = {one.identity for one in changes}
    for change in corrected:
        names = change.after.keys() - {"valid_from", "valid_to"}
        day, now_to = change.after.get("valid_to"), now.get(change.identity, {}).get("valid_to")
        left = list(parts.get((change.dimension, change.identity), ()))
        for identity, id_ in left:  # grows by the parts of parts
            left += [one for one in parts.get((change.dimension, identity), ()) if one not in left]
            for name in sorted(names) if identity in now else ():
                if now[identity].get(name) == change.before[name]:
                    clash = Conflict(change, name, change.before[name], now[identity][name])
                    found[change.identity, name] = clash.split(identity, named(id_))
            if day and now_to == day == identity[-1] and identity in now and identity not in own:
                clash = Conflict(change, "valid_to", change.before["valid_to"], day)
                found[change.identity, "valid_to"] = clash.split(identity, named(id_))
    return found


def _set_since(
    workspace: Workspace,
    change_set: ChangeSet,
    changes: Iterable[Change],
    named: Callable[[str | None], str],
) -> Iterator[Problem]:
    """Yield a problem for each cell of a waiting rollback that somebody set since, to any value."""
    back = {(one.dimension, *cell): one for one in changes for cell in cells_of(one)}
    for later in workspace.registry.release_change_sets(since=change_set.base_release):
        for one in later.changes:
            for identity, name in cells_of(one):
                change = back.get((one.dimension, identity, name))
                if change is not None:
                    before, found = change.before.get(name), one.after.get(name)
                    yield Conflict(change, name, before, found).as_problem(named(later.id))


def _splits(change_set: ChangeSet) -> Iterator[tuple[Identity, Change]]:
    """Yield each row that a change set adds as the later part of another, with that one."""
    ended = {
        (one.dimension, *one.identity[:-1], one.after["valid_to"]): one.identity
        for one in change_set.changes
        if one.kind is Kind.MODIFIED and one.after.get("valid_to")
    }
    for one in change_set.changes:
        source = one.copied_from or ended.get((one.dimension, *one.identity))
        if one.kind is Kind.ADDED and source is not None:
            yield source, one


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
