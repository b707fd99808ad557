"""History: every version of a row, in effective and in recorded time, with its lineage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from foreview.changes import Change, Identity, Kind, Row, State, rebase
from foreview.errors import Problem, RefusedError
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import HistoryEntry


@dataclass(frozen=True)
class Origin:
    """Where a value comes from.

    Attributes:
        release: The release that brought it.
        change_set_id: The change set.
        source_name: The workbook or file; for a value copied from another key, that key.
        cell: The cell or line there; may be empty.
    """

    release: int
    change_set_id: str
    source_name: str
    cell: str

    def told(self) -> str:
        """Return it as people read it."""
        place = " ".join(one for one in (self.cell, self.source_name) if one)
        return f"{place} (reference version {self.release}, change request {self.change_set_id})"


@dataclass(frozen=True)
class Version:
    """One version of a row.

    Attributes:
        key: The key's values.
        valid_from: First broadcast day on which it holds.
        valid_to: First broadcast day on which it no longer does; None when open.
        known_from: The instant, UTC, from which the system believed it.
        known_to: The instant at which it stopped to; None when it still does.
        release: The release that brought it.
        publication: The publication in which readers first saw it.
        values: The row.
        changed: The columns that this version changed, with the cell that each value came from.
        origins: Where each other value of the row comes from, by its column; of a rollback also
            where the values that it put back had come from.
        change_set_id: The change set that brought it.
        author: Who proposed it.
        reviewer: Who approved it; None for a first load.
        reason: Why.
        source_name: The workbook or file.
        source_hash: Its SHA-256, hex.
        figures_moved: How many figures of each mart moved, by the receipt that was promoted.
        is_copied: Whether it continues another row.
    """

    key: tuple[str, ...]
    valid_from: str
    valid_to: str | None
    known_from: str
    known_to: str | None
    release: int
    publication: int
    values: Row
    changed: Mapping[str, str]
    origins: Mapping[str, Origin]
    change_set_id: str
    author: str
    reviewer: str | None
    reason: str
    source_name: str
    source_hash: str
    figures_moved: Mapping[str, int] = field(default_factory=dict)
    is_copied: bool = False

    def told(self) -> str:
        """Return the version as lines of text."""
        until = self.valid_to or "open"
        known = f"known since {self.known_from[:19]}"
        known += f" until {self.known_to[:19]}" if self.known_to else ""
        lines = [
            f"{', '.join(self.key)}  true from {self.valid_from} to {until}  {known}",
            f"    reference version {self.release}, change request {self.change_set_id}: "
            f"{self.author}, approved by {self.reviewer or 'nobody (first load)'}",
            f"    {self.reason}  [{self.source_name} {self.source_hash[:12]}]",
            f"    publication {self.publication}{self._moved()}",
        ]
        for name, cell in self.changed.items():
            origin = self.origins.get(name)
            where = f"put back; it is from {origin.told()}" if origin else cell
            lines.append(f"    {name} = {self.values.get(name)!r}  {where}")
        lines += [
            f"    {name} = {self.values.get(name)!r}  copied; it is from {origin.told()}"
            for name, origin in self.origins.items()
            if self.is_copied and self.values.get(name) is not None and name not in self.changed
        ]
        return "\n".join(lines)

    def _moved(self) -> str:
        moved = [f"{count:,} of {mart}" for mart, count in self.figures_moved.items() if count]
        told = f"; its changes together moved figures: {', '.join(moved)};" if moved else ""
        return f"{told or ':'} before and after: foreview feed {self.release}"


def versions_of(workspace: Workspace, dimension: str, key: str) -> list[Version]:
    """Return all versions of a key's rows, by the day from which they hold, then as recorded.

    Raises:
        RefusedError: The dimension or the key is unknown.
    """
    named_by = {*workspace.contract(dimension).key, "valid_from"}
    entries = [one for one in workspace.registry.history(dimension, key) if one.release is not None]
    if not entries:
        message = f"{dimension} has no key {key!r}."
        fix = "Keys are exact, upper and lower case differ: see foreview export."
        raise RefusedError(Problem("unknown-key", message, value=key, fix=fix))
    found: list[Version] = []
    current: dict[Identity, int] = {}
    ordered = sorted(entries, key=lambda one: one.release or 0)
    for release, those in groupby(ordered, key=lambda one: one.release or 0):
        rows = {identity: found[place].values for identity, place in current.items()}
        made = _in_effect(workspace, list(those), rows, release)
        # As they are applied: what is added may take the place of what is removed after it.
        for entry in sorted(made, key=lambda one: one.change.kind is not Kind.REMOVED):
            _record(entry, found, current, named_by)
    moved = {one: _figures_moved(workspace, one) for one in {one.release for one in found}}
    found = [replace(one, figures_moved=moved[one.release]) for one in found]
    return sorted(found, key=lambda one: (one.valid_from, one.known_from))


def _in_effect(
    workspace: Workspace, entries: Sequence[HistoryEntry], rows: State, release: int
) -> list[HistoryEntry]:
    """Return a release's entries as they were put into effect on the rows of then."""
    changes = [one.change for one in entries]
    sources = {one.copied_from for one in changes if one.copied_from} - rows.keys()
    if sources:  # of another key
        all_rows, _ = workspace.registry.approved_rows(changes[0].dimension, release - 1)
        rows = {**rows, **{one: all_rows[one] for one in sources & all_rows.keys()}}
    of = {(one.change.kind, one.change.identity): one for one in entries}
    return [replace(of[one.kind, one.identity], change=one) for one in rebase(rows, changes)[0]]


