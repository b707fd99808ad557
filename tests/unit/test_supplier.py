"""Supplier files: what becomes a change set, and what a person set is held back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from networks import network_workspace, promote_recorded, run, with_tables_folder
from test_report import figure, mart
from test_thresholds import impact_of, with_rules

from conftest import PROJECT
from foreview.approval import approve, approve_by_rule
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.contract import BEGINNING, load_contracts
from foreview.errors import RefusedError
from foreview.mariadb_server import Server
from foreview.periods import PRELIMINARY
from foreview.receipt import record_receipt
from foreview.registry.rights import statements_for
from foreview.supplier import read_supplier_file
from foreview.thresholds import Threshold
from foreview.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


def deliver(
    workspace: Workspace, tmp_path: Path, *lines: str, options: tuple[str, ...] = ()
) -> Any:
    file = tmp_path / "delivery.csv"
    file.write_text("\n".join(["network_id,network_name", *lines]) + "\n", encoding="utf-8")
    return run(workspace, "load", "network", str(file), "--source", "acme", "--json", *options)


def names(workspace: Workspace) -> dict[str, str | None]:
    state, _ = workspace.registry.approved_rows("network")
    return {one[0]: row["network_name"] for one, row in state.items()}


def take(workspace: Workspace, result: Any) -> Any:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    promote_recorded(workspace, workspace.registry.change_set(found["id"]))
    return found


def test_a_delivery_is_a_change_request_and_a_repeated_one_changes_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    before = names(workspace)
    key = min(before)
    found = take(workspace, deliver(workspace, tmp_path, f"{key},Of acme", "NEW1,Quite new"))
    assert (found["rows"], found["held"]) == (2, [])
    assert names(workspace) == {**before, key: "Of acme", "NEW1": "Quite new"}
    change_set = workspace.registry.change_set(found["id"])
    assert (change_set.kind, change_set.source_name) == ("load", "acme: delivery.csv")
    again = deliver(workspace, tmp_path, f"{key},Of acme", "NEW1,Quite new")
    assert (again.exit_code, "no-change" in again.stdout) == (1, True)


def test_what_a_person_set_is_held_back_until_a_rollback_gives_it_back(
    workspace: Workspace, tmp_path: Path
) -> None:
    from foreview.rollback import rollback

    key, other, *_ = sorted(names(workspace))
    take(workspace, deliver(workspace, tmp_path, f"{key},Of acme"))
    changed = by_hand(workspace, key, "By hand")
    found = take(workspace, deliver(workspace, tmp_path, f"{key},Of acme 2", f"{other},Of acme"))
    (held,) = found["held"]
    assert (held["value"], held["offered"], held["author"]) == ("By hand", "Of acme 2", "ana")
    assert held["change_set_id"] == changed
    assert (names(workspace)[key], names(workspace)[other]) == ("By hand", "Of acme")
    event = workspace.registry.events()
    assert [one.payload["held"] for one in event if one.kind == "values-held-back"] == [[held]]
    alone = deliver(workspace, tmp_path, f"{key},Of acme 2")
    assert (alone.exit_code, "what people set" in alone.stdout) == (1, True)
    inverse = rollback(workspace, workspace.registry.latest_release() - 1)
    promote_recorded(workspace, inverse)
    assert names(workspace)[key] == "Of acme"
    assert take(workspace, deliver(workspace, tmp_path, f"{key},Of acme 3"))["held"] == []
    assert names(workspace)[key] == "Of acme 3"


def by_hand(workspace: Workspace, key: str, name: str) -> str:
    return edited(workspace, key, Action.CORRECT, {"network_name": name})


def edited(
    workspace: Workspace,
    key: str,
    action: Action,
    values: dict[str, str | None] | None = None,
    day: str | None = None,
) -> str:
    """Promote a person's edit of a key's last row; return its change set."""
    contract = workspace.contract("network")
    state, _ = workspace.registry.approved_rows("network")
    identity = max(one for one in state if one[0] == key)
    edit = Edit(action, identity, values or {}, state[identity], day)
    changes, problems = changes_of(contract, edit, state)
    assert problems == []
    base = workspace.registry.latest_release()
    contracts = {"network": contract.hash}
    change_set = ChangeSet("ana", "by hand", "edit", base, "book.xlsx", "", contracts, (*changes,))
    workspace.registry.record_change_set(change_set)
    promote_recorded(workspace, change_set)
    return change_set.id


def test_a_row_that_a_person_deleted_does_not_come_back_with_the_next_delivery(
    workspace: Workspace, tmp_path: Path
) -> None:
    from foreview.rollback import rollback

    key, other, *_ = sorted(names(workspace))
    deleted = edited(workspace, key, Action.DELETE)
    release = workspace.registry.latest_release()
    for options in ((), ("--from", "2026-05-01")):
        lines = (f"{key},Back", f"{other},Of acme {len(options)}")
        found = take(workspace, deliver(workspace, tmp_path, *lines, options=options))
        (held,) = found["held"]
        assert (held["identity"][0], held["did"]) == (key, "the row was deleted")
        assert (held["author"], held["change_set_id"]) == ("ana", deleted)
        assert f"foreview rollback {release}" in held["take"]
        assert key not in names(workspace)
    alone = run(workspace, "load", "network", str(tmp_path / "delivery.csv"), "--source", "acme")
    assert (alone.exit_code, "the row was deleted by ana" in alone.stdout) == (1, True)
    promote_recorded(workspace, rollback(workspace, release))
    assert take(workspace, deliver(workspace, tmp_path, f"{key},Back"))["held"] == []
    assert names(workspace)[key] == "Back"


def test_a_suppliers_row_that_was_rolled_back_stays_away_and_a_persons_own_does_not_bar_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    from foreview.rollback import rollback

    take(workspace, deliver(workspace, tmp_path, "NEW1,New"))
    promote_recorded(workspace, rollback(workspace, workspace.registry.latest_release()))
    key = min(names(workspace))
    found = take(workspace, deliver(workspace, tmp_path, "NEW1,New", f"{key},Of acme"))
    assert [one["identity"][0] for one in found["held"]] == ["NEW1"]
    inserted(workspace, {"network_id": "NEW2", "network_name": "New"})
    promote_recorded(workspace, rollback(workspace, workspace.registry.latest_release()))
    for name in ("New", "Newer"):
        assert take(workspace, deliver(workspace, tmp_path, f"NEW2,{name}"))["held"] == []


def inserted(workspace: Workspace, values: dict[str, str | None]) -> None:
    """Promote a person's new row."""
    contract = workspace.contract("network")
    row = dict.fromkeys(contract.row_columns) | values
    changes, _ = changes_of(contract, Edit(Action.INSERT, values=row), {})
    base = workspace.registry.latest_release()
    hashes = {"network": contract.hash}
    change_set = ChangeSet("ana", "new", "edit", base, "book.xlsx", "", hashes, tuple(changes))
    workspace.registry.record_change_set(change_set)
    promote_recorded(workspace, change_set)


