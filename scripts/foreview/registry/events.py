"""The append-only log: each event's hash covers the event before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from foreview.errors import Problem
from foreview.registry import schema
from foreview.registry.records import Event, canonical

FIRST_HASH = "0" * 64
"""The previous hash of the first event."""


def append(
    connection: Connection, at: str, actor: str, kind: str, payload: Mapping[str, Any]
) -> Event:
    """Append an event within the caller's transaction and return it."""
    table = schema.EVENTS
    last = connection.execute(
        sa.select(table.c.sequence, table.c.hash)
        .order_by(table.c.sequence.desc())
        .limit(1)
        .with_for_update()
    ).first()
    sequence, previous = (last.sequence + 1, last.hash) if last else (1, FIRST_HASH)
    text = canonical(payload)
    values = {
        "sequence": sequence,
        "at": at,
        "actor": actor,
        "kind": kind,
        "payload": text,
        "previous_hash": previous,
    }
    digest = _digest(values)
    connection.execute(table.insert(), {**values, "hash": digest})
    return Event(sequence, at, actor, kind, json.loads(text), previous, digest)


def read(connection: Connection, kind: str | None = None) -> list[Event]:
    """Return all events in order, or those of one kind."""
    query = sa.select(schema.EVENTS).order_by(schema.EVENTS.c.sequence)
    rows = connection.execute(query if kind is None else query.where(schema.EVENTS.c.kind == kind))
    return [Event(**{**row._mapping, "payload": json.loads(row.payload)}) for row in rows]


def verify(connection: Connection) -> list[Problem]:
    """Return what is wrong with the log: the first break of its chain, or a record without event.

    The chain alone can't show that its last events were cut off. What they recorded is still in
    the other tables, though, and is looked up here; only events that recorded nothing else can be
    cut off unseen.
    """
    previous, expected = FIRST_HASH, 1
    seen: set[tuple[str, str]] = set()
    rows = connection.execute(sa.select(schema.EVENTS).order_by(schema.EVENTS.c.sequence))
    for row in rows:
        broken = _break(row, expected, previous)
        if broken:
            return [_problem(broken, row)]
        seen |= _named(row)
        previous, expected = row.hash, expected + 1
    return list(_without_event(connection, seen))


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def _break(row: Row[Any], expected: int, previous: str) -> str:
    if row.sequence != expected:
        return f"Event {expected} is missing; the next one is {row.sequence}."
    values = dict(row._mapping)
    if _digest({name: value for name, value in values.items() if name != "hash"}) != row.hash:
        return f"Event {row.sequence} was changed after it was recorded."
    if row.previous_hash != previous:
        return (
            f"Event {row.sequence} does not follow event {row.sequence - 1}: "
            "events between them were changed, dropped or reordered."
        )
    return ""


def _problem(message: str, row: Row[Any] | None = None) -> Problem:
    value = f"{row.kind} by {row.actor} at {row.at}" if row is not None else ""
    fix = "Compare the registry with a backup; what follows this event can't be trusted."
    return Problem("event-log", message, "events", value, fix)


def _named(row: Row[Any]) -> set[tuple[str, str]]:
    payload = json.loads(row.payload)
    record = payload.get("record")
    return {(record, str(payload["id"]))} if record else set()


def _without_event(connection: Connection, seen: set[tuple[str, str]]) -> Iterable[Problem]:
    keys = (
        schema.CHANGE_SETS.c.id,
        schema.RECEIPTS.c.checksum,
        schema.REVIEWS.c.id,
        schema.RELEASES.c.number,
        schema.PROMOTION_STEPS.c.id,
        schema.CALENDAR.c.id,
    )
    for key in keys:
        for (found,) in connection.execute(sa.select(key.label("found")).order_by(key)):
            if (key.table.name, str(found)) not in seen:
                message = f"{key.table.name} {found} has no event: the log's end was cut off."
                yield _problem(message)
                return