def _figures_moved(workspace: Workspace, release: int) -> Mapping[str, int]:
    """Return how many figures of each mart a release moved, by the receipt that it came to."""
    begun = next(iter(workspace.registry.steps(release)), None)
    receipt = workspace.registry.receipt(begun.detail.get("receipt", "")) if begun else None
    return receipt.content.get("figures_moved", {}) if receipt else {}


def _record(
    entry: HistoryEntry,
    found: list[Version],
    current: dict[Identity, int],
    named_by: Collection[str],
) -> None:
    change = entry.change
    at = entry.promoted_at or ""
    place = current.pop(change.identity, None)
    row: dict[str, str | None] = {}
    if place is not None:
        row = dict(found[place].values)
        found[place] = _closed(found[place], at)
    if change.kind is Kind.REMOVED:
        return
    row |= change.after
    changed = _changed(change)
    current[change.identity] = len(found)
    found.append(
        Version(
            key=change.identity[:-1],
            valid_from=change.identity[-1],
            valid_to=row["valid_to"],
            known_from=at,
            known_to=None,
            release=entry.release or 0,
            publication=entry.publication or 0,
            values=row,
            changed=changed,
            origins=_origins(entry, row.keys() - {*changed, *named_by}, found)
            | _put_back(entry, {*changed}.difference(named_by), row, found),
            is_copied=change.kind is Kind.ADDED and change.copied_from is not None,
            change_set_id=entry.change_set_id,
            author=entry.author,
            reviewer=entry.reviewer,
            reason=change.reason or entry.reason,
            source_name=entry.source_name,
            source_hash=entry.source_hash,
        )
    )


def _origins(
    entry: HistoryEntry, columns: Iterable[str], found: Sequence[Version]
) -> dict[str, Origin]:
    """Return where the values of columns come from that a change left, or copied, as they were."""
    change = entry.change
    source = change.copied_from if change.kind is Kind.ADDED else change.identity
    if source is None:
        return {}
    if source[:-1] != change.identity[:-1]:  # another key's row, which has a history of its own
        name = f"{change.dimension} {', '.join(source[:-1])}"
        other = Origin(entry.release or 0, entry.change_set_id, name, "")
        return dict.fromkeys(sorted(columns), other)
    earlier = [one for one in found if (*one.key, one.valid_from) == source]
    # A split ends the row that it continues: not that version, but the one before.
    others = [one for one in earlier if one.change_set_id != entry.change_set_id]
    return {
        name: origin
        for one in (others or earlier)[-1:]
        for name in sorted(columns)
        for origin in [_origin_in(one, name)]
        if origin is not None
    }


def _put_back(
    entry: HistoryEntry, columns: Iterable[str], row: Row, found: Sequence[Version]
) -> dict[str, Origin]:
    """Return where values of a key had come from that were there before, by a rollback."""
    if entry.source_hash:  # a workbook or file gave them
        return {}
    earlier = [one for one in reversed(found) if one.release < (entry.release or 0)]
    origins: dict[str, Origin] = {}
    for name in sorted(columns):
        had = next((one for one in earlier if one.values.get(name) == row[name]), None)
        if had is not None and (origin := _origin_in(had, name)) is not None:
            origins[name] = origin
    return origins


def _origin_in(version: Version, column: str) -> Origin | None:
    if column not in version.changed or column in version.origins:
        return version.origins.get(column)
    cell = version.changed[column]
    return Origin(version.release, version.change_set_id, version.source_name, cell)


def _changed(change: Change) -> dict[str, str]:
    if change.kind is Kind.ADDED and change.copied_from is not None:
        return {name: change.cells.get(name, change.where) for name in change.before}
    if change.kind is Kind.ADDED and not change.cells:
        return {name: "" for name, value in change.after.items() if value is not None}
    names = change.after if change.kind is Kind.MODIFIED else change.cells or change.after
    return {name: change.cells.get(name, change.where) for name in names}


def _closed(version: Version, at: str) -> Version:
    return replace(version, known_to=at)