def test_a_suppliers_value_that_was_rolled_back_stays_away_until_a_person_takes_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    from foreview.rollback import rollback

    key = min(names(workspace))
    before = names(workspace)[key]
    take(workspace, deliver(workspace, tmp_path, f"{key},Of acme"))
    promote_recorded(workspace, rollback(workspace, workspace.registry.latest_release()))
    again = deliver(workspace, tmp_path, f"{key},Of acme", "NEW1,New")
    found = take(workspace, again)
    assert [one["identity"][0] for one in found["held"]] == [key]
    assert names(workspace)[key] == before
    undone = int(str(found["held"][0]["take"]).split("foreview rollback ")[1].split(",")[0])
    promote_recorded(workspace, rollback(workspace, undone))
    assert names(workspace)[key] == "Of acme"
    assert take(workspace, deliver(workspace, tmp_path, f"{key},Later"))["held"] == []


@pytest.mark.parametrize("day", [None, "2020-05-01"])
def test_what_a_person_set_while_a_delivery_waited_stays_theirs_though_it_says_the_same(
    workspace: Workspace, tmp_path: Path, day: str | None
) -> None:
    key, other, *_ = sorted(names(workspace))
    options = ("--from", day) if day else ()
    lines = (f"{key},Alike", "NEW1,Alike", f"{other},Of acme")
    waiting = deliver(workspace, tmp_path, *lines, options=options)
    if day:
        edited(workspace, key, Action.CHANGE_FROM, {"network_name": "Alike"}, day)
    else:
        by_hand(workspace, key, "Alike")
    inserted(workspace, {"network_id": "NEW1", "network_name": "Alike", "valid_from": day})
    take(workspace, waiting)
    lines = (f"{key},Acme's", "NEW1,Acme's", f"{other},Acme's")
    found = take(workspace, deliver(workspace, tmp_path, *lines))
    held = [(one["identity"][0], one["value"], one["author"]) for one in found["held"]]
    assert sorted(held) == [(key, "Alike", "ana"), ("NEW1", "Alike", "ana")]
    assert names(workspace)[other] == "Acme's"


