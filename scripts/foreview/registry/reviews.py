"""Preview records and reviews in the registry, and the rules of who may decide what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from foreview.errors import Problem, RefusedError
from foreview.registry import events, promotions, proposals, schema
from foreview.registry.records import Receipt, Review, canonical

RULE = "(rule)"
"""The reviewer where a table's rules approve; no person's name has brackets."""

DECISIONS = ("approve", "send-back", "reject", "withdraw")

_ALLOWED_FROM = {
    "approve": ("pending",),
    "send-back": ("pending", "approved"),
    "reject": ("pending", "approved", "sent-back"),
    "withdraw": ("pending", "approved", "sent-back"),
}


def record_receipt(connection: Connection, at: str, actor: str, receipt: Mapping[str, Any]) -> bool:
    """Record a receipt; return False when it is there already, which makes it the newest again."""
    ids = sorted({proposals.find(connection, one) for one in receipt["change_set_ids"]})
    values = {
        "checksum": receipt["checksum"],
        "change_set_ids": canonical(ids),
        "base_release": receipt["base_release"],
        "horizon_day": receipt["horizon_day"],
        "horizon_batch": receipt["horizon_batch"],
        "content": canonical(receipt["content"]),
    }
    table = schema.RECEIPTS
    known = connection.execute(
        sa.select(table).where(table.c.checksum == receipt["checksum"])
    ).first()
    if known is not None:
        # Whom it takes to agree may be another by now; what the figures are may not.
        asked, found = (
            {**one, "content": {**json.loads(one["content"]), "review": None}}
            for one in (values, known._mapping)
        )
        differing = [name for name, value in asked.items() if found[name] != value]
        if differing:
            message = f"Preview record {receipt['checksum'][:16]} is there with other contents."
            fix = f"Preview again; what differs is {', '.join(differing)}."
            raise RefusedError(Problem("receipt-differs", message, fix=fix))
        newest = latest_receipt(connection, ids)
        if newest is not None and newest.checksum != known.checksum:  # all is as it was before that
            payload = {"receipt": known.checksum, "change_sets": ids}
            events.append(connection, at, actor, REPEATED, payload)
        return False
    row = {**values, "created_at": at}
    connection.execute(table.insert(), row)
    payload = {"record": "receipts", "id": receipt["checksum"], "change_sets": ids}
    events.append(connection, at, actor, "receipt-recorded", payload, row)
    return True


def receipt(connection: Connection, checksum: str) -> Receipt | None:
    """Return a receipt by its whole checksum."""
    table = schema.RECEIPTS
    row = connection.execute(sa.select(table).where(table.c.checksum == checksum)).first()
    return None if row is None else _receipt_of(row)


def receipts(connection: Connection) -> list[Receipt]:
    """Return all receipts in the order of recording."""
    table = schema.RECEIPTS
    query = sa.select(table).order_by(table.c.created_at, table.c.checksum)
    return [_receipt_of(row) for row in connection.execute(query)]


def latest_receipt(connection: Connection, ids: Iterable[str]) -> Receipt | None:
    """Return the newest receipt of exactly these change sets, the one that was last come to."""
    table = schema.RECEIPTS
    found = sorted({proposals.find(connection, one) for one in ids})
    query = sa.select(table).where(table.c.change_set_ids == canonical(found))
    row = connection.execute(query.order_by(table.c.created_at.desc()).limit(1)).first()
    if row is None:
        return None
    for one in reversed(events.read(connection, REPEATED)):
        if one.payload["change_sets"] == found and one.at >= row.created_at:
            return receipt(connection, one.payload["receipt"])
    return _receipt_of(row)


REPEATED = "receipt-repeated"
"""The kind of the event that a preview came to what an earlier one did, and not the newest."""


def _receipt_of(row: Row[Any]) -> Receipt:
    plain = dict(row._mapping)
    plain["change_set_ids"] = tuple(json.loads(row.change_set_ids))
    plain["content"] = json.loads(row.content)
    return Receipt(**plain)


def record_review(connection: Connection, at: str, review: Mapping[str, Any]) -> Review:
    """Record a decision, if the rules allow it."""
    change_set_id = proposals.find(connection, review["change_set_id"])
    _check_decision(connection, {**review, "change_set_id": change_set_id})
    if review["decision"] == "approve":
        review = {**review, "decision": _agreed(connection, change_set_id, review)}
    values = {
        "change_set_id": change_set_id,
        "reviewer": review["reviewer"],
        "decision": review["decision"],
        "receipt_checksum": review["receipt_checksum"],
        "contracts": canonical(review["contracts"]),
        "comment": review["comment"],
        "cells": canonical(review["cells"]) if review["cells"] else None,
        "created_at": at,
    }
    table = schema.REVIEWS
    number = (connection.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1
    row = {"id": number, **values}
    connection.execute(_place_of(row, connection).insert(), row)
    plain = {"contracts": dict(review["contracts"]), "cells": review["cells"]}
    payload = {"record": "reviews", **row, **plain}
    kind = f"change-set-{review['decision']}"
    events.append(connection, at, review["reviewer"], kind, payload, row)
    return Review(**{**row, **plain})


def _place_of(row: Mapping[str, Any], connection: Connection) -> sa.TableClause:
    """Return where a review is added: what not only reviewers record has a view of its own."""
    if row["decision"] == "withdraw":
        return schema.through("withdrawals", schema.REVIEWS, connection)
    if row["reviewer"] == RULE:
        return schema.through("rulings", schema.REVIEWS, connection)
    return schema.REVIEWS


def _agreed(connection: Connection, change_set_id: str, review: Mapping[str, Any]) -> str:
    """Return `approve` when enough people agree to a receipt, else `agree`."""
    found = receipt(connection, review["receipt_checksum"])
    needed = found.content.get("review", {}).get("reviewers", 1) if found else 1
    agreed: set[str] = set()
    for one in reviews(connection, change_set_id):
        is_same = one.receipt_checksum == review["receipt_checksum"]
        agreed = (
            agreed | {one.reviewer.casefold()} if is_same and one.decision == "agree" else set()
        )
    if review["reviewer"].casefold() in agreed:
        message = f"{review['reviewer']} agreed to change request {change_set_id} already."
        fix = f"{needed - len(agreed)} more have to: ask somebody else."
        raise RefusedError(Problem("agreed-already", message, value=review["reviewer"], fix=fix))
    return "approve" if len(agreed) + 1 >= needed else "agree"


def _check_decision(connection: Connection, review: Mapping[str, Any]) -> None:
    one, decision, reviewer = review["change_set_id"], review["decision"], review["reviewer"]
    if decision not in DECISIONS:
        raise ValueError(f"{decision!r} is none of {', '.join(DECISIONS)}")
    running = promotions.steps(connection, promotions.latest(connection) + 1)
    if running and one in running[0].detail["change_sets"]:
        message = f"Change request {one} is being put into effect; it can't be decided on now."
        fix = "Finish that: foreview promote --resume. Or give it up: foreview promote --abandon."
        raise RefusedError(Problem("promotion-unfinished", message, value=one, fix=fix))
    state = proposals.status(connection, one)
    is_renewed = state == "approved" and decision == "approve" and _is_newer(connection, review)
    if state not in _ALLOWED_FROM[decision] and not is_renewed:
        message = f"Change request {one} is {state}; it can't be {_PAST[decision]} any more."
        raise RefusedError(Problem("not-pending", message, value=state, fix=_NOT_PENDING[state]))
    table = schema.CHANGE_SETS
    author = connection.scalar(sa.select(table.c.author).where(table.c.id == one)) or ""
    is_author = author.casefold() == reviewer.casefold()
    if decision == "withdraw" and not is_author:
        message = f"Change request {one} was made by {author}, and only {author} may withdraw it."
        fix = "Reject it instead, or ask the author."
        raise RefusedError(Problem("not-author", message, value=reviewer, fix=fix))
    if decision in ("approve", "send-back") and is_author:
        message = f"{author} made change request {one} and can't {_VERB[decision]} too."
        fix = "Ask somebody else to review it, or withdraw it."
        raise RefusedError(Problem("own-change-set", message, value=reviewer, fix=fix))
    if decision == "approve":
        _check_receipt(connection, one, review["receipt_checksum"])


def _is_newer(connection: Connection, review: Mapping[str, Any]) -> bool:
    """Return whether an approval is of another preview or other rules than the standing one."""
    last = approval(connection, review["change_set_id"])
    return last is not None and (last.receipt_checksum, dict(last.contracts)) != (
        review["receipt_checksum"],
        dict(review["contracts"]),
    )


_PAST = {
    "approve": "approved",
    "send-back": "sent back",
    "reject": "rejected",
    "withdraw": "withdrawn",
}
_VERB = {"approve": "approve it", "send-back": "send it back"}

_NOT_PENDING = {
    "approved": "Nothing is left to do but to put it into effect.",
    "sent-back": "Its author mends the workbook and submits it with --replaces.",
    "rejected": "Submit a new change request.",
    "withdrawn": "Submit a new change request.",
    "promoted": "Propose a rollback of its release instead.",
}


def _check_receipt(connection: Connection, change_set_id: str, checksum: str | None) -> None:
    fix = "Preview the change request, look at the report, and approve then."
    found = receipt(connection, checksum) if checksum else None
    if found is None:
        message = f"Change request {change_set_id} can't be approved without a preview record."
        raise RefusedError(Problem("no-receipt", message, value=checksum or "", fix=fix))
    if change_set_id not in found.change_set_ids:
        message = f"The preview record is of {', '.join(found.change_set_ids)} only."
        raise RefusedError(Problem("other-receipt", message, value=found.checksum, fix=fix))


def approval(connection: Connection, change_set_id: str) -> Review | None:
    """Return the approval under which a change set stands or was promoted, or None."""
    one = proposals.find(connection, change_set_id)
    if proposals.status(connection, one) not in ("approved", "promoted"):
        return None
    found = [one for one in reviews(connection, one) if one.decision == "approve"]
    return found[-1] if found else None


VOIDED, RENEWED, APPROVED = "approval-voided", "receipt-renewed", "change-set-approve"
"""The kinds of the events after which an approval is void, or stands."""


def voided(connection: Connection) -> dict[str, str]:
    """Return since when the approvals are void that are: of each, the newest event says so."""
    table = schema.EVENTS
    query = sa.select(table.c.kind, table.c.payload, table.c.at).order_by(table.c.sequence)
    found: dict[str, str] = {}
    for row in connection.execute(query.where(table.c.kind.in_((VOIDED, RENEWED, APPROVED)))):
        payload = json.loads(row.payload)
        id_ = payload["change_set_id" if row.kind == APPROVED else "change_set"]
        if row.kind == VOIDED:
            found[id_] = row.at
        else:
            found.pop(id_, None)
    return {id_: at for id_, at in found.items() if proposals.status(connection, id_) == "approved"}


def reviews(connection: Connection, change_set_id: str) -> list[Review]:
    """Return all decisions about a change set, oldest first."""
    table = schema.REVIEWS
    query = sa.select(table).where(table.c.change_set_id == change_set_id).order_by(table.c.id)
    return [
        Review(
            **{
                **row._mapping,
                "contracts": json.loads(row.contracts),
                "cells": json.loads(row.cells or "{}"),
            }
        )
        for row in connection.execute(query)
    ]
