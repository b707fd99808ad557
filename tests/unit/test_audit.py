"""What `verify` says of seeds, with the registry beside them; the engine's tables are elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from networks import begin_to_rename, network_workspace

from conftest import PROJECT
from foreview import audit
from foreview.audit import SEED, verify
from foreview.changes import apply
from foreview.errors import Problem
from foreview.loads import read_seed, write_approved
from foreview.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with its seeds, of which alone `verify` is told."""
    monkeypatch.chdir(PROJECT)
    found = network_workspace(tmp_path)
    for name in ("network", "network_group"):
        write_approved(found, None, found.contract(name), *found.registry.approved_rows(name))
    monkeypatch.setattr(audit, "open_engines", lambda _: None)
    monkeypatch.setattr(
        audit,
        "_places",
        lambda _, __, one: (
            {SEED: read_seed(found.seeds / f"{one.dimension}.csv", one)}
            if one.dimension.startswith("network")
            else {}
        ),
    )
    monkeypatch.setattr(audit, "verify_publications", lambda *_, **__: [])
    return found


def found_in(workspace: Workspace) -> list[Problem]:
    _, problems = verify(workspace)
    return problems


def tamper(workspace: Workspace, name: str, old: str, new: str) -> None:
    path = workspace.seeds / f"{name}.csv"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def write_renamed(workspace: Workspace) -> None:
    """Promote another name of BETA as far as its rows."""
    change_set = begin_to_rename(workspace)
    after, _ = apply(workspace.registry.approved_rows("network")[0], change_set.changes)
    last = dict.fromkeys(after, change_set.id)
    write_approved(workspace, None, workspace.contract("network"), after, last)


def test_rows_of_an_unfinished_promotion_are_not_said_to_be_changed_by_somebody(
    workspace: Workspace,
) -> None:
    assert found_in(workspace) == []
    write_renamed(workspace)
    (problem,) = found_in(workspace)
    assert (problem.rule, problem.where) == ("promotion-unfinished", "seed of network")
    assert "reference version 2 is unfinished" in problem.message
    assert "found 'Second', expected 'Beta'" in problem.message
    assert "undo" not in problem.fix
    for told in ("--resume", "--abandon", "verify again"):
        assert told in problem.fix


def test_what_an_unfinished_promotion_does_not_touch_is_looked_at_as_always(
    workspace: Workspace,
) -> None:
    write_renamed(workspace)
    tamper(workspace, "network_group", "One", "Other")
    by_place = {one.where: one.rule for one in found_in(workspace)}
    assert by_place == {
        "seed of network": "promotion-unfinished",
        "seed of network_group": "not-as-approved",
    }


@pytest.mark.parametrize("last", ["BETA,Beta", "ALFA,Alfa"])
def test_a_line_that_is_there_twice_in_a_seed_is_named(workspace: Workspace, last: str) -> None:
    path = workspace.seeds / "network.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    (again,) = (one for one in lines if one.startswith(last))
    path.write_text("".join([*lines, again]), "utf-8")
    (problem,) = found_in(workspace)
    assert (problem.rule, problem.where) == ("not-as-approved", "seed of network")
    code = last.split(",")[0]
    assert problem.message == f"network {code} from 1900-01-01 is there twice."
    checks, _ = verify(workspace)
    assert {one.dimension: one.rows for one in checks} == {"network_group": 1, "network": 4}
