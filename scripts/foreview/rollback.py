"""Rollback: the inverse of a release as a new change set; nothing is erased."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain

from foreview.changes import (
    Action,
    Change,
    ChangeSet,
    Identity,
    Kind,
    Row,
    State,
    apply,
    diff,
    rebase,
)
from foreview.conflicts import check_applies, who
from foreview.errors import Problem, RefusedError
from foreview.submission import record, refuse_unfinished
from foreview.workspace import Workspace

Cell = tuple[Identity, str]
"""A row and a column; without one, whether a row that the release added or removed is there."""


def rollback(workspace: Workspace, release: int, reason: str | None = None) -> ChangeSet:
    """Record the inverse of a release as a new change set, to be reviewed and promoted.

    What later releases copied from its cells, by splitting a row, goes back too.

    Raises:
        RefusedError: There is no such release, it is a first load, later releases set the same
            cells, or nothing is left of it to take back.
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
    changes = {name: _inverse(workspace, release, undone, name) for name in dimensions}
    inverse = replace(
        undone[0],
        contracts={name: workspace.contract(name).hash for name in dimensions},
        author=workspace.actor,
        reason=reason or f"roll back reference version {release}",
        kind="rollback",
        base_release=registry.latest_release(),
        source_name=f"release {release}",
        source_hash="",
        changes=tuple(chain.from_iterable(changes.values())),
    )
    check_applies(workspace, [inverse])
    if not any(rebase(registry.approved_rows(one)[0], some)[0] for one, some in changes.items()):
        message = f"Nothing of reference version {release} is left to take back."
        fix = "See foreview history for who changed its rows since."
        raise RefusedError(Problem("no-change", message, fix=fix))
    record(workspace, inverse)
    return inverse


def _inverse(
    workspace: Workspace, release: int, undone: Sequence[ChangeSet], dimension: str
) -> list[Change]:
    """Return what takes a release's changes of a dimension back, and their later copies.

    Raises:
        RefusedError: A later release set one of its cells again, to the same value.
    """
    registry = workspace.registry
    after, before, now = (
        registry.approved_rows(dimension, one)[0] for one in (release, release - 1, None)
    )
    plain = diff(dimension, after, before)
    changes = list(_with_sources(workspace, undone, dimension, after, plain))
    own = {one.identity: one for one in changes}
    cells = _Cells(release, own)
    _since(workspace, dimension, after, cells)
    setters, copies = cells.setters, cells.copies
    named = cache(lambda one: who(workspace, registry.release(one).change_set_ids[-1]))
    parts = {
        (*one.identity[:-1], one.before["valid_to"])
        for one in plain
        if one.kind is Kind.MODIFIED and one.before.get("valid_to")
    }
    parts |= {
        one.identity
        for change_set in undone
        for one in change_set.changes
        if one.copied_from and one.dimension == dimension
    }
    problems: dict[str, Problem] = {}
    back: dict[Identity, dict[str, str | None]] = {}
    for identity, name in {**copies, **setters}:
        origin, _ = copies.get((identity, name), (identity, name))
        setter = setters.get((identity, name), release)
        change, row = own[origin], now.get(identity)
        is_as_left = row is None if not name else row and row[name] == change.before[name]
        if not is_as_left:
            continue  # `check_applies` says so of its own cells; a copy has gone its own way
        if origin != identity:
            if setter == release and change.kind is Kind.MODIFIED:
                back.setdefault(identity, {})[name] = change.after[name]
        elif setter != release and (name or change.kind is Kind.ADDED or identity in parts):
            what = name if change.kind is Kind.MODIFIED else "row"
            done = f"{named(setter)} set it so too since; that would be taken back with it."
            if not name and change.kind is Kind.REMOVED:
                done = f"{named(setter)} deleted it since; the row before it would have its days."
            message = f"{dimension} {', '.join(identity)}, {what}: {done}"
            fix = f"Edit it in a workbook; or roll reference version {setter} back first."
            problems[message] = Problem("conflict", message, fix=fix)
    if problems:
        raise RefusedError(list(problems.values()))
    return changes + [
        Change(
            dimension,
            Kind.MODIFIED,
            identity,
            {name: now[identity][name] for name in values},
            values,
            Action.CORRECT,
        )
        for identity, values in back.items()
    ]


