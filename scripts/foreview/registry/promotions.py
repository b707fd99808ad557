"""Releases in the registry, and the recorded steps of the promotions that make them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from foreview.errors import Problem, RefusedError
from foreview.registry import events, proposals, schema
from foreview.registry.records import Release, Step, canonical

BEGUN, ABANDONED = "begun", "abandoned"
PROMOTION = "promotion"
"""The step that begins a promotion, and the one that gives it up."""


def latest(connection: Connection) -> int:
    """Return the newest release's number, 0 when there is none."""
    return int(connection.scalar(sa.select(sa.func.max(schema.RELEASES.c.number))) or 0)


def read(connection: Connection, number: int) -> Release:
    """Return a release.

    Raises:
        RefusedError: `unknown-release`.
    """
    table, placed = schema.RELEASES, schema.RELEASE_CHANGE_SETS
    row = connection.execute(sa.select(table).where(table.c.number == number)).first()
    if row is None:
        message = f"There is no reference version {number}."
        last = latest(connection)
        fix = f"Choose one from 1 to {last}." if last else "There are none yet."
        raise RefusedError(Problem("unknown-release", message, value=str(number), fix=fix))
    query = sa.select(placed.c.change_set_id).where(placed.c.release == number)
    rows = connection.execute(query.order_by(placed.c.position))
    return Release(**row._mapping, change_set_ids=tuple(one.change_set_id for one in rows))


def change_set_ids(
    connection: Connection, upto: int | None, dimension: str | None = None, since: int = 0
) -> list[str]:
    """Return the ids of change sets promoted after `since`, in the order of promotion."""
    placed, sets = schema.RELEASE_CHANGE_SETS, schema.CHANGE_SETS
    query = sa.select(placed.c.change_set_id).join(sets, sets.c.id == placed.c.change_set_id)
    query = query.where(placed.c.release > since)
    if upto is not None:
        query = query.where(placed.c.release <= upto)
    if dimension is not None:
        query = query.where(proposals.touching(dimension))
    rows = connection.execute(query.order_by(placed.c.release, placed.c.position))
    return [row.change_set_id for row in rows]


def record(connection: Connection, at: str, release: Release) -> Release:
    """Record a release, if the rules allow it; `promoted_at` is set to `at`."""
    ids = _check_change_sets(connection, release.change_set_ids, release.kind)
    following = latest(connection) + 1
    if release.number != following:
        message = f"Reference version {release.number} can't be recorded: {following} is next."
        fix = "Somebody else put a change into effect meanwhile; preview and promote again."
        raise RefusedError(Problem("release-number", message, value=str(release.number), fix=fix))
    values: dict[str, Any] = {
        "number": release.number,
        "publication": release.publication,
        "kind": release.kind,
        "promoted_by": release.promoted_by,
        "promoted_at": at,
    }
    connection.execute(schema.RELEASES.insert(), values)
    connection.execute(
        schema.RELEASE_CHANGE_SETS.insert(),
        [
            {"release": release.number, "position": position, "change_set_id": one}
            for position, one in enumerate(ids)
        ],
    )
    payload = {"record": "releases", "id": release.number, **values, "change_sets": ids}
    events.append(connection, at, release.promoted_by, "release-recorded", payload, values)
    return Release(**values, change_set_ids=tuple(ids))


def _check_change_sets(connection: Connection, given: Sequence[str], kind: str) -> list[str]:
    ids = list(dict.fromkeys(proposals.find(connection, one) for one in given))
    if not ids:
        fix = "Name at least one."
        raise RefusedError(Problem("no-change-set", "No change request was named.", fix=fix))
    problems = [
        problem for one in ids if (problem := _state_problem(connection, one, kind)) is not None
    ]
    if problems:
        raise RefusedError(problems)
    return ids


def _state_problem(connection: Connection, one: str, kind: str) -> Problem | None:
    state = proposals.status(connection, one)
    if state == "promoted":
        message = f"Change request {one} is in effect already."
        return Problem("already-promoted", message, value=state, fix="Leave it out.")
    if state == "approved" or (kind == "baseline" and state == "pending"):
        return None
    message = f"Change request {one} is {state}, not approved."
    fix = "Have it reviewed first." if state == "pending" else "Submit a new one."
    return Problem("not-approved", message, value=state, fix=fix)


def begin(
    connection: Connection, at: str, actor: str, ids: Sequence[str], kind: str, detail: Any
) -> int:
    """Begin the next release's promotion, or take up the unfinished one of the same change sets."""
    checked = _check_change_sets(connection, ids, kind)
    number = latest(connection) + 1
    running = steps(connection, number)
    if running:
        begun = running[0].detail["change_sets"]
        if begun == checked:
            return number
        message = f"Reference version {number} is being put into effect, from {', '.join(begun)}."
        fix = "Finish it first: foreview promote --resume. Or give it up: --abandon."
        raise RefusedError(Problem("promotion-unfinished", message, fix=fix))
    full = {**detail, "change_sets": checked, "kind": kind}
    record_step(connection, at, actor, (number, PROMOTION, BEGUN), full)
    return number


def record_step(
    connection: Connection,
    at: str,
    actor: str,
    step: tuple[int, str, str],
    detail: Mapping[str, Any],
) -> Step:
    """Record a promotion's step, given as release, name and state."""
    release, name, state = step
    if name != PROMOTION and not steps(connection, release):
        message = f"No promotion of reference version {release} has begun."
        fix = "Begin it with foreview promote."
        raise RefusedError(Problem("promotion-not-begun", message, value=str(release), fix=fix))
    table = schema.PROMOTION_STEPS
    number = (connection.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1
    text = canonical(detail)
    values: dict[str, Any] = {
        "id": number,
        "release": release,
        "step": name,
        "state": state,
        "at": at,
    }
    row = {**values, "detail": text}
    connection.execute(table.insert(), row)
    payload = {"record": "promotion_steps", **values, "detail": detail}
    events.append(connection, at, actor, "promotion-step", payload, row)
    return Step(number, release, name, state, json.loads(text), at)


def steps(connection: Connection, release: int) -> list[Step]:
    """Return the steps of a release's last attempt in order; none when it was abandoned."""
    table = schema.PROMOTION_STEPS
    query = sa.select(table).where(table.c.release == release).order_by(table.c.id)
    found: list[Step] = []
    for row in connection.execute(query):
        step = Step(**{**row._mapping, "detail": json.loads(row.detail)})
        if step.step == PROMOTION:
            found = []
        if (step.step, step.state) != (PROMOTION, ABANDONED):
            found.append(step)
    return found