@pytest.mark.parametrize("is_rollback", [True, False])
def test_a_suppliers_value_of_a_day_that_was_taken_away_stays_away(
    workspace: Workspace, tmp_path: Path, is_rollback: bool
) -> None:
    from foreview.rollback import rollback

    key, other, *_ = sorted(names(workspace))
    before = names(workspace)[key]
    options = ("--from", "2026-05-01")
    take(workspace, deliver(workspace, tmp_path, f"{key},Of acme", options=options))
    if is_rollback:
        promote_recorded(workspace, rollback(workspace, workspace.registry.latest_release()))
    else:
        edited(workspace, key, Action.DELETE)
        edited(workspace, key, Action.CORRECT, {"valid_to": None})
    for turn, from_day in enumerate((options, ())):
        lines = (f"{key},Of acme", f"{other},Turn {turn}")
        found = take(workspace, deliver(workspace, tmp_path, *lines, options=from_day))
        (held,) = found["held"]
        assert (held["identity"][0], held["offered"]) == (key, "Of acme")
        assert names(workspace)[key] == before


def test_a_suppliers_day_that_a_person_moves_leaves_the_value_before_it_the_suppliers(
    workspace: Workspace, tmp_path: Path
) -> None:
    from foreview.rollback import rollback

    key = min(names(workspace))
    later = ("--from", "2999-05-01")
    take(workspace, deliver(workspace, tmp_path, f"{key},Of acme", options=later))
    edited(workspace, key, Action.CORRECT, {"valid_from": "2999-05-08"})
    found = take(workspace, deliver(workspace, tmp_path, f"{key},Corrected"))
    assert found["held"] == []
    promote_recorded(workspace, rollback(workspace, workspace.registry.latest_release() - 1))
    found = take(workspace, deliver(workspace, tmp_path, f"{key},Corrected again"))
    assert found["held"] == []


def test_a_new_row_of_a_delivery_with_a_day_begins_on_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    take(workspace, deliver(workspace, tmp_path, "NEW1,New", options=("--from", "2026-05-01")))
    state, _ = workspace.registry.approved_rows("network")
    assert ("NEW1", "2026-05-01") in state


def test_today_is_the_broadcast_day(workspace: Workspace, tmp_path: Path) -> None:
    key = min(names(workspace))
    edited(workspace, key, Action.CHANGE_FROM, {"network_group_id": "G1"}, "2026-04-01")
    lines = f"{key},Of acme"
    file = tmp_path / "delivery.csv"
    file.write_text(f"network_id,network_name\n{lines}\n", encoding="utf-8")
    for hour, row in ((8, BEGINNING), (9, "2026-04-01")):  # days begin at nine in UTC
        now = datetime(2026, 4, 1, hour, tzinfo=UTC)
        one = replace(workspace, clock=lambda now=now: now)  # type: ignore[misc]
        found = read_supplier_file(one, "network", file, "acme")
        assert found.change_set is not None
        assert [change.identity for change in found.change_set.changes] == [(key, row)]


