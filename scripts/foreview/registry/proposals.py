"""Change sets in the registry: recording, finding, listing, and the history of a key."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from foreview.changes import Change, ChangeSet, row_key, with_ticket
from foreview.errors import EngineError, Problem, RefusedError
from foreview.registry import events, schema
from foreview.registry.records import (
    ChangeSetSummary,
    HistoryEntry,
    canonical,
    parse_change,
    parse_change_set,
)

BATCH = 5_000
"""Rows to an insert: large enough to be fast, small enough for MariaDB's packets."""

_AGREED = ("approved", "promoted")
_DECIDED = {
    "agree": "pending",
    "approve": "approved",
    "send-back": "sent-back",
    "reject": "rejected",
    "withdraw": "withdrawn",
}


def record(connection: Connection, at: str, change_set: ChangeSet) -> bool:
    """Record a change set; return False when it is there already."""
    table = schema.CHANGE_SETS
    if connection.scalar(sa.select(table.c.id).where(table.c.id == change_set.id)) is not None:
        return False
    row = {
        "id": change_set.id,
        "kind": change_set.kind,
        "author": change_set.author,
        "reason": change_set.reason,
        "ticket": change_set.ticket or None,
        "base_release": change_set.base_release,
        "source_name": change_set.source_name,
        "source_hash": change_set.source_hash,
        "contracts": canonical(change_set.contracts),
        "created_at": at,
        "content": change_set.content,
    }
    connection.execute(table.insert(), row)
    for start in range(0, len(change_set.changes), BATCH):
        part = change_set.changes[start : start + BATCH]
        rows = [_row_of(change_set.id, number, one) for number, one in enumerate(part, start)]
        connection.execute(schema.CHANGES.insert(), rows)
    payload = {
        "record": "change_sets",
        "id": change_set.id,
        "content_hash": hashlib.sha256(change_set.content.encode()).hexdigest(),
    }
    events.append(connection, at, change_set.author, "change-set-recorded", payload, row)
    return True


def is_whole(connection: Connection, change_set_id: str) -> bool:
    """Return whether a change set's content and the rows of its changes are as recorded."""
    try:
        (change_set,) = load(connection, [change_set_id])
    except EngineError:
        return False
    table = schema.CHANGES
    query = sa.select(table).where(table.c.change_set_id == change_set_id).order_by(table.c.number)
    rows = (dict(row._mapping) for row in connection.execute(query))
    recorded = (
        _row_of(change_set_id, number, one) for number, one in enumerate(change_set.changes)
    )
    return all(found == one for found, one in zip_longest(rows, recorded))


def _row_of(change_set_id: str, number: int, change: Change) -> dict[str, Any]:
    return {
        "change_set_id": change_set_id,
        "number": number,
        "dimension": change.dimension,
        "kind": change.kind.value,
        "identity": canonical(change.identity),
        "row_key": row_key(change.identity),
        "key_text": row_key(change.identity[:-1]),
        "action": change.action.value,
        "before": canonical(change.before),
        "after": canonical(change.after),
        "copied_from": None if change.copied_from is None else canonical(change.copied_from),
        "cells": canonical(change.cells),
        "where_": change.where,
        "reason": change.reason,
        "notes": canonical(change.notes) if change.notes else None,
    }


def _change_of(row: Row[Any]) -> Change:
    return parse_change(
        dimension=row.dimension,
        kind=row.kind,
        identity=json.loads(row.identity),
        before=json.loads(row.before),
        after=json.loads(row.after),
        action=row.action,
        copied_from=None if row.copied_from is None else json.loads(row.copied_from),
        cells=json.loads(row.cells),
        where=row.where_,
        reason=row.reason,
        notes=json.loads(row.notes or "{}"),
    )


