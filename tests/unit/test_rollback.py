"""A rollback takes back what its release did, where others copied it too, and no other's."""

from __future__ import annotations

from pathlib import Path

import pytest
from networks import network_workspace, promote_recorded
from test_scenario_conflicts import ALFA, GROUP, NAME, proposed, recorded, refused

from conftest import acting
from foreview.changes import Action, Edit, Identity, changes_of, diff
from foreview.errors import RefusedError
from foreview.rollback import rollback
from foreview.what_if import checked_change_sets
from foreview.workspace import Workspace

DAY = "2026-05-01"
LATER = ("ALFA", DAY)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return network_workspace(tmp_path)


def after(
    workspace: Workspace,
    author: str,
    *edits: tuple[Identity, dict[str, str | None]],
    action: Action = Action.CORRECT,
    day: str | None = None,
) -> int:
    """Put edits of rows as they are into effect; return the release."""
    state, _ = workspace.registry.approved_rows("network")
    contract = workspace.contract("network")
    changes = []
    for identity, values in edits:
        edit = Edit(action, identity, values, state[identity], day)
        found, problems = changes_of(contract, edit, state)
        assert not problems
        changes += found
    return promote_recorded(workspace, recorded(workspace, author, changes))


def taken_back(workspace: Workspace, release: int) -> int:
    return promote_recorded(workspace, rollback(acting(workspace, "eve"), release))


def moved(workspace: Workspace, day: str, to: str) -> int:
    """Move the day on which ALFA's second row begins."""
    state, _ = workspace.registry.approved_rows("network")
    rows = dict(state)
    rows[ALFA] = {**rows[ALFA], "valid_to": to}
    rows["ALFA", to] = {**rows.pop(("ALFA", day)), "valid_from": to}
    return promote_recorded(workspace, recorded(workspace, "bob", diff("network", state, rows)))


def names(workspace: Workspace) -> dict[str, str | None]:
    rows, _ = workspace.registry.approved_rows("network")
    return {day: row["network_name"] for (key, day), row in rows.items() if key == "ALFA"}


def test_the_part_that_was_split_off_since_goes_back_too(workspace: Workspace) -> None:
    release = promote_recorded(workspace, proposed(workspace, "ana", NAME))
    promote_recorded(workspace, proposed(workspace, "bob", GROUP, Action.CHANGE_FROM, DAY))
    assert set(names(workspace).values()) == {"Mine"}
    inverse = rollback(acting(workspace, "eve"), release)
    assert {one.identity for one in inverse.changes} == {ALFA, LATER}
    promote_recorded(workspace, inverse)
    assert set(names(workspace).values()) == {"Alfa"}
    assert workspace.registry.approved_rows("network")[0][LATER]["network_group_id"] == "G1"


def test_what_somebody_set_to_the_same_since_is_theirs(workspace: Workspace) -> None:
    release = promote_recorded(workspace, proposed(workspace, "ana", NAME))
    promote_recorded(workspace, proposed(workspace, "bob", {"network_name": "Bob's"}))
    again = proposed(workspace, "bob", NAME)
    promote_recorded(workspace, again)
    with pytest.raises(RefusedError) as caught:
        rollback(acting(workspace, "eve"), release)
    (problem,) = caught.value.problems
    assert problem.rule == "conflict"
    assert f"bob (change set {again.id}, reference version 4) set it so too" in problem.message
    assert "roll reference version 4 back first" in problem.fix


def test_after_a_rollback_of_the_later_one_the_earlier_one_can_be_taken_back(
    workspace: Workspace,
) -> None:
    release = promote_recorded(workspace, proposed(workspace, "ana", NAME))
    later = promote_recorded(workspace, proposed(workspace, "bob", {"network_name": "Bob's"}))
    taken_back(workspace, later)
    taken_back(workspace, release)
    assert set(names(workspace).values()) == {"Alfa"}


