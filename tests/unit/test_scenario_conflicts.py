"""Change sets that are tried together and change one cell are refused, and both are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from networks import network_workspace, promote_recorded

from conftest import acting
from foreview.changes import Action, Change, ChangeSet, Edit, changes_of
from foreview.conflicts import check_applies
from foreview.contract import BEGINNING
from foreview.errors import Problem, RefusedError
from foreview.what_if import checked_change_sets
from foreview.workspace import Workspace

ALFA = ("ALFA", BEGINNING)
NAME, GROUP = {"network_name": "Mine"}, {"network_group_id": "G1"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return network_workspace(tmp_path)


def proposed(
    workspace: Workspace,
    author: str,
    values: dict[str, str | None] | None = None,
    action: Action = Action.CORRECT,
    day: str | None = None,
) -> ChangeSet:
    """Record what an author does to the network ALFA."""
    contract = workspace.contract("network")
    state, _ = workspace.registry.approved_rows("network")
    cells = {"network_name": "Network!D2"}
    edit = Edit(action, ALFA, values or {}, state[ALFA], day, cells, "Network!2")
    changes, problems = changes_of(contract, edit, state)
    assert not problems
    return recorded(workspace, author, changes)


def recorded(workspace: Workspace, author: str, changes: Sequence[Change]) -> ChangeSet:
    """Record changes of networks as an author's, on the newest rows."""
    base = workspace.registry.latest_release()
    contracts = {"network": workspace.contract("network").hash}
    found = ChangeSet(author, "why", "edit", base, "book.xlsx", "", contracts, tuple(changes))
    acting(workspace, author).registry.record_change_set(found)
    return found


def refused(workspace: Workspace, *change_sets: ChangeSet) -> tuple[Problem, ...]:
    with pytest.raises(RefusedError) as caught:
        checked_change_sets(workspace, [one.id for one in change_sets])
    found = tuple(caught.value.problems)
    with pytest.raises(RefusedError) as again:
        check_applies(workspace, change_sets)
    assert tuple(again.value.problems) == found
    assert {one.rule for one in found} == {"conflict"}
    return found


def named(problem: Problem, *change_sets: ChangeSet) -> bool:
    return all(f"{one.author} (change set {one.id})" in problem.message for one in change_sets)


def test_two_change_requests_for_one_cell_are_both_named_with_their_values(
    workspace: Workspace,
) -> None:
    one = proposed(workspace, "ana", {"network_name": "Ana's"})
    other = proposed(workspace, "bob", {"network_name": "Bob's"})
    (problem,) = refused(workspace, one, other)
    assert named(problem, one, other)
    assert problem.message == (
        f"network ALFA, network_name: bob (change set {other.id}) and ana (change set {one.id}) "
        'both change it, to "Bob\'s" and to "Ana\'s".'
    )
    assert (problem.where, problem.value) == ("Network!D2", "Bob's")
    assert "one at a time" in problem.fix


def test_of_three_change_requests_for_one_cell_each_later_one_is_named_with_the_first(
    workspace: Workspace,
) -> None:
    one, other, third = (
        proposed(workspace, author, {"network_name": f"{author}'s"})
        for author in ("ana", "bob", "eve")
    )
    problems = refused(workspace, one, other, third)
    assert [named(problem, one) for problem in problems] == [True, True]
    assert named(problems[0], other)
    assert named(problems[1], third)


def test_who_changed_another_cell_of_the_row_is_not_named(workspace: Workspace) -> None:
    one = proposed(workspace, "ana", NAME)
    beside = proposed(workspace, "bob", GROUP)
    assert len(checked_change_sets(workspace, [one.id, beside.id])) == 2
    other = proposed(workspace, "eve", {"network_name": "Eve's"})
    (problem,) = refused(workspace, one, beside, other)
    assert named(problem, one, other)
    assert "bob" not in problem.message


@pytest.mark.parametrize(
    ("action", "values", "day"),
    [
        (Action.DELETE, None, None),
        (Action.RETIRE, None, "2026-05-01"),
        (Action.CHANGE_FROM, NAME, "2026-05-01"),
    ],
)
def test_a_row_that_another_deletes_or_splits_is_a_conflict_of_both(
    workspace: Workspace, action: Action, values: dict[str, str | None] | None, day: str | None
) -> None:
    one = proposed(workspace, "ana", values, action, day)
    other = proposed(workspace, "bob", {"network_name": "Bob's", "valid_to": "2026-06-01"})
    for problem in refused(workspace, one, other):
        assert named(problem, one, other)
        assert "both change it" in problem.message


def test_a_cell_that_took_effect_meanwhile_is_told_as_before(workspace: Workspace) -> None:
    one = proposed(workspace, "ana", NAME)
    other = proposed(workspace, "bob", {"network_name": "Bob's"})
    promote_recorded(workspace, one)
    (problem,) = refused(workspace, other)
    since = f"ana (change set {one.id}, reference version 2)"
    assert f"it was changed by {since} to 'Mine' since" in problem.message