def find(connection: Connection, prefix: str) -> str:
    """Return the id that a prefix stands for.

    Raises:
        RefusedError: `unknown-change-set` with the nearest ids, or `ambiguous-change-set`.
    """
    wanted = prefix.strip().lower()
    table = schema.CHANGE_SETS
    query = sa.select(table.c.id).order_by(table.c.created_at, table.c.id)
    known: list[str] = [row.id for row in connection.execute(query)]
    found = [one for one in known if wanted and one.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{prefix!r} is the beginning of {len(found)} change requests."
        fix = f"Write more of one of: {', '.join(found[:10])}."
        raise RefusedError(Problem("ambiguous-change-set", message, value=prefix, fix=fix))
    near = difflib.get_close_matches(wanted, known, 3, 0.5) or known[-3:][::-1]
    fix = f"The nearest are: {', '.join(near)}." if near else "There are none yet."
    message = f"There is no change request {prefix!r}."
    raise RefusedError(Problem("unknown-change-set", message, value=prefix, fix=fix))


def load(connection: Connection, ids: Sequence[str]) -> list[ChangeSet]:
    """Return change sets by their full ids, in the order given.

    Raises:
        EngineError: A change set's content no longer has the hash that is its id.
    """
    loaded = []
    for one in ids:
        query = sa.select(schema.CHANGE_SETS.c.content).where(schema.CHANGE_SETS.c.id == one)
        content = connection.scalar(query) or ""
        if hashlib.sha256(content.encode()).hexdigest()[:16] != one:
            message = f"The content of change request {one} was changed after it was recorded."
            fix = "Restore the registry from a backup."
            raise EngineError(Problem("registry-tampered", message, value=one, fix=fix))
        loaded.append(_parsed(one, content))
    return loaded


@lru_cache(maxsize=64)  # one command asks for each of a baseline's tables, and for some again
def _parsed(id_: str, content: str) -> ChangeSet:
    change_set = parse_change_set(content)
    # The content was just compared with the id: no need to spell and hash it once more.
    vars(change_set).update(content=content, id=id_)
    return change_set


def statuses(connection: Connection) -> dict[str, tuple[str, int | None]]:
    """Return each reviewed or promoted change set's status and release; others are pending."""
    reviews, promoted = schema.REVIEWS, schema.RELEASE_CHANGE_SETS
    found: dict[str, tuple[str, int | None]] = {}
    query = sa.select(reviews.c.change_set_id, reviews.c.decision).order_by(reviews.c.id)
    for row in connection.execute(query):
        found[row.change_set_id] = (_DECIDED[row.decision], None)
    for row in connection.execute(sa.select(promoted.c.change_set_id, promoted.c.release)):
        found[row.change_set_id] = ("promoted", row.release)
    return found


def status(connection: Connection, change_set_id: str) -> str:
    """Return one change set's status."""
    promoted, reviews = schema.RELEASE_CHANGE_SETS, schema.REVIEWS
    if connection.scalar(
        sa.select(promoted.c.release).where(promoted.c.change_set_id == change_set_id)
    ):
        return "promoted"
    decision = connection.scalar(
        sa.select(reviews.c.decision)
        .where(reviews.c.change_set_id == change_set_id)
        .order_by(reviews.c.id.desc())
        .limit(1)
    )
    return _DECIDED[decision] if decision else "pending"


def summaries(connection: Connection) -> list[ChangeSetSummary]:
    """Return all change sets in the order in which they were recorded."""
    sets, changes = schema.CHANGE_SETS, schema.CHANGES
    counts: dict[str, dict[str, int]] = {}
    columns = (changes.c.change_set_id, changes.c.dimension)
    query = sa.select(*columns, sa.func.count().label("number")).group_by(*columns)
    for row in connection.execute(query):
        counts.setdefault(row.change_set_id, {})[row.dimension] = row.number
    known = statuses(connection)
    listed = sa.select(*(one for one in sets.c if one.name not in ("content", "contracts")))
    return [
        _summary(row, counts.get(row.id, {}), *known.get(row.id, ("pending", None)))
        for row in connection.execute(listed.order_by(sets.c.created_at, sets.c.id))
    ]


def _summary(
    row: Row[Any], counts: dict[str, int], state: str, release: int | None
) -> ChangeSetSummary:
    return ChangeSetSummary(
        id=row.id,
        kind=row.kind,
        author=row.author,
        reason=with_ticket(row.reason, row.ticket),
        dimensions=tuple(sorted(counts)),
        changes=sum(counts.values()),
        created_at=row.created_at,
        status=state,
        base_release=row.base_release,
        release=release,
    )


def touching(dimension: str) -> sa.ColumnElement[bool]:
    """Return the condition that a change set changes a dimension."""
    changes = schema.CHANGES
    return sa.exists().where(
        changes.c.change_set_id == schema.CHANGE_SETS.c.id, changes.c.dimension == dimension
    )


def open_ids(connection: Connection, dimension: str | None) -> list[str]:
    """Return the ids of pending and approved change sets in the order of recording."""
    table = schema.CHANGE_SETS
    query = sa.select(table.c.id).order_by(table.c.created_at, table.c.id)
    if dimension is not None:
        query = query.where(touching(dimension))
    known = statuses(connection)
    return [
        row.id
        for row in connection.execute(query)
        if known.get(row.id, ("pending", None))[0] in ("pending", "approved")
    ]


def history(connection: Connection, dimension: str, key: Sequence[str]) -> Iterator[HistoryEntry]:
    """Give every change of a key: promoted ones in their order, then those not yet promoted."""
    changes, sets = schema.CHANGES, schema.CHANGE_SETS
    placed, releases = schema.RELEASE_CHANGE_SETS, schema.RELEASES
    query = (
        sa.select(
            *changes.c,
            sets.c.kind.label("set_kind"),
            sets.c.reason.label("set_reason"),
            sets.c.ticket,
            sets.c.author,
            sets.c.created_at,
            sets.c.source_name,
            sets.c.source_hash,
            releases.c.number.label("release"),
            releases.c.promoted_at,
            releases.c.publication,
        )
        .join(sets, sets.c.id == changes.c.change_set_id)
        .outerjoin(placed, placed.c.change_set_id == sets.c.id)
        .outerjoin(releases, releases.c.number == placed.c.release)
        .where(changes.c.dimension == dimension, changes.c.key_text == row_key(tuple(key)))
        .order_by(
            releases.c.number.is_(None),
            releases.c.number,
            placed.c.position,
            sets.c.created_at,
            sets.c.id,
            changes.c.number,
        )
    )
    known, agreed = statuses(connection), approvers(connection)
    for row in connection.execute(query):
        state = known.get(row.change_set_id, ("pending", None))[0]
        yield HistoryEntry(
            change=_change_of(row),
            number=row.number,
            change_set_id=row.change_set_id,
            kind=row.set_kind,
            author=row.author,
            reason=with_ticket(row.set_reason, row.ticket),
            created_at=row.created_at,
            source_name=row.source_name,
            source_hash=row.source_hash,
            status=state,
            reviewer=(state in _AGREED and ", ".join(agreed.get(row.change_set_id, ()))) or None,
            release=row.release,
            promoted_at=row.promoted_at,
            publication=row.publication,
        )


def approvers(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return who agreed to each change set, in their order."""
    table = schema.REVIEWS
    query = sa.select(table.c.change_set_id, table.c.reviewer, table.c.receipt_checksum)
    rows = connection.execute(
        query.where(table.c.decision.in_(("agree", "approve"))).order_by(table.c.id)
    ).all()
    last = {row.change_set_id: row.receipt_checksum for row in rows}
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.receipt_checksum == last[row.change_set_id]:
            found.setdefault(row.change_set_id, []).append(row.reviewer)
    return {one: tuple(dict.fromkeys(names)) for one, names in found.items()}
