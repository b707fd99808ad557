"""The laws of edits, changes and change sets, on random small states."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreview.changes import (
    Action,
    Change,
    ChangeSet,
    Edit,
    Identity,
    Kind,
    Row,
    State,
    apply,
    changes_of,
    diff,
    identity_of,
    make_state,
    rebase,
    replay,
    row_key,
)
from foreview.contract import BEGINNING, Contract, parse_contract
from foreview.row_rules import check_state, merged_intervals


def column(name: str, data_type: str = "string", tests: Sequence[Any] = ()) -> dict[str, Any]:
    return {"name": name, "data_type": data_type, "description": name, "data_tests": list(tests)}


def contract_of(dimension: str, *columns: dict[str, Any]) -> Contract:
    rules = {
        "label": dimension.capitalize(),
        "key": [columns[0]["name"]],
        "storage": "seed",
        "max_changed_share": 0.1,
        "max_changed_rows": 10,
    }
    model = {
        "name": f"stg_{dimension}",
        "description": "One row per key and interval.",
        "config": {"meta": {"contract": rules}},
        "columns": [*columns, column("valid_from", "date"), column("valid_to", "date")],
    }
    return parse_contract({"models": [model]})


PARENT = {"relationships": {"arguments": {"to": "ref('stg_network')", "field": "network_id"}}}
CHANNEL = contract_of(
    "channel",
    column("channel_id", tests=["not_null"]),
    column("name"),
    column("network", tests=[PARENT]),
)
DAYS = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]
VALUES = st.sampled_from([None, "x", "y", "z"])


def row(key: str, start: str, end: str | None, name: str | None, network: str | None) -> Row:
    return {
        "channel_id": key,
        "name": name,
        "network": network,
        "valid_from": start,
        "valid_to": end,
    }


@st.composite
def states(draw: st.DrawFn) -> State:
    rows = []
    for key in draw(st.sets(st.sampled_from("ABCD"), min_size=1)):
        cuts = [BEGINNING, *sorted(draw(st.sets(st.sampled_from(DAYS[::2]), max_size=2))), None]
        for start, end in itertools.pairwise(cuts):
            rows.append(row(key, str(start), end, draw(VALUES), draw(VALUES)))
    return make_state(CHANNEL, rows)


def other(draw: st.DrawFn, value: str | None) -> str | None:
    return draw(VALUES.filter(lambda one: one != value))


def draw_edit(draw: st.DrawFn, identity: Identity, base: Row) -> Edit:
    inside = [day for day in DAYS if base["valid_from"] < day < (base["valid_to"] or "9")]  # type: ignore[operator]
    actions = [Action.CORRECT, Action.DELETE]
    if inside:
        actions += [Action.CHANGE_FROM, Action.RETIRE]
    action = draw(st.sampled_from(actions))
    values = {}
    if action in (Action.CORRECT, Action.CHANGE_FROM):
        names = draw(st.sets(st.sampled_from(["name", "network"]), min_size=1))
        values = {name: other(draw, base[name]) for name in sorted(names)}
    day = draw(st.sampled_from(inside)) if action in (Action.CHANGE_FROM, Action.RETIRE) else None
    return Edit(action, identity, values, base, day)


@st.composite
def edited_states(draw: st.DrawFn) -> tuple[State, list[Change]]:
    state = draw(states())
    changes: list[Change] = []
    for identity in sorted(draw(st.sets(st.sampled_from(sorted(state)), min_size=1))):
        made, problems = changes_of(CHANNEL, draw_edit(draw, identity, state[identity]), state)
        assert problems == []
        changes += made
    for key in sorted(draw(st.sets(st.sampled_from("XY")))):
        values = row(key, BEGINNING, None, draw(VALUES), draw(VALUES))
        changes += changes_of(CHANNEL, Edit(Action.INSERT, values=values), state)[0]
    return state, changes


def value_on(state: State, key: str, name: str, day: str) -> str | None:
    found = [
        one[name]
        for identity, one in state.items()
        if identity[0] == key and identity[-1] <= day < (one["valid_to"] or "9")
    ]
    return found[0] if found else "no row"


def made(state: State, edit: Edit) -> list[Change]:
    changes, problems = changes_of(CHANNEL, edit, state)
    assert problems == []
    return changes


def change_set(*changes: Change, reason: str = "why", author: str = "anna") -> ChangeSet:
    return ChangeSet(
        author, reason, "edit", 1, "channel.xlsx", "0" * 64, {"channel": CHANNEL.hash}, changes
    )


@given(edited_states())
def test_taking_changes_back_restores_every_row(edited: tuple[State, list[Change]]) -> None:
    state, changes = edited
    after, conflicts = apply(state, changes)
    assert conflicts == []
    assert after != state
    assert apply(after, diff("channel", after, state)) == (state, [])


@given(edited_states())
def test_the_difference_of_two_states_is_the_edit_again(
    edited: tuple[State, list[Change]],
) -> None:
    state, changes = edited
    after, _ = apply(state, changes)
    assert apply(state, diff("channel", state, after)) == (after, [])


@given(edited_states())
def test_a_change_set_stands_as_it_is_while_nobody_else_edits(
    edited: tuple[State, list[Change]],
) -> None:
    state, changes = edited
    assert rebase(state, changes) == (changes, [])


@given(edited_states())
def test_the_same_edit_a_second_time_does_nothing(edited: tuple[State, list[Change]]) -> None:
    state, changes = edited
    after, _ = apply(state, changes)
    assert rebase(after, changes) == ([], [])


@given(edited_states())
def test_a_conflict_leaves_all_rows_as_they_were(edited: tuple[State, list[Change]]) -> None:
    state, changes = edited
    gone = ("A", "1999-01-01")
    doomed = Change("channel", Kind.MODIFIED, gone, {"name": "x"}, {"name": "y"}, Action.CORRECT)
    rows, conflicts = apply(state, [*changes, doomed])
    assert rows == state
    assert [one.change for one in conflicts] == [doomed]


@given(edited_states())
def test_an_edit_never_changes_the_rows_it_was_given(edited: tuple[State, list[Change]]) -> None:
    state, changes = edited
    before = json.dumps([[*identity, dict(one)] for identity, one in state.items()])
    apply(state, changes)
    assert json.dumps([[*identity, dict(one)] for identity, one in state.items()]) == before


@given(states(), st.data())
def test_two_authors_on_different_cells_both_land_in_any_order(
    state: State, data: st.DataObject
) -> None:
    identity = data.draw(st.sampled_from(sorted(state)))
    base = state[identity]
    name, network = other(data.draw, base["name"]), other(data.draw, base["network"])
    first = made(state, Edit(Action.CORRECT, identity, {"name": name}, base))
    second = made(state, Edit(Action.CORRECT, identity, {"network": network}, base))
    one, conflicts = apply(apply(state, first)[0], second)
    assert (apply(apply(state, second)[0], first)) == (one, conflicts)
    assert conflicts == []
    assert one[identity] == {**base, "name": name, "network": network}


@given(states(), st.data())
def test_the_second_author_on_a_cell_gets_a_conflict_that_shows_both_values(
    state: State, data: st.DataObject
) -> None:
    identity = data.draw(st.sampled_from(sorted(state)))
    base = state[identity]
    mine = other(data.draw, base["name"])
    theirs = data.draw(VALUES.filter(lambda one: one not in (mine, base["name"])))
    now, _ = apply(state, made(state, Edit(Action.CORRECT, identity, {"name": theirs}, base)))
    edit = Edit(Action.CORRECT, identity, {"name": mine}, base, cells={"name": "Channel!C5"})
    changes, (problem,) = changes_of(CHANNEL, edit, now)
    assert changes == []
    assert (problem.rule, problem.where) == ("conflict", "Channel!C5")
    assert repr(base["name"]) in problem.message
    assert repr(theirs) in problem.message
    assert problem.value == (mine or "")


def test_the_same_cell_with_the_same_value_is_no_conflict() -> None:
    state = make_state(CHANNEL, [row("A", BEGINNING, None, "x", "N")])
    identity, base = next(iter(state.items()))
    edit = Edit(Action.CORRECT, identity, {"name": "y", "network": "M"}, base)
    now, _ = apply(state, made(state, Edit(Action.CORRECT, identity, {"name": "y"}, base)))
    (change,) = made(now, edit)
    assert (change.before, change.after) == ({"network": "N"}, {"network": "M"})


@given(states(), st.data())
def test_a_change_from_a_day_keeps_the_days_before_and_changes_the_days_after(
    state: State, data: st.DataObject
) -> None:
    candidates = [
        (identity, day)
        for identity in sorted(state)
        for day in DAYS
        if identity[-1] < day < (state[identity]["valid_to"] or "9")
    ]
    identity, day = data.draw(st.sampled_from(candidates))
    value = other(data.draw, state[identity]["network"])
    edit = Edit(Action.CHANGE_FROM, identity, {"network": value}, state[identity], day)
    after, _ = apply(state, made(state, edit))
    end = state[identity]["valid_to"] or "9"
    for key in {one[0] for one in state}:
        for one_day in [BEGINNING, *DAYS, "2027-01-01"]:
            is_changed = key == identity[0] and day <= one_day < end
            expected = value if is_changed else value_on(state, key, "network", one_day)
            assert value_on(after, key, "network", one_day) == expected
            assert value_on(after, key, "name", one_day) == value_on(state, key, "name", one_day)
    assert len(after) == len(state) + 1


def test_a_change_from_a_day_keeps_what_somebody_else_corrected_meanwhile() -> None:
    state = make_state(CHANNEL, [row("A", BEGINNING, None, "x", "N")])
    identity, base = next(iter(state.items()))
    mine = made(state, Edit(Action.CHANGE_FROM, identity, {"network": "M"}, base, DAYS[2]))
    now, _ = apply(state, made(state, Edit(Action.CORRECT, identity, {"name": "y"}, base)))
    after, conflicts = apply(now, mine)
    assert conflicts == []
    assert after[("A", DAYS[2])] == row("A", DAYS[2], None, "y", "M")
    assert after[identity] == row("A", BEGINNING, DAYS[2], "y", "N")


def test_a_change_from_a_day_of_a_cell_that_somebody_else_corrected_is_a_conflict() -> None:
    state = make_state(CHANNEL, [row("A", BEGINNING, None, "x", "N")])
    identity, base = next(iter(state.items()))
    mine = made(state, Edit(Action.CHANGE_FROM, identity, {"network": "M"}, base, DAYS[2]))
    now, _ = apply(state, made(state, Edit(Action.CORRECT, identity, {"network": "Q"}, base)))
    rows, (conflict,) = apply(now, mine)
    assert rows == now
    assert (conflict.column, conflict.expected, conflict.found) == ("network", "N", "Q")


def test_retiring_ends_the_row_on_the_day_and_changes_nothing_else() -> None:
    state = make_state(CHANNEL, [row("A", BEGINNING, None, "x", "N")])
    identity, base = next(iter(state.items()))
    after, _ = apply(state, made(state, Edit(Action.RETIRE, identity, {}, base, DAYS[2])))
    assert after == {identity: {**base, "valid_to": DAYS[2]}}


@pytest.mark.parametrize("action", [Action.RETIRE, Action.CHANGE_FROM])
@pytest.mark.parametrize("day", [None, "2026-01-01", "2025-12-31", "2026-03-01", "2026-03-02"])
def test_a_day_outside_the_row_is_refused(action: Action, day: str | None) -> None:
    state = make_state(CHANNEL, [row("A", "2026-01-01", "2026-03-01", "x", "N")])
    identity, base = next(iter(state.items()))
    changes, (problem,) = changes_of(
        CHANNEL, Edit(action, identity, {"name": "y"}, base, day), state
    )
    assert changes == []
    assert problem.rule == "day-outside-row"
    assert problem.fix


def test_moving_a_rows_start_takes_the_old_row_away() -> None:
    state = make_state(CHANNEL, [row("A", "2026-01-01", None, "x", "N")])
    identity, base = next(iter(state.items()))
    changes = made(state, Edit(Action.CORRECT, identity, {"valid_from": DAYS[1]}, base))
    after, _ = apply(state, changes)
    assert after == {("A", DAYS[1]): {**base, "valid_from": DAYS[1]}}
    assert apply(after, diff("channel", after, state)) == (state, [])


def test_moving_the_start_of_a_row_that_was_deleted_meanwhile_does_not_bring_it_back() -> None:
    state = make_state(CHANNEL, [row("A", "2026-01-01", None, "x", "N")])
    identity, base = next(iter(state.items()))
    moved = made(state, Edit(Action.CORRECT, identity, {"valid_from": DAYS[1]}, base))
    now, _ = apply(state, made(state, Edit(Action.DELETE, identity, {}, base)))
    rows, conflicts = apply(now, moved)
    assert rows == {}
    assert conflicts


def test_two_authors_who_move_the_same_start_elsewhere_are_a_conflict() -> None:
    state = make_state(CHANNEL, [row("A", "2026-01-01", None, "x", "N")])
    identity, base = next(iter(state.items()))
    edits = [Edit(Action.CORRECT, identity, {"valid_from": day}, base) for day in DAYS[1:3]]
    now, _ = apply(state, made(state, edits[0]))
    rows, conflicts = apply(now, made(state, edits[1]))
    assert rows == now
    assert conflicts
    assert apply(now, made(state, edits[0])) == (now, [])


def test_an_insert_where_a_row_is_already_is_a_conflict() -> None:
    state = make_state(CHANNEL, [row("A", BEGINNING, None, "x", "N")])
    edit = Edit(Action.INSERT, values=row("A", BEGINNING, None, "y", "N"))
    changes, problems = changes_of(CHANNEL, edit, state)
    assert (changes, [one.rule for one in problems]) == ([], ["conflict"])
    elsewhere, _ = changes_of(CHANNEL, edit, {})
    rows, conflicts = apply(state, elsewhere)
    assert rows == state
    assert [one.as_problem().rule for one in conflicts] == ["conflict"]
    same = Edit(Action.INSERT, values=row("A", BEGINNING, None, "x", "N"))
    assert changes_of(CHANNEL, same, state) == ([], [])


def test_an_edit_of_a_row_that_is_gone_is_a_conflict() -> None:
    edit = Edit(Action.CORRECT, ("A", BEGINNING), {"name": "y"}, row("A", BEGINNING, None, "x", ""))
    changes, (problem,) = changes_of(CHANNEL, edit, {})
    assert (changes, problem.rule) == ([], "conflict")


def check(rows: Sequence[Row], parents: dict[str, list[tuple[str, str | None]]]) -> list[str]:
    state = make_state(CHANNEL, rows)
    found = check_state(CHANNEL, state, list(state), {"network": parents})
    return [problem.rule for _, _, problem in found]


def test_overlapping_rows_of_a_key_are_found_and_adjoining_ones_are_not() -> None:
    parents: dict[str, list[tuple[str, str | None]]] = {"N": [(BEGINNING, None)]}
    first = row("A", BEGINNING, DAYS[1], "x", "N")
    assert check([first, row("A", DAYS[1], None, "x", "N")], parents) == []
    assert check([first, row("A", DAYS[0], None, "x", "N")], parents) == ["overlap"]
    assert check([first, row("B", DAYS[0], None, "x", "N")], parents) == []
    still_open = row("A", BEGINNING, None, "x", "N")
    assert check([still_open, row("A", DAYS[0], None, "x", "N")], parents) == ["overlap"]


def test_a_parent_must_exist_on_all_days_of_its_children() -> None:
    parents = {"N": [(BEGINNING, DAYS[2])], "M": [(DAYS[1], None)]}
    assert check([row("A", BEGINNING, DAYS[2], "x", "N")], parents) == []
    assert check([row("A", BEGINNING, None, "x", "N")], parents) == ["parent-interval"]
    assert check([row("A", DAYS[0], None, "x", "M")], parents) == ["parent-interval"]
    assert check([row("A", DAYS[1], None, "x", "M")], parents) == []
    assert check([row("A", BEGINNING, None, "x", "Q")], parents) == ["unknown-parent"]
    assert check([row("A", BEGINNING, None, "x", None)], parents) == []


def test_a_parents_adjoining_rows_count_as_one_interval() -> None:
    network = contract_of("network", column("network_id"))
    rows = [
        {"network_id": "N", "valid_from": BEGINNING, "valid_to": DAYS[1]},
        {"network_id": "N", "valid_from": DAYS[1], "valid_to": DAYS[3]},
        {"network_id": "N", "valid_from": DAYS[4], "valid_to": None},
    ]
    intervals = merged_intervals(network, make_state(network, rows))
    assert intervals == {"N": [(BEGINNING, DAYS[3]), (DAYS[4], None)]}


@given(st.lists(edited_states(), min_size=1, max_size=1), st.data())
def test_replay_gives_what_applying_one_after_the_other_gave(
    edited: list[tuple[State, list[Change]]], data: st.DataObject
) -> None:
    state, changes = edited[0]
    inserts = [Edit(Action.INSERT, values=one) for one in state.values()]
    baseline = change_set(*(one for edit in inserts for one in made({}, edit)), reason="first")
    edit_set = change_set(*changes)
    after, _ = apply(state, changes)
    back = change_set(*diff("channel", after, state), reason="back")
    elsewhere = change_set(replace(baseline.changes[0], dimension="owner"), reason="other")
    rows, last = replay([baseline, elsewhere, edit_set], "channel")
    assert rows == after
    changed = {one.identity for one in changes} & set(after)
    assert {identity for identity, one in last.items() if one == edit_set.id} == changed
    assert set(last) == set(after)
    assert replay([baseline, edit_set, back], "channel")[0] == state


def test_replay_names_the_change_set_that_does_not_apply() -> None:
    change = Change(
        "channel", Kind.MODIFIED, ("A", BEGINNING), {"name": "x"}, {"name": "y"}, Action.CORRECT
    )
    broken = change_set(change)
    with pytest.raises(ValueError, match=broken.id):
        replay([broken], "channel")


def shuffled(row: Row) -> Row:
    return MappingProxyType(dict(reversed(row.items())))


@given(edited_states())
def test_the_id_does_not_depend_on_the_order_of_columns(edited: tuple[State, list[Change]]) -> None:
    changes = edited[1]
    turned = [
        replace(one, before=shuffled(one.before), after=shuffled(one.after)) for one in changes
    ]
    assert change_set(*turned).id == change_set(*changes).id
    assert len(change_set(*changes).id) == 16


CHANGED_FIELDS: list[dict[str, Any]] = [
    {"author": "bert"},
    {"reason": "because"},
    {"kind": "rollback"},
    {"base_release": 2},
    {"source_name": "other.xlsx"},
    {"source_hash": "1" * 64},
    {"contracts": {"channel": "1" * 64}},
    {"changes": ()},
]


@pytest.mark.parametrize("changed", CHANGED_FIELDS, ids=lambda one: next(iter(one)))
def test_the_id_differs_for_any_other_content(changed: dict[str, Any]) -> None:
    first = made({}, Edit(Action.INSERT, values=row("A", BEGINNING, None, "x", None)))
    base = change_set(*first)
    assert base.id == change_set(*first).id
    assert replace(base, **changed).id != base.id


@given(edited_states(), st.data())
def test_the_id_differs_for_any_other_value(
    edited: tuple[State, list[Change]], data: st.DataObject
) -> None:
    changes = edited[1]
    place = data.draw(st.integers(0, len(changes) - 1))
    values = dict(changes[place].after or {"name": "x"})
    name = data.draw(st.sampled_from(sorted(values)))
    values[name] = data.draw(st.sampled_from(["", "other", "null"]))
    altered = [*changes]
    altered[place] = replace(changes[place], after=values)
    assert change_set(*altered).id != change_set(*changes).id


@given(st.lists(st.text(), min_size=1, max_size=3), st.lists(st.text(), min_size=1, max_size=3))
def test_different_keys_never_share_a_row_key(one: list[str], two: list[str]) -> None:
    assert (row_key(tuple(one)) == row_key(tuple(two))) == (one == two)


def test_a_row_without_a_start_starts_at_the_beginning() -> None:
    assert identity_of(CHANNEL, {**row("A", "", None, "x", None)}) == ("A", BEGINNING)