def test_a_key_that_a_person_ended_before_the_day_does_not_refuse_the_whole_delivery(
    workspace: Workspace, tmp_path: Path
) -> None:
    key, other, *_ = sorted(names(workspace))
    ended = edited(workspace, key, Action.RETIRE, day="2026-04-20")
    lines = (f"{key},Later", f"{other},Later")
    found = take(workspace, deliver(workspace, tmp_path, *lines, options=("--from", "2026-05-01")))
    (held,) = found["held"]
    assert (held["column"], held["value"]) == ("valid_to", "2026-04-20")
    assert (held["did"], held["author"]) == ("the row was ended on 2026-04-20", "ana")
    assert held["change_set_id"] == ended
    state, _ = workspace.registry.approved_rows("network")
    assert state[other, "2026-05-01"]["network_name"] == "Later"
    assert [one for one in state if one[0] == key] == [(key, BEGINNING)]


def test_a_key_with_a_later_row_is_held_back_and_one_that_begins_on_the_day_is_corrected(
    workspace: Workspace, tmp_path: Path
) -> None:
    key, other, third = sorted(names(workspace))
    # The network's group was changed by hand; its name is the supplier's still.
    later = edited(workspace, key, Action.CHANGE_FROM, {"network_group_id": "G1"}, day="2026-06-01")
    take(workspace, deliver(workspace, tmp_path, f"{third},A", options=("--from", "2026-05-01")))
    lines = (f"{key},Later", f"{other},Later", f"{third},B")
    found = take(workspace, deliver(workspace, tmp_path, *lines, options=("--from", "2026-05-01")))
    (held,) = found["held"]
    assert (held["column"], held["value"]) == ("valid_from", "2026-06-01")
    assert (held["change_set_id"], "--from 2026-06-01" in held["take"]) == (later, True)
    state, _ = workspace.registry.approved_rows("network")
    assert state[third, "2026-05-01"]["network_name"] == "B"
    assert state[third, BEGINNING]["network_name"] == third.title()
    found = take(workspace, deliver(workspace, tmp_path, *lines, options=("--from", "2026-06-01")))
    assert found["held"] == []
    state, _ = workspace.registry.approved_rows("network")
    assert state[key, "2026-06-01"]["network_name"] == "Later"
    assert state[key, BEGINNING]["network_name"] == key.title()


def test_a_file_without_a_day_is_about_todays_row_not_one_that_begins_later(
    workspace: Workspace, tmp_path: Path
) -> None:
    key = min(names(workspace))
    edited(workspace, key, Action.CHANGE_FROM, {"network_group_id": "G1"}, "2999-01-01")
    assert take(workspace, deliver(workspace, tmp_path, f"{key},Of acme"))["held"] == []
    state, _ = workspace.registry.approved_rows("network")
    assert state[key, BEGINNING]["network_name"] == "Of acme"
    again = deliver(workspace, tmp_path, f"{key},Of acme")
    assert (again.exit_code, "no-change" in again.stdout) == (1, True)


def test_a_day_splits_rows_and_a_value_that_a_person_set_before_it_stays_held(
    workspace: Workspace, tmp_path: Path
) -> None:
    key, other, *_ = sorted(names(workspace))
    by_hand(workspace, other, "By hand")
    lines = (f"{key},Later", f"{other},Later")
    found = take(workspace, deliver(workspace, tmp_path, *lines, options=("--from", "2026-05-01")))
    assert [one["identity"][0] for one in found["held"]] == [other]
    state, _ = workspace.registry.approved_rows("network")
    rows = {one: row["network_name"] for one, row in state.items() if one[0] == key}
    assert sorted(rows)[-1] == (key, "2026-05-01")
    assert rows[key, "2026-05-01"] == "Later"


