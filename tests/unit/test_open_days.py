"""Edits from the first open day on: no day before it is touched, later ones are as asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbook_editing import STATION, station

from foreview.changes import Action, Edit, State, apply, changes_of, identity_of, make_state
from foreview.contract import BEGINNING
from foreview.errors import RefusedError
from foreview.open_days import first_open_day, on_open_days
from foreview.periods import PRELIMINARY, PUBLISHED
from foreview.registry.records import CalendarEntry

DAYS = [f"2026-05-{number:02}" for number in range(1, 9)]
FIRST = DAYS[4]


def entry(number: int, product: str, last_day: str, state: str = PUBLISHED) -> CalendarEntry:
    return CalendarEntry(number, product, "*", DAYS[0], last_day, state, "", None, "ana", "now")


def test_the_first_open_day_is_after_the_last_published_one_of_any_product() -> None:
    closed = [entry(1, "a", DAYS[2]), entry(2, "b", DAYS[3]), entry(3, "c", DAYS[6], PRELIMINARY)]
    assert first_open_day(closed, {}, 7) == FIRST
    # The first of May was a Friday: the week that began on 27 April ends on the third; an airing of
    # the fourth is watched until the eleventh.
    assert first_open_day([entry(1, "weekly", DAYS[0])], {"weekly": "week"}, 6) == DAYS[3]
    assert (
        first_open_day([entry(1, "programme", DAYS[3])], {"programme": "airing"}, 7) == "2026-05-12"
    )
    assert first_open_day([entry(1, "short", DAYS[4])], {"short": "airing"}, 6) == "2026-05-12"
    with pytest.raises(RefusedError, match="all days are open"):
        first_open_day([entry(1, "c", DAYS[6], PRELIMINARY)], {}, 7)
    for period in ("day", "week"):
        with pytest.raises(RefusedError, match="d, 2026-05-01 to 9999-12-31, is published"):
            first_open_day([*closed, entry(4, "d", "9999-12-31")], {"d": period}, 7)


def on(state: State, key: str, day: str) -> Any:
    """Return the name that holds on a day, or None."""
    for identity, row in state.items():
        end = row["valid_to"]
        if identity[0] == key and identity[1] <= day and (end is None or day < end):
            return row["station_name"]
    return None


@given(st.data())
def test_days_before_stay_and_days_after_are_as_the_plain_edit_makes_them(
    data: st.DataObject,
) -> None:
    draw = data.draw
    start = draw(st.sampled_from([BEGINNING, *DAYS[:6]]))
    ends = [one for one in (*DAYS[1:], None) if one is None or one > start]
    row = station(
        "KABC", station_name="old", valid_from=start, valid_to=draw(st.sampled_from(ends))
    )
    state = make_state(STATION, [row])
    identity = identity_of(STATION, row)
    action = draw(
        st.sampled_from([*(one for one in Action if "code" not in one and one != "merge")])
    )
    day = draw(st.sampled_from(DAYS)) if action in (Action.CHANGE_FROM, Action.RETIRE) else None
    new = {"station_name": "new"}
    if action is Action.INSERT:
        begins = draw(st.sampled_from([BEGINNING, *DAYS[:6]]))
        edit = Edit(action, values=station("KNEW", station_name="new", valid_from=begins))
    else:
        values = new if action in (Action.CORRECT, Action.CHANGE_FROM) else {}
        edit = Edit(action, identity, values, row, day)
    plain, wrong = changes_of(STATION, edit, state)
    shifted, problems = on_open_days([edit], FIRST)
    assert not problems
    changes, refused = changes_of(STATION, shifted[0], state)
    if wrong or refused:  # the row ends before, or the day is outside of it
        assert wrong or row["valid_to"] is None or row["valid_to"] <= max(FIRST, day or FIRST)
        return
    asked, found = (apply(state, one)[0] for one in (plain, changes))
    for key in ("KABC", "KNEW"):
        for one in (BEGINNING, *DAYS):
            expected = on(state if one < FIRST else asked, key, one)
            assert on(found, key, one) == expected, (key, one)


def test_a_row_s_own_days_are_not_moved_from_a_day_on() -> None:
    row = station("KABC")
    edit = Edit(Action.CORRECT, identity_of(STATION, row), {"valid_to": DAYS[6]}, row)
    edits, problems = on_open_days([edit], FIRST)
    assert (edits, [one.rule for one in problems]) == ([], ["day-outside-row"])


def test_a_later_row_is_not_moved_into_published_days() -> None:
    row = station("KABC", valid_from=DAYS[6])
    identity = identity_of(STATION, row)
    early, open_ = (
        Edit(Action.CORRECT, identity, {"valid_from": day}, row) for day in (BEGINNING, FIRST)
    )
    edits, problems = on_open_days([early, open_], FIRST)
    assert (edits, [one.rule for one in problems]) == ([open_], ["day-outside-row"])
    merger = Edit(Action.MERGE, identity, {"station_id": "KNEW"}, row, DAYS[0])
    assert on_open_days([merger], FIRST) == ([replace(merger, day=FIRST)], [])