def test_a_correction_of_a_row_that_was_split_since_is_not_made_to_a_part_of_it(
    workspace: Workspace,
) -> None:
    mine = proposed(workspace, "ana", NAME)
    split = proposed(workspace, "bob", GROUP, Action.CHANGE_FROM, DAY)
    other = proposed(workspace, "eve", {"network_group_id": "G1"})  # the split's own column
    release = promote_recorded(workspace, split)
    (problem,) = refused(workspace, mine)
    assert f"bob (change set {split.id}, reference version 2) split the row" in problem.message
    assert f"also ALFA, {DAY} now" in problem.message
    assert problem.where == "Network!D2"
    promote_recorded(workspace, other)
    taken_back(workspace, release)
    promote_recorded(workspace, mine)  # it is one row again
    assert names(workspace) == {ALFA[1]: "Mine"}


def test_a_later_part_of_a_later_part_is_seen_too(workspace: Workspace) -> None:
    mine = proposed(workspace, "ana", NAME)
    promote_recorded(workspace, proposed(workspace, "bob", GROUP, Action.CHANGE_FROM, DAY))
    after(
        workspace,
        "bob",
        (LATER, {"network_group_id": None}),
        action=Action.CHANGE_FROM,
        day="2026-06-01",
    )
    after(workspace, "bob", (LATER, NAME))  # the part in the middle has the name already
    (problem,) = refused(workspace, mine)
    assert "also ALFA, 2026-06-01 now" in problem.message


def test_a_row_put_together_and_corrected_is_split_again_with_the_correction(
    workspace: Workspace,
) -> None:
    split = promote_recorded(workspace, proposed(workspace, "bob", GROUP, Action.CHANGE_FROM, DAY))
    back = taken_back(workspace, split)
    promote_recorded(workspace, proposed(workspace, "ana", NAME))
    taken_back(workspace, back)
    assert names(workspace) == {ALFA[1]: "Mine", DAY: "Mine"}
    assert workspace.registry.approved_rows("network")[0][LATER]["network_group_id"] == "G1"


def test_what_changed_nothing_is_nothing_to_take_back_but_counts(workspace: Workspace) -> None:
    one, other = (proposed(workspace, author, NAME) for author in ("ana", "bob"))
    first, second = (promote_recorded(workspace, each) for each in (one, other))
    with pytest.raises(RefusedError, match=r"bob \(change set .* set it so too since"):
        rollback(acting(workspace, "eve"), first)
    with pytest.raises(RefusedError, match="Nothing of reference version 3 is left"):
        rollback(acting(workspace, "eve"), second)


def test_after_the_rest_of_a_request_its_part_can_be_taken_back(workspace: Workspace) -> None:
    one, other = proposed(workspace, "ana", NAME), proposed(workspace, "bob", {**NAME, **GROUP})
    part, whole = (promote_recorded(workspace, each) for each in (one, other))
    with pytest.raises(RefusedError, match="network_name: bob"):
        rollback(acting(workspace, "eve"), part)
    taken_back(workspace, whole)
    taken_back(workspace, part)
    with pytest.raises(RefusedError, match="Nothing of reference version 2 is left"):
        rollback(acting(workspace, "eve"), part)


def test_a_row_that_was_deleted_and_brought_back_is_as_it_was(workspace: Workspace) -> None:
    first = promote_recorded(workspace, proposed(workspace, "ana", NAME))
    gone = promote_recorded(workspace, proposed(workspace, "bob", None, Action.DELETE))
    taken_back(workspace, gone)
    taken_back(workspace, first)
    assert names(workspace) == {ALFA[1]: "Alfa"}


@pytest.mark.parametrize("is_retired_first", [True, False])
def test_a_day_on_which_one_retires_and_one_splits_is_a_conflict(
    workspace: Workspace, is_retired_first: bool
) -> None:
    both = [
        proposed(workspace, "ana", None, Action.RETIRE, DAY),
        proposed(workspace, "bob", GROUP, Action.CHANGE_FROM, DAY),
    ]
    first, second = both if is_retired_first else reversed(both)
    same = proposed(workspace, "eve", GROUP, Action.CHANGE_FROM, DAY)
    promote_recorded(workspace, first)
    (problem,) = refused(workspace, second)
    assert "valid_to" in problem.message
    assert first.author in problem.message
    if not is_retired_first:
        assert checked_change_sets(workspace, [same.id])  # the same split is done already


