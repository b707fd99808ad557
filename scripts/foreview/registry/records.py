"""What the registry hands out, and how it is spelled as canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from foreview.changes import Action, Change, ChangeSet, Kind


@dataclass(frozen=True)
class ChangeSetSummary:
    """One line of the list of change sets.

    Attributes:
        id: The change set's id, 16 hex digits.
        kind: `baseline`, `edit`, `load` or `rollback`.
        author: Who proposed it.
        reason: Why, with the ticket if there is one.
        dimensions: The dimensions changed, sorted.
        changes: Number of changed rows.
        created_at: When it was recorded, UTC.
        status: `pending`, `approved`, `sent-back`, `rejected`, `withdrawn` or `promoted`.
        base_release: The release on which its changes stand.
        release: The release that it became part of, or None.
    """

    id: str
    kind: str
    author: str
    reason: str
    dimensions: tuple[str, ...]
    changes: int
    created_at: str
    status: str
    base_release: int
    release: int | None


@dataclass(frozen=True)
class Review:
    """One decision about a change set.

    `contracts` are the hashes that the decision saw, `cells` comments by the cell's address.
    """

    id: int
    change_set_id: str
    reviewer: str
    decision: str
    receipt_checksum: str | None
    contracts: Mapping[str, str]
    comment: str
    created_at: str
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """What an impact was computed from and came to; `change_set_ids` are sorted."""

    checksum: str
    change_set_ids: tuple[str, ...]
    base_release: int
    horizon_day: str | None
    horizon_batch: int
    content: Mapping[str, Any]
    created_at: str


@dataclass(frozen=True)
class Release:
    """A numbered state of all approved reference data; change sets in their order."""

    number: int
    publication: int
    kind: str
    promoted_by: str
    promoted_at: str
    change_set_ids: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One recorded step of a promotion."""

    id: int
    release: int
    step: str
    state: str
    detail: Mapping[str, Any]
    at: str


@dataclass(frozen=True)
class CalendarEntry:
    """One decision about days of a product; a later entry counts before an earlier one.

    Attributes:
        id: Its number.
        product: A mart.
        market: A market's id, or `*` for the whole product.
        first_day: The first day, `YYYY-MM-DD`.
        last_day: The last day.
        state: `preliminary`, `published`, `reopening` (asked for) or `open` (confirmed).
        reason: Why; for a reopening its code.
        confirms: The entry that asked for the reopening; None in the others.
        actor: Who decided.
        at: When, UTC.
    """

    id: int
    product: str
    market: str
    first_day: str
    last_day: str
    state: str
    reason: str
    confirms: int | None
    actor: str
    at: str


@dataclass(frozen=True)
class Event:
    """One line of the append-only log; `hash` covers all else, the previous hash included."""

    sequence: int
    at: str
    actor: str
    kind: str
    payload: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class HistoryEntry:
    """One change of one key, and all that is known of how it came about.

    Attributes:
        change: The change itself, with the spreadsheet cell of each value.
        number: Its place within the change set, from 0.
        change_set_id: The change set's id.
        kind: The change set's kind.
        author: Who proposed it.
        reason: Why, for the whole change set, with the ticket if there is one; the row's own
            reason is in `change`.
        created_at: When it was recorded, UTC.
        source_name: The workbook's or file's name.
        source_hash: SHA-256 of the workbook or file, hex.
        status: The change set's status.
        reviewer: Who approved it, or None.
        release: The release that it became part of, or None.
        promoted_at: When that happened, UTC, or None.
        publication: The publication in which readers first saw it, or None.
    """

    change: Change
    number: int
    change_set_id: str
    kind: str
    author: str
    reason: str
    created_at: str
    source_name: str
    source_hash: str
    status: str
    reviewer: str | None
    release: int | None
    promoted_at: str | None
    publication: int | None


def canonical(value: Any) -> str:
    """Return a value as JSON with one spelling: sorted names, no blanks, UTF-8 as it is.

    Decimals are spelled as text, since a binary float would change them.
    """
    return json.dumps(
        value, default=_plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no canonical spelling")


def instant(moment: datetime) -> str:
    """Return an aware datetime as UTC text with microseconds, which sorts as time does.

    Raises:
        ValueError: The datetime has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("the clock must give aware datetimes")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_change_set(content: str) -> ChangeSet:
    """Return the change set whose `content` this is."""
    document = json.loads(content)
    changes = tuple(parse_change(**change) for change in document.pop("changes"))
    return ChangeSet(**document, changes=changes)


def parse_change(
    *,
    kind: str,
    action: str,
    identity: Sequence[str],
    copied_from: Sequence[str] | None,
    **rest: Any,
) -> Change:
    """Return a change from its plain values."""
    return Change(
        kind=Kind(kind),
        action=Action(action),
        identity=tuple(identity),
        copied_from=None if copied_from is None else tuple(copied_from),
        **rest,
    )