def _with_sources(
    workspace: Workspace,
    undone: Sequence[ChangeSet],
    dimension: str,
    after: State,
    changes: Sequence[Change],
) -> Iterator[Change]:
    """Yield an inverse whose added rows follow again what they were once split from.

    So a row that was put together again, and corrected since, is split with the correction.
    """
    sources: dict[Identity, tuple[Identity, Row]] = {
        (*one.identity[:-1], one.after["valid_to"] or ""): (one.identity, {})
        for one in changes
        if one.kind is Kind.MODIFIED and one.after.get("valid_to")
    }
    for change_set in undone:
        number = _undone(change_set)
        for first in workspace.registry.release_change_sets(number, since=number - 1):
            sources |= {
                one.identity: (one.copied_from, one.before)
                for one in first.changes
                if one.kind is Kind.ADDED and one.copied_from and one.dimension == dimension
            }
    ended = {one.identity: one for one in changes if one.kind is Kind.MODIFIED}
    for one in changes:
        source, split_by = sources.get(one.identity, ((), {}))
        seen = after.get(source, {})
        # A boundary that was moved looks alike, but nothing was put together.
        is_part = source in ended and seen["valid_to"] == one.after.get("valid_to")
        if one.kind is not Kind.ADDED or not is_part:
            yield one
            continue
        edited = [
            name
            for name, value in one.after.items()
            if name not in ("valid_from", "valid_to")
            and (value != seen[name] or name in ended[source].after or name in split_by)
        ]
        yield replace(one, before={name: seen[name] for name in edited}, copied_from=source)


@dataclass
class _Cells:
    """Which later release set a release's cells or their copies last.

    What a rollback put back counts as set by whoever had set it before.

    Attributes:
        release: The release.
        own: The changes of its inverse.
        setters: The release that set a cell, where it is a later one or a copy's.
        copies: The own cell of each copy.
    """

    release: int
    own: Mapping[Identity, Change]
    setters: dict[Cell, int] = field(default_factory=dict)
    copies: dict[Cell, Cell] = field(default_factory=dict)
    _earlier: dict[Cell, dict[int, int]] = field(default_factory=dict)

    def follow(self, number: int, undone: int, change: Change, *, is_added: bool) -> None:
        """Take in a later release's change; `undone` is the release that it takes back, if any."""
        source = change.copied_from if is_added else None
        names = [*change.after] if change.kind is Kind.MODIFIED else ["", *change.after]
        for name in names:
            cell = (change.identity, name)
            is_edited = name in change.before or name in ("", "valid_from", "valid_to")
            if source is None or is_edited or not self._copied(cell, (source, name)):
                self._set(number, undone, cell)
        for name in change.before if change.kind is Kind.REMOVED else ():
            cell = (change.identity, name)
            if cell in self.copies or self._is_own(cell):  # it may be brought back
                self._earlier.setdefault(cell, {})[number] = self.setters.get(cell, self.release)

    def take_back(self, number: int, undone: int) -> None:
        """Take in that a release takes another one back."""
        for cell in [one for one, setter in self.setters.items() if setter == undone]:
            earlier = self._earlier.get(cell, {})
            if undone in earlier:
                earlier[number] = undone
                self.setters[cell] = earlier[undone]

    def _copied(self, cell: Cell, source: Cell) -> bool:
        origin = self.copies.get(source, source)
        if not self._is_own(origin):
            return False
        self.copies[cell] = origin
        self.setters[cell] = self.setters.get(source, self.release)
        self._earlier[cell] = dict(self._earlier.get(source, {}))
        return True

    def _set(self, number: int, undone: int, cell: Cell) -> None:
        if cell in self.copies or self._is_own(cell):
            earlier = self._earlier.setdefault(cell, {})
            if number not in earlier:
                earlier[number] = self.setters.get(cell, self.release)
                self.setters[cell] = earlier.get(undone, number)

    def _is_own(self, cell: Cell) -> bool:
        change = self.own.get(cell[0])
        if change is None:
            return False
        return cell[1] in change.before if cell[1] else change.kind is not Kind.MODIFIED


def _since(workspace: Workspace, dimension: str, state: State, cells: _Cells) -> None:
    """Let cells follow what later releases did; `state` are the rows at theirs."""
    for number in range(cells.release + 1, workspace.registry.latest_release() + 1):
        for change_set in workspace.registry.release_change_sets(number, since=number - 1):
            undone = _undone(change_set)
            cells.take_back(number, undone)
            asked = [one for one in change_set.changes if one.dimension == dimension]
            added = {one.identity for one in rebase(state, asked)[0] if one.kind is Kind.ADDED}
            state, _ = apply(state, asked)
            for change in asked:
                cells.follow(number, undone, change, is_added=change.identity in added)


def _undone(change_set: ChangeSet) -> int:
    """Return the release that a rollback takes back; 0 for another change set."""
    return int(change_set.source_name.split()[-1]) if change_set.kind == "rollback" else 0