def test_a_boundary_that_goes_back_makes_no_copy_of_the_row_before_it(workspace: Workspace) -> None:
    after(workspace, "bob", (ALFA, GROUP), action=Action.CHANGE_FROM, day=DAY)
    release = moved(workspace, DAY, "2026-06-01")
    after(workspace, "ana", (ALFA, NAME))
    taken_back(workspace, release)
    assert names(workspace) == {ALFA[1]: "Mine", DAY: "Alfa"}


def test_the_newest_first_and_then_the_one_before_takes_the_copies_back_too(
    workspace: Workspace,
) -> None:
    first = after(workspace, "ana", (ALFA, NAME))
    second = after(workspace, "bob", (ALFA, {"network_name": "Bob's"}))
    after(workspace, "carl", (ALFA, GROUP), action=Action.CHANGE_FROM, day=DAY)
    taken_back(workspace, second)
    assert set(names(workspace).values()) == {"Mine"}
    taken_back(workspace, first)
    assert set(names(workspace).values()) == {"Alfa"}


def test_what_a_split_set_itself_is_no_copy_when_it_is_made_again(workspace: Workspace) -> None:
    split = after(workspace, "bob", (ALFA, NAME), action=Action.CHANGE_FROM, day=DAY)
    after(workspace, "ana", (ALFA, NAME))
    back = taken_back(workspace, split)
    after(workspace, "ana", (ALFA, {"network_name": "Alfa"}))
    with pytest.raises(RefusedError, match="network_name"):
        taken_back(workspace, back)  # the split would change a name that is no longer there


def test_a_row_that_somebody_deleted_again_stays_away(workspace: Workspace) -> None:
    first = promote_recorded(workspace, proposed(workspace, "ana", None, Action.DELETE))
    taken_back(workspace, first)
    again = promote_recorded(workspace, proposed(workspace, "bob", None, Action.DELETE))
    with pytest.raises(RefusedError, match="ALFA, 1900-01-01, row: bob"):
        rollback(acting(workspace, "eve"), first)
    taken_back(workspace, again)
    assert names(workspace) == {ALFA[1]: "Alfa"}


def test_a_rollback_that_waits_does_not_take_back_what_others_set_meanwhile(
    workspace: Workspace,
) -> None:
    one, other = (proposed(workspace, author, NAME) for author in ("ana", "bob"))
    inverse = rollback(acting(workspace, "eve"), promote_recorded(workspace, one))
    promote_recorded(workspace, other)
    with pytest.raises(RefusedError, match=r"bob \(change set"):
        checked_change_sets(workspace, [inverse.id])


def test_an_end_on_the_day_of_somebodys_split_is_a_conflict_also_as_a_correction(
    workspace: Workspace,
) -> None:
    mine = proposed(workspace, "ana", {"valid_to": DAY})
    promote_recorded(workspace, proposed(workspace, "bob", GROUP, Action.CHANGE_FROM, DAY))
    assert any("valid_to" in one.message for one in refused(workspace, mine))


def test_a_retired_row_that_has_a_new_code_from_that_day_is_a_conflict(
    workspace: Workspace,
) -> None:
    mine = proposed(workspace, "ana", None, Action.RETIRE, DAY)
    code = (ALFA, {"network_id": "NEWA"})
    after(workspace, "bob", code, action=Action.NEW_CODE, day=DAY)
    (problem,) = refused(workspace, mine)
    assert "also NEWA, 2026-05-01 now" in problem.message


def test_the_days_of_a_part_that_somebody_deleted_do_not_come_back(workspace: Workspace) -> None:
    split = after(workspace, "bob", (ALFA, GROUP), action=Action.CHANGE_FROM, day=DAY)
    after(workspace, "carl", (LATER, {}), action=Action.DELETE)
    with pytest.raises(RefusedError, match=r"carl .* deleted it since"):
        rollback(acting(workspace, "eve"), split)
