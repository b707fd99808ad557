"""The publication calendar in the registry, and the rules of who may reopen what is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from foreview.errors import Problem, RefusedError
from foreview.periods import (
    EVERY_MARKET,
    OPEN,
    PRELIMINARY,
    PUBLISHED,
    REOPENING,
    published_in,
)
from foreview.registry import events, schema
from foreview.registry.records import CalendarEntry


def read(connection: Connection) -> list[CalendarEntry]:
    """Return all entries in order."""
    table = schema.CALENDAR
    rows = connection.execute(sa.select(table).order_by(table.c.id))
    return [CalendarEntry(**row._mapping) for row in rows]


def record(connection: Connection, at: str, values: Mapping[str, Any]) -> CalendarEntry:
    """Record an entry, if the rules allow it."""
    known = read(connection)
    if values["state"] == PRELIMINARY:
        clash = published_in(
            known,
            *(values[one] for one in ("product", "market", "first_day", "last_day")),
        )
        if clash is not None:
            message = f"{clash.told()} is published; it can't become preliminary again."
            fix = "Reopen it instead: foreview reopen-period."
            raise RefusedError(Problem("period-published", message, fix=fix))
    return _insert(connection, at, known, dict(values))


def confirm(connection: Connection, at: str, entry: int, actor: str) -> CalendarEntry:
    """Record that a reopening is agreed to by somebody else than who asked for it."""
    confirmed = confirmation(connection, at, entry, actor)
    known = read(connection)
    if confirmed in known:
        return confirmed
    return _insert(connection, at, known, asdict(confirmed))


def confirmation(connection: Connection, at: str, entry: int, actor: str) -> CalendarEntry:
    """Return the entry that confirms a reopening, as it is recorded or would be."""
    known = read(connection)
    asked = next((one for one in known if one.id == entry and one.state == REOPENING), None)
    if asked is None:
        message = f"There is no request {entry} to reopen a period."
        fix = "See foreview periods."
        raise RefusedError(Problem("unknown-reopening", message, value=str(entry), fix=fix))
    confirmed = next((one for one in known if one.confirms == entry), None)
    if confirmed is not None:
        _refuse_closed_again(known, confirmed)
        return confirmed
    if asked.actor.casefold() == actor.casefold():
        message = f"{asked.actor} asked to reopen it and can't confirm that too."
        fix = "Somebody else who may restate confirms it."
        raise RefusedError(Problem("own-reopening", message, value=actor, fix=fix))
    number = known[-1].id + 1
    return replace(asked, id=number, state=OPEN, confirms=entry, actor=actor, at=at)


def _refuse_closed_again(known: Iterable[CalendarEntry], confirmed: CalendarEntry) -> None:
    for one in known:
        is_closed = one.id > confirmed.id and one.state in (PUBLISHED, PRELIMINARY)
        is_about = one.product == confirmed.product and (
            EVERY_MARKET in (one.market, confirmed.market) or one.market == confirmed.market
        )
        overlaps = one.first_day <= confirmed.last_day and confirmed.first_day <= one.last_day
        if is_closed and is_about and overlaps:
            message = (
                f"Request {confirmed.confirms} was confirmed before, and days of it were closed "
                f"again: {one.first_day} to {one.last_day} by {one.actor}."
            )
            fix = "Ask anew: foreview reopen-period."
            raise RefusedError(
                Problem("closed-again", message, value=str(confirmed.confirms), fix=fix)
            )


def _insert(
    connection: Connection, at: str, known: list[CalendarEntry], values: dict[str, Any]
) -> CalendarEntry:
    row = {**values, "id": max((one.id for one in known), default=0) + 1, "at": at}
    view = "reopenings" if values["state"] in (REOPENING, OPEN) else "closings"
    connection.execute(schema.through(view, schema.CALENDAR, connection).insert(), row)
    payload = {"record": "calendar", **row}
    events.append(connection, at, values["actor"], "calendar-recorded", payload, row)
    return CalendarEntry(**row)
