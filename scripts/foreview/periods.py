"""The publication calendar, pure: which days of which product are published, and so held.

Entries are kept in order and never changed; what counts for a day is the last entry about it. One
about the whole product (market `*`) counts before all earlier ones about its markets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from foreview.contract import canonical_date
from foreview.errors import Problem, RefusedError

if TYPE_CHECKING:
    from foreview.registry.records import CalendarEntry

OPEN, PRELIMINARY, PUBLISHED, REOPENING = "open", "preliminary", "published", "reopening"
EVERY_MARKET = "*"


def reason_problem(reason: str, codes: Mapping[str, str]) -> Problem | None:
    """Return what is wrong with the reason of a restatement: it is a code, or `CODE: more`.

    Args:
        reason: What was given.
        codes: What each code means; without any, every text is a reason.
    """
    valid = "; ".join(f"{code} ({meaning})" for code, meaning in codes.items())
    if not reason:
        message = "Restating published figures takes a reason code."
        fix = f"Give --reason{f' with one of: {valid}' if valid else ''}."
        return Problem("no-reason", message, fix=fix)
    if codes and reason.partition(":")[0].strip() not in codes:
        message = f"{reason!r} is no reason code."
        fix = f"Use one of: {valid}. More can follow after a colon."
        return Problem("unknown-reason", message, value=reason, fix=fix)
    return None


@dataclass(frozen=True, order=True)
class Span:
    """Days of a product with one state; a market's own span counts before that of `*`.

    Attributes:
        product: A mart.
        market: A market's id, or `*`.
        first_day: The first day, `YYYY-MM-DD`.
        last_day: The last day.
        state: `open`, `preliminary` or `published`.
    """

    product: str
    market: str
    first_day: str
    last_day: str
    state: str

    def told(self) -> str:
        """Return the span as people say it."""
        market = "" if self.market == EVERY_MARKET else f", market {self.market}"
        days = self.first_day if self.first_day == self.last_day else ""
        return f"{self.product}{market}, {days or f'{self.first_day} to {self.last_day}'}"


def span_of(entry: CalendarEntry) -> Span:
    """Return what an entry is about, with its state."""
    return Span(entry.product, entry.market, entry.first_day, entry.last_day, entry.state)


def spans(entries: Iterable[CalendarEntry]) -> list[Span]:
    """Return the states that entries come to, as disjoint spans for each product and market.

    Days that are open for the whole product have no span; a market has one where its state is
    another than the product's.
    """
    by_product: dict[str, list[CalendarEntry]] = {}
    for entry in entries:
        if entry.state != REOPENING:  # asked for only
            by_product.setdefault(entry.product, []).append(entry)
    found = []
    for product, mine in sorted(by_product.items()):
        for first, end in itertools.pairwise(sorted(_edges(mine))):
            for market, state in _states(mine, first).items():
                found.append(Span(product, market, first, _before(end), state))
    return _joined(sorted(found))


def published_in(
    entries: Iterable[CalendarEntry], product: str, market: str, first_day: str, last_day: str
) -> Span | None:
    """Return the first day between two on which a product is published, or None.

    For a market what counts for it, its own state before the product's; for `*` any market.
    """
    mine = [one for one in entries if one.product == product and one.state != REOPENING]
    # Between two edges all days have one state.
    for day in sorted({first_day, *(one for one in _edges(mine) if first_day < one <= last_day)}):
        found = _states(mine, day)
        its = {market: found.get(market, found.get(EVERY_MARKET, OPEN))}
        for one, state in (found if market == EVERY_MARKET else its).items():
            if state == PUBLISHED:
                return Span(product, one, day, day, PUBLISHED)
    return None


def _edges(entries: Iterable[CalendarEntry]) -> set[str]:
    """Return the first day of each entry, and the day after its last."""
    return {day for one in entries for day in (one.first_day, _after(one.last_day))}


def _states(entries: Sequence[CalendarEntry], day: str) -> dict[str, str]:
    """Return what counts on a day: the product's state unless open, and markets that differ."""
    every, markets = OPEN, dict[str, str]()
    for entry in entries:
        if not entry.first_day <= day <= entry.last_day:
            continue
        if entry.market == EVERY_MARKET:
            every = entry.state
            markets.clear()
        else:
            markets[entry.market] = entry.state
    found = {market: state for market, state in markets.items() if state != every}
    return found if every == OPEN else {EVERY_MARKET: every, **found}


def _joined(found: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in found:
        last = joined[-1] if joined else None
        if (
            last is not None
            and (last.product, last.market, last.state) == (span.product, span.market, span.state)
            and _after(last.last_day) == span.first_day
        ):
            joined[-1] = Span(span.product, span.market, last.first_day, span.last_day, span.state)
        else:
            joined.append(span)
    return joined


def instant_of(text: str) -> datetime:
    """Return an instant, however ISO 8601 spells it, in UTC; one without a zone is in UTC.

    Raises:
        RefusedError: It is none, or out of the years 1 to 9999.
    """
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no instant."
        fix = "Write it in UTC, for example 2026-05-01 or 2026-05-01T04:00:00."
        raise RefusedError(Problem("no-instant", message, fix=fix)) from error


def day_problems(days: Iterable[str]) -> list[Problem]:
    """Return a problem for each text that is no day, `YYYY-MM-DD`: days are compared as text."""
    problems = []
    for day in days:
        try:
            canonical_date(day)
        except ValueError:
            message = f"{day!r} is no day."
            problems.append(Problem("not-a-date", message, value=day, fix="Write YYYY-MM-DD."))
    return problems


def days_in(first_day: str, last_day: str) -> list[str]:
    """Return the days of a span, both ends included."""
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    return [str(first + timedelta(days=number)) for number in range((last - first).days + 1)]


_LAST = str(date.max)
_AFTER_ALL = "9999-12-32"
"""No day, but after the last one that there is: days are compared as text."""


def _after(day: str) -> str:
    return _AFTER_ALL if day == _LAST else str(date.fromisoformat(day) + timedelta(days=1))


def _before(day: str) -> str:
    return _LAST if day == _AFTER_ALL else str(date.fromisoformat(day) - timedelta(days=1))