def test_a_wrong_delivery_names_lines_and_records_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    before = workspace.registry.change_sets()
    key = min(names(workspace))
    for line, rule in ((f"{key},a,b", "ragged-row"), (f"{key},\x01", "wrong-type")):
        result = deliver(workspace, tmp_path, line)
        assert (result.exit_code, rule in result.stdout) == (1, True)
        assert "line 2" in result.stdout
    file = tmp_path / "days.csv"
    file.write_text("network_id,valid_from\nX,2026-01-01\n", encoding="utf-8")
    result = run(workspace, "load", "network", str(file), "--source", "acme")
    assert "unknown-column" in result.output
    assert workspace.registry.change_sets() == before


def test_checking_records_nothing_and_a_bulk_delivery_asks_for_a_reason(
    workspace: Workspace, tmp_path: Path
) -> None:
    before = workspace.registry.change_sets()
    lines = [f"N{number},New" for number in range(1_000)]
    result = deliver(workspace, tmp_path, *lines)
    assert (result.exit_code, "--allow-bulk" in result.stdout) == (1, True)
    allowed = ("--allow-bulk", "the first delivery", "--check")
    result = deliver(workspace, tmp_path, *lines, options=allowed)
    assert (result.exit_code, workspace.registry.change_sets()) == (0, before)


def test_a_file_is_approved_by_rule_only_where_the_rules_say_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace = with_tables_folder(workspace)
    id_ = json.loads(deliver(workspace, tmp_path, f"{min(names(workspace))},Of acme").stdout)["id"]
    change_set = workspace.registry.change_set(id_)
    moved = mart(figure("2026-04-01", "ABC", 1000, 1100))
    impact = impact_of(moved, change_sets=(change_set,))
    rules: list[dict[str, Any]] = [
        {},
        {"by_rule": {"other": [change_set.author]}},
        {"by_rule": {"acme": ["loader"]}},
    ]
    allowed = {"by_rule": {"acme": [change_set.author.upper()]}}
    for one in rules:
        with pytest.raises(RefusedError, match="no rule for files of 'acme'"):
            approve_by_rule(with_rules(workspace, "ana", **one), id_)
    with pytest.raises(RefusedError, match="without a preview"):
        approve_by_rule(with_rules(workspace, "ana", **allowed), id_)
    many = with_rules(workspace, "ana", **allowed, thresholds=(Threshold(2, absolute=Decimal(9)),))
    record_receipt(many, impact)
    with pytest.raises(RefusedError, match="moves by 9 or more"):
        approve_by_rule(many, id_)
    ana = with_rules(workspace, "ana", **allowed)
    held = replace(moved, figures=(), held=moved.figures)
    record_receipt(ana, replace(impact, marts=(held,), checksum="d" * 64))
    with pytest.raises(RefusedError, match="published figures"):
        approve_by_rule(ana, id_)
    record_receipt(ana, replace(impact, checksum="e" * 64))
    review = approve_by_rule(ana, id_)
    assert (review.reviewer, review.decision) == ("(rule)", "approve")
    assert workspace.registry.status(id_) == "approved"


