"""The append-only log: each event's hash covers the event before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from foreview.errors import Problem
from foreview.registry import schema
from foreview.registry.records import Event, canonical

FIRST_HASH = "0" * 64
"""The previous hash of the first event."""


def append(
    connection: Connection,
    at: str,
    actor: str,
    kind: str,
    payload: Mapping[str, Any],
    row: Mapping[str, Any] | None = None,
) -> Event:
    """Append an event within the caller's transaction, beside which nobody writes; return it.

    Args:
        connection: In a transaction.
        at: When.
        actor: Who.
        kind: What happened.
        payload: More of it; `record` and `id` name a row that was recorded with it.
        row: That row's values. Their hash goes with the event, so that `verify` knows them.
    """
    if row is not None:
        payload = {**payload, "row": _row_digest(row)}
    table = schema.EVENTS
    last, hash_ = head(connection)
    sequence, previous = last + 1, hash_ or FIRST_HASH
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


def head(connection: Connection) -> tuple[int, str]:
    """Return the last event's number and hash; (0, "") before the first."""
    columns = schema.EVENTS.c.sequence, schema.EVENTS.c.hash
    last = connection.execute(sa.select(*columns).order_by(columns[0].desc()).limit(1)).first()
    return (last.sequence, last.hash) if last else (0, "")


def hash_of(connection: Connection, sequence: int) -> str:
    """Return an event's hash; "" where there is none."""
    query = sa.select(schema.EVENTS.c.hash).where(schema.EVENTS.c.sequence == sequence)
    return str(connection.execute(query).scalar() or "")


def verify(connection: Connection) -> list[Problem]:
    """Return what is wrong with the log: the first break of its chain, or of what it recorded.

    The chain alone can't show that its last events were cut off. What they recorded is still in
    the other tables, though, and is looked up here; of events that recorded nothing else each
    workspace keeps the last one that it saw (`log_head`).
    """
    previous, expected = FIRST_HASH, 1
    seen: dict[tuple[str, str], str | None] = {}
    rows = connection.execute(sa.select(schema.EVENTS).order_by(schema.EVENTS.c.sequence))
    for row in rows:
        broken = _break(row, expected, previous)
        if broken:
            return [_problem(broken, row)]
        seen |= _named(row)
        previous, expected = row.hash, expected + 1
    problems = list(_other_rows(connection, seen))
    is_cut = any(one.message.endswith(_CUT_OFF) for one in problems)
    return problems if is_cut else [*problems, *_other_changes(connection)]


_CUT_OFF = "has no event: the log's end was cut off."


def _row_digest(values: Mapping[str, Any]) -> str:
    """Return a row's hash, which a column that is added later and blank does not change."""
    return _digest({name: value for name, value in values.items() if value is not None})


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


def _named(row: Row[Any]) -> dict[tuple[str, str], str | None]:
    """Return the row that an event recorded, with its hash; events of older versions have none."""
    payload = json.loads(row.payload)
    record = payload.get("record")
    return {(record, str(payload["id"])): payload.get("row")} if record else {}


def _other_rows(
    connection: Connection, seen: Mapping[tuple[str, str], str | None]
) -> Iterator[Problem]:
    """Give a problem for the first row that no event recorded, and for those that were changed."""
    missing = set(seen)
    keys = (
        schema.CHANGE_SETS.c.id,
        schema.RECEIPTS.c.checksum,
        schema.REVIEWS.c.id,
        schema.RELEASES.c.number,
        schema.PROMOTION_STEPS.c.id,
        schema.CALENDAR.c.id,
    )
    for key in keys:
        for row in connection.execute(sa.select(key.table).order_by(key)):
            name = key.table.name, str(row._mapping[key])
            missing.discard(name)
            if name not in seen:
                yield _problem(f"{' '.join(name)} {_CUT_OFF}")
                return
            if seen[name] not in (None, _row_digest(dict(row._mapping))):
                yield _problem(f"{' '.join(name)} was changed after it was recorded.")
    for name in sorted(missing):
        yield _problem(f"{' '.join(name)} was recorded, and is gone.")


def _other_changes(connection: Connection) -> Iterator[Problem]:
    """Give a problem for each change set or release whose rows in other tables are not its own."""
    from foreview.registry import proposals

    for one in connection.execute(sa.select(schema.CHANGE_SETS.c.id)):
        if not proposals.is_whole(connection, one.id):
            yield _problem(f"The changes of change request {one.id} are not as recorded.")
    placed = schema.RELEASE_CHANGE_SETS
    query = sa.select(placed).order_by(placed.c.release, placed.c.position)
    found: dict[int, list[tuple[int, str]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.release, []).append((row.position, row.change_set_id))
    recorded = {
        one.payload["number"]: list(enumerate(one.payload["change_sets"]))
        for one in read(connection, "release-recorded")
    }
    for number in sorted(found.keys() | recorded.keys()):
        if found.get(number) != recorded.get(number):
            yield _problem(
                f"The change requests of reference version {number} are not as recorded."
            )
