"""A rollback takes back what its release did, where others copied it too, and no other's."""

from __future__ import annotations

from pathlib import Path

import pytest
from networks import network_workspace, promote_recorded
from test_scenario_conflicts import ALFA, GROUP, NAME, proposed, refused

from conftest import acting
from foreview.changes import Action
from foreview.errors import RefusedError
from foreview.rollback import rollback
from foreview.workspace import Workspace

DAY = "2026-05-01"
LATER = ("ALFA", DAY)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return network_workspace(tmp_path)


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
    assert f"bob (change set {again.id}, reference version 4) set it to 'Mine'" in problem.message
    assert "Roll reference version 4 back first" in problem.fix


def test_after_a_rollback_of_the_later_one_the_earlier_one_can_be_taken_back(
    workspace: Workspace,
) -> None:
    release = promote_recorded(workspace, proposed(workspace, "ana", NAME))
    later = promote_recorded(workspace, proposed(workspace, "bob", {"network_name": "Bob's"}))
    promote_recorded(workspace, rollback(acting(workspace, "eve"), later))
    promote_recorded(workspace, rollback(acting(workspace, "eve"), release))
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
    promote_recorded(workspace, rollback(acting(workspace, "eve"), release))
    promote_recorded(workspace, mine)  # it is one row again
    assert names(workspace) == {ALFA[1]: "Mine"}
