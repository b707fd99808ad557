"""What lies after the last day with viewing: no preview can show it, so nothing passes unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_changes import column, contract_of

from foreview.changes import Action, Change, Kind, Row
from foreview.contract import BEGINNING, Interval
from foreview.horizon import later_days, unseen_days
from foreview.viewing import BroadcastCalendar

LAST = "2026-04-05"
CALENDAR = BroadcastCalendar("America/New_York", "05:00")
PLAIN = contract_of("station", column("station_id"))
EVENTS = replace(
    contract_of("airing", column("airing_id"), column("starts_at"), column("ends_at")),
    interval=Interval((), "starts_at", "ends_at"),
)


def change(kind: Kind, start: str, before: Row, after: Row, of: str = "station") -> Change:
    return Change(of, kind, ("X", start), before, after, Action.CORRECT)


def unseen(one: Change, **row: str) -> list[str]:
    states = {"airing": {one.identity: row}}
    return unseen_days([one], LAST, CALENDAR, {"station": PLAIN, "airing": EVENTS}, states)


@pytest.mark.parametrize(
    ("one", "days"),
    [
        (change(Kind.MODIFIED, BEGINNING, {"n": "a"}, {"n": "b"}), []),
        (change(Kind.ADDED, LAST, {}, {"valid_from": LAST, "valid_to": None}), []),
        (change(Kind.ADDED, "2026-04-06", {}, {"valid_from": "2026-04-06"}), ["2026-04-06"]),
        (change(Kind.MODIFIED, "2026-05-01", {"n": "a"}, {"n": "b"}), ["2026-05-01"]),
        (change(Kind.REMOVED, "2026-05-01", {"valid_from": "2026-05-01"}, {}), ["2026-05-01"]),
        (
            change(Kind.MODIFIED, BEGINNING, {"valid_to": None}, {"valid_to": "2026-05-01"}),
            ["2026-05-01"],
        ),
        (
            change(Kind.MODIFIED, BEGINNING, {"valid_to": "2026-05-01"}, {"valid_to": None}),
            ["2026-05-01"],
        ),
    ],
)
def test_a_row_that_begins_or_ends_later_has_a_day_that_nobody_was_shown(
    one: Change, days: list[str]
) -> None:
    assert unseen(one) == days


@pytest.mark.parametrize(
    ("instant", "is_unseen"),
    [
        ("2026-04-05 20:00:00", False),
        ("2026-04-06 08:59:59", False),  # the night of 5 April, which ends at five in New York
        ("2026-04-06 09:00:00", True),
    ],
)
def test_an_airing_of_a_later_day_is_unseen_though_its_row_holds_from_the_beginning(
    instant: str, is_unseen: bool
) -> None:
    renamed = change(Kind.MODIFIED, BEGINNING, {"programme": "a"}, {"programme": "b"}, "airing")
    moved = change(Kind.MODIFIED, BEGINNING, {"starts_at": instant}, {"starts_at": LAST}, "airing")
    added = change(Kind.ADDED, BEGINNING, {}, {"starts_at": instant}, "airing")
    assert bool(unseen(renamed, starts_at=instant)) == is_unseen
    assert bool(unseen(moved)) == is_unseen
    assert bool(unseen(added)) == is_unseen


def test_an_illustration_is_of_the_last_day_on_which_rows_begin_or_end_as_proposed() -> None:
    changes: list[Any] = [
        change(Kind.MODIFIED, BEGINNING, {"valid_to": "2026-06-01"}, {"valid_to": "2026-05-01"}),
        change(Kind.MODIFIED, "2026-04-20", {"n": "a"}, {"n": "b"}),
    ]
    assert later_days(changes, LAST) == ["2026-04-20", "2026-05-01"]
