"""The registry: one database, and what can be recorded in it and asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from foreview import changes
from foreview.changes import ChangeSet, Identity, Row
from foreview.errors import EngineError, Problem
from foreview.registry import calendar, events, promotions, proposals, reviews
from foreview.registry.database import Database, retried
from foreview.registry.records import (
    CalendarEntry,
    ChangeSetSummary,
    Event,
    HistoryEntry,
    Receipt,
    Release,
    Review,
    Step,
    instant,
)

ERASURE_BEGUN, ERASURE_DONE = "erasure-begun", "household-erased"
"""The kinds of the events of a household's erasure."""


@retried
class Registry:
    """Change sets, preview records, reviews, releases, promotion steps and the log of events.

    Each recording method is one transaction: what it records and its event, or neither. Ids of
    change sets may be given as any beginning that fits only one. All methods raise `EngineError`
    when the database fails, and `RefusedError` when the rules say no.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        columns: Callable[[str], Sequence[str]] = lambda dimension: (),
        actor: str = "",
    ) -> None:
        """Open the registry and bring its tables up to date.

        Args:
            url: An SQLAlchemy URL, for example `sqlite:////data/registry.db`.
            clock: Gives the present instant, with a time zone.
            columns: Gives the columns that a dimension's approved rows have, blank in those that
                were recorded before a column was added.
            actor: Who connects to a server whose URL names nobody.
        """
        self._database = Database(url, actor)
        self._clock = clock
        self._columns = columns

    def _now(self) -> str:
        return instant(self._clock())

    # Change sets

    def record_change_set(self, change_set: ChangeSet) -> bool:
        """Record a change set; return False when the same content is there already."""
        with self._database.writing() as connection:
            return proposals.record(connection, self._now(), change_set)

    def change_set(self, id_or_prefix: str) -> ChangeSet:
        """Return a change set; rules `unknown-change-set`, `ambiguous-change-set`."""
        with self._database.reading() as connection:
            return proposals.load(connection, [proposals.find(connection, id_or_prefix)])[0]

    def change_sets(self) -> list[ChangeSetSummary]:
        """Return a summary of every change set in the order of recording."""
        with self._database.reading() as connection:
            return proposals.summaries(connection)

    def status(self, id_or_prefix: str) -> str:
        """Return `pending`, `approved`, `sent-back`, `rejected`, `withdrawn` or `promoted`."""
        with self._database.reading() as connection:
            return proposals.status(connection, proposals.find(connection, id_or_prefix))

    def pending(self, dimension: str | None = None) -> list[ChangeSet]:
        """Return the change sets that may still be promoted, those approved included.

        Args:
            dimension: Only those that change this dimension.
        """
        with self._database.reading() as connection:
            return proposals.load(connection, proposals.open_ids(connection, dimension))

    def history(self, dimension: str, key: str | Sequence[str]) -> list[HistoryEntry]:
        """Return every change of a key: the promoted in their order, then the others.

        Args:
            dimension: The key's dimension.
            key: The key's value, or its values when the key has several columns.
        """
        parts = (key,) if isinstance(key, str) else key
        with self._database.reading() as connection:
            return list(proposals.history(connection, dimension, parts))

    # Preview records and reviews

    def record_receipt(self, receipt: Mapping[str, Any], *, actor: str) -> bool:
        """Record a receipt; return False when it is there already.

        Args:
            receipt: `checksum`, `change_set_ids`, `base_release`, `horizon_day`, `horizon_batch`,
                and `content`, a mapping of JSON values and decimals.
            actor: Who made it.
        """
        with self._database.writing() as connection:
            return reviews.record_receipt(connection, self._now(), actor, receipt)

    def receipt(self, checksum: str) -> Receipt | None:
        """Return a receipt by its whole checksum."""
        with self._database.reading() as connection:
            return reviews.receipt(connection, checksum)

    def receipts(self) -> list[Receipt]:
        """Return all receipts in the order of recording."""
        with self._database.reading() as connection:
            return reviews.receipts(connection)

    def latest_receipt(self, ids: Iterable[str]) -> Receipt | None:
        """Return the newest receipt of exactly these change sets, in any order."""
        with self._database.reading() as connection:
            return reviews.latest_receipt(connection, ids)

    def record_review(
        self,
        change_set_id: str,
        reviewer: str,
        decision: str,
        *,
        receipt_checksum: str | None = None,
        contracts: Mapping[str, str] | None = None,
        comment: str = "",
        cells: Mapping[str, str] | None = None,
    ) -> Review:
        """Record a decision: `approve`, `send-back`, `reject` or `withdraw`.

        Where the receipt asks for several reviewers, approving is recorded as `agree` until there
        are as many; the change set stays pending so long.

        Rules: `not-pending` (approving asks for a pending change set, or for another preview or
        other rules than were approved; sending back for a pending or approved one; the others
        for one that was sent back too),
        `own-change-set`, `not-author`, `no-receipt`, `other-receipt`, `agreed-already`,
        `promotion-unfinished`.
        """
        review = {
            "change_set_id": change_set_id,
            "reviewer": reviewer,
            "decision": decision,
            "receipt_checksum": receipt_checksum,
            "contracts": contracts or {},
            "comment": comment,
            "cells": dict(cells or {}),
        }
        with self._database.writing() as connection:
            return reviews.record_review(connection, self._now(), review)

    def reviews(self, change_set_id: str) -> list[Review]:
        """Return all decisions about a change set, oldest first."""
        with self._database.reading() as connection:
            return reviews.reviews(connection, proposals.find(connection, change_set_id))

    def approval(self, change_set_id: str) -> Review | None:
        """Return the approval under which a change set stands or was promoted."""
        with self._database.reading() as connection:
            return reviews.approval(connection, change_set_id)

    def voided(self) -> dict[str, str]:
        """Return since when the approvals are void that are known to be, by change set."""
        with self._database.reading() as connection:
            return reviews.voided(connection)

    def approvers(self, change_set_id: str) -> tuple[str, ...]:
        """Return all who agreed to what a change set was approved by, in their order."""
        with self._database.reading() as connection:
            return proposals.approvers(connection).get(change_set_id, ())

    # Releases

    def latest_release(self) -> int:
        """Return the newest release's number, 0 when there is none."""
        with self._database.reading() as connection:
            return promotions.latest(connection)

    def next_release(self) -> int:
        """Return the number that the next release will have."""
        return self.latest_release() + 1

    def record_release(
        self,
        number: int,
        change_set_ids: Sequence[str],
        *,
        kind: str,
        publication: int,
        actor: str,
    ) -> Release:
        """Record a release, which puts its change sets into effect in their order.

        Args:
            number: What `next_release` said.
            change_set_ids: Approved change sets, or for a baseline pending ones too.
            kind: `baseline` or `promotion`.
            publication: The publication through which readers see it.
            actor: Who promotes.
        """
        with self._database.writing() as connection:
            at = self._now()
            wanted = Release(number, publication, kind, actor, at, tuple(change_set_ids))
            return promotions.record(connection, at, wanted)

    def release(self, number: int) -> Release:
        """Return a release; rule `unknown-release`."""
        with self._database.reading() as connection:
            return promotions.read(connection, number)

    def release_change_sets(self, upto: int | None = None, since: int = 0) -> list[ChangeSet]:
        """Return promoted change sets after a release, up to one, in the order of promotion."""
        with self._database.reading() as connection:
            ids = promotions.change_set_ids(connection, upto, since=since)
            return proposals.load(connection, ids)

    def approved_rows(
        self, dimension: str, release: int | None = None
    ) -> tuple[dict[Identity, Row], dict[Identity, str]]:
        """Return a dimension's rows at a release, and the change set that each row last came from.

        Args:
            dimension: The dimension.
            release: The release; None for the newest.
        """
        with self._database.reading() as connection:
            ids = promotions.change_set_ids(connection, release, dimension)
            promoted = proposals.load(connection, ids)
        try:
            rows, last = changes.replay(promoted, dimension)
        except ValueError as error:
            message = f"The approved rows of {dimension} can't be rebuilt: {error}"
            fix = "Run foreview verify, and compare the registry with a backup."
            raise EngineError(Problem("registry-tampered", message, fix=fix)) from error
        blank = dict.fromkeys(self._columns(dimension))
        return {identity: {**blank, **row} for identity, row in rows.items()}, last

    # Promotions

    def begin_promotion(
        self,
        change_set_ids: Sequence[str],
        *,
        actor: str,
        kind: str = "promotion",
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Begin a promotion and return its release's number.

        The unfinished promotion of the same change sets is taken up again; one of others is
        refused with `promotion-unfinished`.
        """
        with self._database.writing() as connection:
            at = self._now()
            return promotions.begin(connection, at, actor, change_set_ids, kind, detail or {})

    def record_step(
        self,
        release: int,
        step: str,
        state: str,
        *,
        actor: str,
        detail: Mapping[str, Any] | None = None,
    ) -> Step:
        """Record that a promotion's step came to a state, for example `started` or `done`."""
        with self._database.writing() as connection:
            named = (release, step, state)
            return promotions.record_step(connection, self._now(), actor, named, detail or {})

    def abandon_promotion(self, release: int, *, actor: str) -> Step:
        """Record that the unfinished promotion was given up and its marks were removed."""
        named = (release, promotions.PROMOTION, promotions.ABANDONED)
        with self._database.writing() as connection:
            return promotions.record_step(connection, self._now(), actor, named, {})

    def steps(self, release: int) -> list[Step]:
        """Return the steps of a release's last attempt; none when it was abandoned."""
        with self._database.reading() as connection:
            return promotions.steps(connection, release)

    def unfinished_promotion(self) -> Step | None:
        """Return the step that began a promotion which neither ended nor was abandoned.

        Its `release` is the number, its `detail["change_sets"]` what is promoted.
        """
        with self._database.reading() as connection:
            running = promotions.steps(connection, promotions.latest(connection) + 1)
            return running[0] if running else None

    def unfinished_erasures(self) -> dict[int, Mapping[str, Any]]:
        """Return what each erasure that was begun and has not ended had found, by household."""
        begun = {one.payload["household"]: one for one in self.events(ERASURE_BEGUN)}
        ended = {one.payload["household"]: one.sequence for one in self.events(ERASURE_DONE)}
        return {
            household: one.payload
            for household, one in begun.items()
            if one.sequence > ended.get(household, 0)
        }

    # The publication calendar

    def record_calendar(
        self,
        product: str,
        market: str,
        first_day: str,
        last_day: str,
        state: str,
        *,
        reason: str,
        actor: str,
    ) -> CalendarEntry:
        """Record that days of a product are `preliminary` or `published`, or asked to reopen.

        Rules: `period-published` (published days become preliminary only by reopening them).
        """
        values = {
            "product": product,
            "market": market,
            "first_day": first_day,
            "last_day": last_day,
            "state": state,
            "reason": reason,
            "confirms": None,
            "actor": actor,
        }
        with self._database.writing() as connection:
            return calendar.record(connection, self._now(), values)

    def confirmation(self, entry: int, *, actor: str) -> CalendarEntry:
        """Return the entry with which a reopening is agreed to, recorded or not.

        Rules: `unknown-reopening`, `own-reopening` (somebody else confirms), `closed-again`.
        """
        with self._database.reading() as connection:
            return calendar.confirmation(connection, self._now(), entry, actor)

    def confirm_reopening(self, entry: int, *, actor: str) -> CalendarEntry:
        """Record that a reopening is agreed to; the same entry again when it was already.

        Rules: as `confirmation`.
        """
        with self._database.writing() as connection:
            return calendar.confirm(connection, self._now(), entry, actor)

    def calendar(self) -> list[CalendarEntry]:
        """Return all entries of the publication calendar in order."""
        with self._database.reading() as connection:
            return calendar.read(connection)

    # Events

    def record_event(self, actor: str, kind: str, payload: Mapping[str, Any]) -> Event:
        """Append an event that records nothing else, for example a refusal or an export."""
        with self._database.writing() as connection:
            return events.append(connection, self._now(), actor, kind, payload)

    def events(self, kind: str | None = None) -> list[Event]:
        """Return all events in order, or those of one kind."""
        with self._database.reading() as connection:
            return events.read(connection, kind)

    def head(self) -> tuple[int, str]:
        """Return the last event's number and hash; (0, "") before the first."""
        with self._database.reading() as connection:
            return events.head(connection)

    def event_hash(self, sequence: int) -> str:
        """Return an event's hash; "" where there is none."""
        with self._database.reading() as connection:
            return events.hash_of(connection, sequence)

    def verify_events(self) -> list[Problem]:
        """Return the first changed, dropped or reordered event; nothing when the log is whole."""
        with self._database.reading() as connection:
            return events.verify(connection)

    # Rights

    def administer(self, statements: Sequence[str]) -> None:
        """Run the statements that `rights` gives, on a server, as somebody who may grant."""
        self._database.administer(statements)
