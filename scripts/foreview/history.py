"""History: every version of a row, in effective and in recorded time, with its lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foreview.changes import Change, Identity, Kind, Row
from foreview.errors import Problem, RefusedError
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import HistoryEntry


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
        values: The row.
        changed: The columns that this version changed, with the cell that each value came from.
        change_set_id: The change set that brought it.
        author: Who proposed it.
        reviewer: Who approved it; None for a first load.
        reason: Why.
        source_name: The workbook or file.
        source_hash: Its SHA-256, hex.
    """

    key: tuple[str, ...]
    valid_from: str
    valid_to: str | None
    known_from: str
    known_to: str | None
    release: int
    values: Row
    changed: Mapping[str, str]
    change_set_id: str
    author: str
    reviewer: str | None
    reason: str
    source_name: str
    source_hash: str

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
        ]
        lines += [
            f"    {name} = {self.values.get(name)!r}  {cell}" for name, cell in self.changed.items()
        ]
        return "\n".join(lines)


def versions_of(workspace: Workspace, dimension: str, key: str) -> list[Version]:
    """Return all versions of a key's rows, by the day from which they hold, then as recorded.

    Raises:
        RefusedError: The dimension or the key is unknown.
    """
    workspace.contract(dimension)
    entries = [one for one in workspace.registry.history(dimension, key) if one.release is not None]
    if not entries:
        message = f"{dimension} has no key {key!r}."
        fix = "Keys are exact, upper and lower case differ: see foreview export."
        raise RefusedError(Problem("unknown-key", message, value=key, fix=fix))
    found: list[Version] = []
    current: dict[Identity, int] = {}
    for entry in sorted(entries, key=lambda one: one.release or 0):
        _record(entry, found, current)
    return sorted(found, key=lambda one: (one.valid_from, one.known_from))


def _record(entry: HistoryEntry, found: list[Version], current: dict[Identity, int]) -> None:
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
    current[change.identity] = len(found)
    found.append(
        Version(
            key=change.identity[:-1],
            valid_from=change.identity[-1],
            valid_to=row["valid_to"],
            known_from=at,
            known_to=None,
            release=entry.release or 0,
            values=row,
            changed=_changed(change),
            change_set_id=entry.change_set_id,
            author=entry.author,
            reviewer=entry.reviewer,
            reason=change.reason or entry.reason,
            source_name=entry.source_name,
            source_hash=entry.source_hash,
        )
    )


def _changed(change: Change) -> dict[str, str]:
    if change.kind is Kind.ADDED and not change.cells:
        return {name: "" for name, value in change.after.items() if value is not None}
    names = change.cells or change.after
    return {name: change.cells.get(name, change.where) for name in names}


def _closed(version: Version, at: str) -> Version:
    from dataclasses import replace

    return replace(version, known_to=at)