@pytest.mark.parametrize(
    ("day", "horizon"), [("2026-05-01", "2026-04-05"), ("2026-04-06", "2026-04-05"), (None, None)]
)
def test_no_rule_approves_a_file_whose_figures_nobody_can_see_yet(
    workspace: Workspace, tmp_path: Path, day: str | None, horizon: str | None
) -> None:
    workspace = with_tables_folder(workspace)
    options = () if day is None else ("--from", day)
    result = deliver(workspace, tmp_path, f"{min(names(workspace))},Of acme", options=options)
    change_set = workspace.registry.change_set(json.loads(result.stdout)["id"])
    rules = {"by_rule": {"acme": [change_set.author]}}
    ana = with_rules(workspace, "ana", **rules)
    record_receipt(ana, replace(impact_of(change_sets=(change_set,)), horizon_day=horizon))
    with pytest.raises(RefusedError, match="no figures yet" if day else "no viewing yet"):
        approve_by_rule(ana, change_set.id)
    later = replace(impact_of(change_sets=(change_set,)), horizon_day=day or "2026-04-05")
    record_receipt(ana, replace(later, checksum="d" * 64))
    assert approve_by_rule(ana, change_set.id).decision == "approve"


def test_rules_by_which_any_file_would_pass_are_refused_with_what_to_add(tmp_path: Path) -> None:
    staging = tmp_path / "models" / "staging"
    staging.mkdir(parents=True)
    text = (PROJECT / "models" / "staging" / "network_group.yml").read_text(encoding="utf-8")
    line = "          storage: seed\n"
    assert line in text
    rule, limit = "by_rule: {acme: [ana]}", "thresholds: [{relative: 0.05, reviewers: 2}]"
    file = staging / "network_group.yml"
    file.write_text(text.replace(line, f"{line}          {rule}\n"), encoding="utf-8")
    with pytest.raises(RefusedError, match="add thresholds past which people agree") as caught:
        load_contracts(tmp_path)
    assert caught.value.problems[0].where == "models/staging/network_group.yml"
    both = f"{line}          {rule}\n          {limit}\n"
    file.write_text(text.replace(line, both), encoding="utf-8")
    assert load_contracts(tmp_path)["network_group"].by_rule == {"acme": ["ana"]}


def test_preliminary_days_are_open_to_files_by_rule(workspace: Workspace, tmp_path: Path) -> None:
    workspace = with_tables_folder(workspace)
    result = deliver(workspace, tmp_path, f"{min(names(workspace))},Of acme")
    change_set = workspace.registry.change_set(json.loads(result.stdout)["id"])
    ana = with_rules(workspace, "ana", by_rule={"acme": [change_set.author]})
    days = ("2026-04-01", "2026-04-01")
    ana.registry.record_calendar(
        "audience_by_network_day", "*", *days, PRELIMINARY, reason="", actor="ana"
    )
    moved = mart(figure(days[0], "ABC", 1000, 1100))  # preliminary figures are not held
    record_receipt(ana, impact_of(moved, change_sets=(change_set,)))
    assert approve_by_rule(ana, change_set.id).decision == "approve"


def test_on_a_server_the_rules_own_user_approves_by_rule_and_nothing_else(
    mariadb: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    workspace = with_tables_folder(network_workspace(tmp_path, mariadb))
    owner = f"mariadb+pymysql://{mariadb.user}:{mariadb.password}@{mariadb.host}/foreview"
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("use foreview")
        cursor.execute("create or replace user '(rule)'@'127.0.0.1'")
        for statement in statements_for(owner, "(rule)", ("rule",), "127.0.0.1"):
            cursor.execute(statement)
    id_ = json.loads(deliver(workspace, tmp_path, f"{min(names(workspace))},Of acme").stdout)["id"]
    change_set = workspace.registry.change_set(id_)
    rules = {"by_rule": {"acme": [change_set.author]}}
    author, rob, rule = (
        with_rules(workspace, name, **rules) for name in (change_set.author, "rob", "(rule)")
    )
    record_receipt(author, impact_of(change_sets=(change_set,)))
    for one in (author, rob):
        with pytest.raises(RefusedError, match="Connect as its user"):
            approve_by_rule(one, id_)
    with pytest.raises(RefusedError, match="it approves by rule"):
        approve(rule, id_)
    review = approve_by_rule(rule, id_)
    assert (review.reviewer, review.comment) == ("(rule)", "files of acme")
    assert workspace.registry.status(id_) == "approved"
    assert workspace.registry.verify_events() == []
