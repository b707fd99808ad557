"""The registry: what it records, what it refuses, and what it notices when tampered with."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from registries import FileStore, ServerStore, Store
from sqlalchemy.dialects.mysql import LONGTEXT

from foreview.changes import Action, Change, ChangeSet, Kind
from foreview.contract import BEGINNING
from foreview.errors import EngineError, ForeviewError, Problem, RefusedError
from foreview.registry import Registry
from foreview.registry.database import migrations
from foreview.registry.records import canonical
from foreview.registry.schema import HEAD, LONG, METADATA

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "scripts")}


@pytest.fixture(params=["file", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return FileStore(tmp_path / "registry.db")
    return ServerStore(request.getfixturevalue("mariadb"), "registry")


@pytest.fixture
def registry(store: Store) -> Registry:
    return store.open()


def added(key: str, network: str | None, dimension: str = "channel") -> Change:
    row = {"channel_id": key, "network": network, "valid_from": BEGINNING, "valid_to": None}
    return Change(dimension, Kind.ADDED, (key, BEGINNING), {}, row, Action.INSERT, where="line 2")


def modified(key: str, before: str | None, after: str | None) -> Change:
    return Change(
        "channel",
        Kind.MODIFIED,
        (key, BEGINNING),
        {"network": before},
        {"network": after},
        Action.CORRECT,
        cells={"network": "Channel!C5"},
        where="Channel!5",
        reason="letter of 3 April",
    )


def change_set(*changes: Change, author: str = "anna", kind: str = "edit") -> ChangeSet:
    hashes = {"channel": "a" * 64}
    return ChangeSet(
        author, "swap", kind, 1, "channel ñ 電視 📺.xlsx", "b" * 64, hashes, tuple(changes)
    )


BASELINE = change_set(added("C1", "FOX"), added("C2", None), kind="baseline")
EDIT = change_set(modified("C1", "FOX", "ABC"))


def receipt_of(*ids: str, checksum: str = "c" * 64, batch: int = 1) -> dict[str, object]:
    return {
        "checksum": checksum,
        "change_set_ids": ids,
        "base_release": 1,
        "horizon_day": "2026-04-07",
        "horizon_batch": batch,
        "content": {"figures": 3},
    }


def approve(registry: Registry, edit: ChangeSet, reviewer: str = "bert") -> None:
    checksum = edit.id * 4
    registry.record_receipt(receipt_of(edit.id, checksum=checksum), actor=reviewer)
    registry.record_review(edit.id, reviewer, "approve", receipt_checksum=checksum)


def promoted(registry: Registry) -> Registry:
    registry.record_change_set(BASELINE)
    registry.record_release(1, [BASELINE.id], kind="baseline", publication=1, actor="anna")
    registry.record_change_set(EDIT)
    approve(registry, EDIT)
    registry.record_release(2, [EDIT.id], kind="promotion", publication=2, actor="cleo")
    return registry


def rule_of(error: pytest.ExceptionInfo[ForeviewError]) -> str:
    assert all(problem.fix for problem in error.value.problems)
    return error.value.problems[0].rule


# Opening


def test_opening_makes_the_tables_and_opening_again_keeps_what_is_there(store: Store) -> None:
    store.open().record_change_set(EDIT)
    assert store.open().change_set(EDIT.id) == EDIT


def test_opening_an_up_to_date_registry_does_not_load_alembic(
    registry: Registry, store: Store
) -> None:
    code = (
        "import sys; from datetime import datetime, UTC; from foreview.registry import Registry; "
        f"Registry('{store.owner()}', lambda: datetime.now(UTC)).change_sets(); "
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT).returncode == 0


def test_the_migrations_end_in_the_tables_that_the_code_uses(
    registry: Registry, store: Store
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(migrations()).get_current_head() == HEAD
    with sa.create_engine(store.owner(), poolclass=sa.NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": is_other_type})
        assert compare_metadata(context, METADATA) == []


@pytest.mark.parametrize("revision", ["base", *(f"{one:04}" for one in range(1, int(HEAD) + 1))])
def test_from_each_revision_back_to_the_newest_rows_are_as_before(
    store: Store, revision: str
) -> None:
    promoted(store.open())
    kept = tables_of(store)
    migrate(store, revision, "down")
    migrate(store, HEAD, "up")
    registry = store.open()
    if revision == "base":
        assert registry.change_sets() == []
        promoted(registry)
    assert tables_of(store) == kept
    assert registry.verify_events() == []
    with pytest.raises(store.error, match="append-only"):
        store.run("delete from events")


def migrate(store: Store, revision: str, way: str) -> None:
    from alembic import command

    with sa.create_engine(store.owner(), poolclass=sa.NullPool).begin() as connection:
        move = command.upgrade if way == "up" else command.downgrade
        move(migrations(connection), revision)


def tables_of(store: Store) -> dict[str, list[dict[str, object]]]:
    """Return all rows."""
    found = {}
    with sa.create_engine(store.owner(), poolclass=sa.NullPool).connect() as connection:
        for name, table in METADATA.tables.items():
            rows = connection.execute(sa.select(table).order_by(*table.primary_key))
            found[name] = [dict(row._mapping) for row in rows]
    return found


def is_other_type(_: object, _2: object, _3: object, found: object, wanted: object) -> bool | None:
    """Return False for the name that MariaDB has for the longest text; else, let Alembic say."""
    is_long = isinstance(found, LONGTEXT) and getattr(wanted, "length", 0) == LONG
    return False if is_long else None


def test_a_registry_of_a_newer_foreview_is_refused(registry: Registry, store: Store) -> None:
    store.tamper("update alembic_version set version_num = '9999'")
    with pytest.raises(EngineError) as error:
        store.open()
    assert rule_of(error) == "registry-newer"


def test_two_first_openings_at_once_make_one_registry(store: Store) -> None:
    code = (
        "from datetime import datetime, UTC; from foreview.registry import Registry; "
        f"registry = Registry('{store.owner()}', lambda: datetime.now(UTC)); "
        f"[registry.record_event('{store.owner_name}', 'export', {{}}) for _ in range(5)]"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], env=ENVIRONMENT) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]
    registry = store.open()
    assert len(registry.events()) == 10
    assert registry.verify_events() == []


def test_a_clock_without_a_time_zone_is_refused(store: Store) -> None:
    registry = store.open(lambda: datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="aware"):
        registry.record_event("anna", "export", {})


# Change sets


def test_a_change_set_comes_back_as_it_was_and_twice_is_once(registry: Registry) -> None:
    assert registry.record_change_set(BASELINE) is True
    assert registry.record_change_set(BASELINE) is False
    back = registry.change_set(BASELINE.id)
    assert back == BASELINE
    assert back.content == BASELINE.content
    assert len(registry.change_sets()) == 1
    assert len(registry.events()) == 1


def test_a_change_set_is_found_by_the_beginning_of_its_id(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    assert registry.change_set(EDIT.id[:6].upper()) == EDIT


def test_an_unknown_id_is_refused_and_names_near_ones(registry: Registry) -> None:
    with pytest.raises(RefusedError) as error:
        registry.change_set("1234")
    assert rule_of(error) == "unknown-change-set"
    registry.record_change_set(EDIT)
    mistyped = EDIT.id[:-1] + ("0" if EDIT.id[-1] != "0" else "1")
    for one in (mistyped, "", "%"):
        with pytest.raises(RefusedError) as error:
            registry.change_set(one)
        assert rule_of(error) == "unknown-change-set"
        assert EDIT.id in error.value.problems[0].fix


def test_a_beginning_of_several_ids_is_refused_and_names_them(registry: Registry) -> None:
    ids: dict[str, str] = {}
    number = 0
    while True:
        one = change_set(modified("C1", "FOX", f"N{number}"))
        registry.record_change_set(one)
        if one.id[0] in ids:
            break
        ids[one.id[0]] = one.id
        number += 1
    with pytest.raises(RefusedError) as error:
        registry.change_set(one.id[0])
    assert rule_of(error) == "ambiguous-change-set"
    assert one.id in error.value.problems[0].fix
    assert ids[one.id[0]] in error.value.problems[0].fix


def test_the_list_shows_each_change_set_with_its_status(registry: Registry) -> None:
    promoted(registry)
    rejected = change_set(modified("C1", "ABC", "NBC"))
    withdrawn = change_set(modified("C1", "ABC", "CBS"))
    waiting = change_set(added("o1", "x", "owner"), added("C9", "FOX"))
    for one in (rejected, withdrawn, waiting):
        registry.record_change_set(one)
    registry.record_review(rejected.id, "bert", "reject", comment="no letter")
    registry.record_review(withdrawn.id, "anna", "withdraw")
    listed = {one.id: one for one in registry.change_sets()}
    assert [one.status for one in registry.change_sets()] == [
        "promoted",
        "promoted",
        "rejected",
        "withdrawn",
        "pending",
    ]
    assert listed[EDIT.id].release == 2
    assert listed[EDIT.id].created_at == "2026-04-08T10:00:03.000000+00:00"
    assert listed[waiting.id].dimensions == ("channel", "owner")
    assert listed[waiting.id].changes == 2
    assert listed[waiting.id].release is None
    assert registry.status(rejected.id) == "rejected"


def test_pending_gives_what_may_still_be_promoted(registry: Registry) -> None:
    promoted(registry)
    approved = change_set(modified("C1", "ABC", "NBC"))
    other = change_set(added("o1", "x", "owner"))
    rejected = change_set(modified("C2", None, "CBS"))
    for one in (approved, other, rejected):
        registry.record_change_set(one)
    approve(registry, approved)
    registry.record_review(rejected.id, "bert", "reject")
    assert registry.pending() == [approved, other]
    assert registry.pending("owner") == [other]
    assert registry.pending("area") == []


# Reviews


def test_the_author_cannot_approve_not_even_in_capitals(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    for reviewer in ("anna", "Anna"):
        with pytest.raises(RefusedError) as error:
            approve(registry, EDIT, reviewer)
        assert rule_of(error) == "own-change-set"
    assert registry.status(EDIT.id) == "pending"
    assert registry.approval(EDIT.id) is None


def test_only_the_author_withdraws(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    with pytest.raises(RefusedError) as error:
        registry.record_review(EDIT.id, "bert", "withdraw")
    assert rule_of(error) == "not-author"


def test_approving_needs_a_preview_record_of_that_change_set(registry: Registry) -> None:
    other = change_set(modified("C1", "FOX", "NBC"))
    registry.record_change_set(EDIT)
    registry.record_change_set(other)
    registry.record_receipt(receipt_of(other.id), actor="bert")
    for checksum, rule in ((None, "no-receipt"), ("d" * 64, "no-receipt"), ("c" * 64, "other")):
        with pytest.raises(RefusedError) as error:
            registry.record_review(EDIT.id, "bert", "approve", receipt_checksum=checksum)
        assert rule_of(error).startswith(rule)
    assert registry.reviews(EDIT.id) == []


def test_an_approval_keeps_what_it_was_bound_to(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    registry.record_receipt(receipt_of(EDIT.id), actor="bert")
    given = registry.record_review(
        EDIT.id[:8],
        "bert",
        "approve",
        receipt_checksum="c" * 64,
        contracts={"channel": "a" * 64},
        comment="seen",
    )
    assert registry.approval(EDIT.id) == given
    assert given.change_set_id == EDIT.id
    assert given.contracts == {"channel": "a" * 64}


def test_an_approved_change_set_can_be_rejected_or_withdrawn_but_not_approved_again(
    registry: Registry,
) -> None:
    registry.record_change_set(EDIT)
    approve(registry, EDIT)
    with pytest.raises(RefusedError) as error:
        approve(registry, EDIT, "cleo")
    assert rule_of(error) == "not-pending"
    assert error.value.problems[0].value == "approved"
    registry.record_review(EDIT.id, "cleo", "reject")
    assert registry.status(EDIT.id) == "rejected"
    assert registry.approval(EDIT.id) is None
    for decision in ("approve", "reject", "withdraw"):
        with pytest.raises(RefusedError) as error:
            registry.record_review(EDIT.id, "anna", decision)
        assert rule_of(error) == "not-pending"


def test_a_promoted_change_set_cannot_be_reviewed(registry: Registry) -> None:
    promoted(registry)
    with pytest.raises(RefusedError) as error:
        registry.record_review(EDIT.id, "anna", "withdraw")
    assert rule_of(error) == "not-pending"
    assert "promoted" in error.value.problems[0].message


def test_an_unknown_decision_is_a_mistake_of_the_caller(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    with pytest.raises(ValueError, match="approve"):
        registry.record_review(EDIT.id, "bert", "aprove")


# Preview records


def test_the_newest_preview_record_of_exactly_those_change_sets_is_found(
    registry: Registry,
) -> None:
    registry.record_change_set(EDIT)
    registry.record_change_set(BASELINE)
    assert registry.record_receipt(receipt_of(EDIT.id), actor="anna") is True
    assert registry.record_receipt(receipt_of(EDIT.id), actor="anna") is False
    registry.record_receipt(receipt_of(EDIT.id, checksum="d" * 64, batch=2), actor="anna")
    both = receipt_of(EDIT.id, BASELINE.id, checksum="e" * 64)
    registry.record_receipt(both, actor="anna")
    found = registry.latest_receipt([EDIT.id])
    assert found is not None
    assert (found.checksum, found.horizon_batch) == ("d" * 64, 2)
    pair = registry.latest_receipt([BASELINE.id[:8], EDIT.id])
    assert pair is not None
    assert pair.change_set_ids == tuple(sorted((EDIT.id, BASELINE.id)))
    assert pair.content == {"figures": 3}
    assert registry.latest_receipt([BASELINE.id]) is None


def test_a_preview_may_need_other_reviewers_by_now(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    first = receipt_of(EDIT.id)
    registry.record_receipt(first, actor="anna")
    again = {**first, "content": {**first["content"], "review": {"reviewers": 2}}}
    assert not registry.record_receipt(again, actor="anna")


def test_one_checksum_cannot_stand_for_two_previews(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    registry.record_receipt(receipt_of(EDIT.id), actor="anna")
    with pytest.raises(RefusedError) as error:
        registry.record_receipt(receipt_of(EDIT.id, batch=2), actor="anna")
    assert rule_of(error) == "receipt-differs"


# Releases


def test_releases_are_numbered_from_one_and_hold_their_change_sets(registry: Registry) -> None:
    assert (registry.latest_release(), registry.next_release()) == (0, 1)
    promoted(registry)
    assert (registry.latest_release(), registry.next_release()) == (2, 3)
    release = registry.release(2)
    assert release.change_set_ids == (EDIT.id,)
    assert (release.publication, release.kind, release.promoted_by) == (2, "promotion", "cleo")
    assert registry.release_change_sets() == [BASELINE, EDIT]
    assert registry.release_change_sets(1) == [BASELINE]


@pytest.mark.parametrize("number", [0, 3, -1])
def test_an_unknown_release_is_refused(registry: Registry, number: int) -> None:
    promoted(registry)
    with pytest.raises(RefusedError) as error:
        registry.release(number)
    assert rule_of(error) == "unknown-release"


def test_a_change_set_is_promoted_only_approved_only_once_and_only_as_the_next_release(
    registry: Registry,
) -> None:
    promoted(registry)
    waiting = change_set(modified("C1", "ABC", "NBC"))
    registry.record_change_set(waiting)
    refusals = [
        (3, [waiting.id], "not-approved"),
        (3, [EDIT.id], "already-promoted"),
        (3, [], "no-change-set"),
        (3, ["ffff"], "unknown-change-set"),
    ]
    for number, ids, rule in refusals:
        with pytest.raises(RefusedError) as error:
            registry.record_release(number, ids, kind="promotion", publication=3, actor="cleo")
        assert rule_of(error) == rule
    approve(registry, waiting)
    with pytest.raises(RefusedError) as error:
        registry.record_release(2, [waiting.id], kind="promotion", publication=3, actor="cleo")
    assert rule_of(error) == "release-number"
    assert registry.latest_release() == 2


def test_approved_rows_are_the_promoted_change_sets_replayed(registry: Registry) -> None:
    promoted(registry)
    registry.record_change_set(change_set(modified("C2", None, "NBC")))
    rows, last = registry.approved_rows("channel")
    assert {identity[0]: row["network"] for identity, row in rows.items()} == {
        "C1": "ABC",
        "C2": None,
    }
    assert last == {("C1", BEGINNING): EDIT.id, ("C2", BEGINNING): BASELINE.id}
    earlier, _ = registry.approved_rows("channel", release=1)
    assert earlier[("C1", BEGINNING)]["network"] == "FOX"
    assert registry.approved_rows("channel", release=0) == ({}, {})
    assert registry.approved_rows("owner") == ({}, {})


def test_history_tells_who_why_and_from_which_cell(registry: Registry) -> None:
    promoted(registry)
    waiting = change_set(modified("C1", "ABC", "NBC"), author="dora")
    registry.record_change_set(waiting)
    first, second, third = registry.history("channel", "C1")
    assert (first.kind, first.release, first.reviewer) == ("baseline", 1, None)
    assert second.change == EDIT.changes[0]
    assert second.change.cells == {"network": "Channel!C5"}
    assert (second.author, second.reviewer, second.release) == ("anna", "bert", 2)
    assert (second.source_name, second.source_hash) == (EDIT.source_name, EDIT.source_hash)
    assert second.promoted_at == registry.release(2).promoted_at
    assert (third.author, third.status, third.release) == ("dora", "pending", None)
    assert registry.history("channel", ("C1",)) == [first, second, third]
    assert registry.history("channel", "c1") == []
    assert registry.history("owner", "C1") == []


# Promotions


def test_a_promotion_killed_midway_is_found_and_taken_up_again(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    approve(registry, EDIT)
    assert registry.unfinished_promotion() is None
    assert registry.begin_promotion([EDIT.id], actor="cleo") == 1
    registry.record_step(1, "seeds", "done", actor="cleo", detail={"rows": 2})
    unfinished = registry.unfinished_promotion()
    assert unfinished is not None
    assert unfinished.release == 1
    assert unfinished.detail["change_sets"] == [EDIT.id]
    assert registry.begin_promotion([EDIT.id[:8]], actor="cleo") == 1
    assert [(one.step, one.state) for one in registry.steps(1)] == [
        ("promotion", "begun"),
        ("seeds", "done"),
    ]
    registry.record_release(1, [EDIT.id], kind="promotion", publication=1, actor="cleo")
    assert registry.unfinished_promotion() is None
    assert len(registry.steps(1)) == 2


def test_a_second_promotion_waits_for_the_first_until_that_is_abandoned(
    registry: Registry,
) -> None:
    other = change_set(modified("C2", None, "NBC"))
    for one in (EDIT, other):
        registry.record_change_set(one)
        approve(registry, one)
    registry.begin_promotion([EDIT.id], actor="cleo")
    with pytest.raises(RefusedError) as error:
        registry.begin_promotion([other.id], actor="cleo")
    assert rule_of(error) == "promotion-unfinished"
    assert EDIT.id in error.value.problems[0].message
    registry.abandon_promotion(1, actor="cleo")
    assert registry.unfinished_promotion() is None
    assert registry.steps(1) == []
    assert registry.begin_promotion([other.id], actor="cleo") == 1


def test_a_step_of_a_promotion_that_never_began_is_refused(registry: Registry) -> None:
    with pytest.raises(RefusedError) as error:
        registry.record_step(1, "seeds", "done", actor="cleo")
    assert rule_of(error) == "promotion-not-begun"


def test_only_approved_change_sets_begin_a_promotion(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    with pytest.raises(RefusedError) as error:
        registry.begin_promotion([EDIT.id], actor="cleo")
    assert rule_of(error) == "not-approved"
    registry.record_change_set(BASELINE)
    assert registry.begin_promotion([BASELINE.id], actor="anna", kind="baseline") == 1


# Nothing is ever erased


@pytest.fixture
def everything(registry: Registry) -> Registry:
    promoted(registry)
    other = change_set(modified("C1", "ABC", "NBC"))
    registry.record_change_set(other)
    approve(registry, other)
    registry.begin_promotion([other.id], actor="cleo")
    days = ("2026-04-01", "2026-04-30")
    registry.record_calendar("mart", "*", *days, "published", reason="", actor="cleo")
    return registry


@pytest.mark.parametrize("table", sorted(METADATA.tables))
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_what_was_recorded_cannot_be_changed_through_sql(
    everything: Registry, store: Store, table: str, verb: str
) -> None:
    first = METADATA.tables[table].columns.keys()[0]
    statement = {
        "update": f"update {table} set `{first}` = `{first}`",  # noqa: S608
        "delete": f"delete from {table}",  # noqa: S608
    }
    with pytest.raises(store.error, match="append-only"):
        store.run(statement[verb])


def test_a_whole_log_has_no_problems(everything: Registry) -> None:
    assert everything.verify_events() == []
    kinds = [one.kind for one in everything.events()]
    assert kinds[:4] == [
        "change-set-recorded",
        "release-recorded",
        "change-set-recorded",
        "receipt-recorded",
    ]
    assert [one.sequence for one in everything.events()] == list(range(1, len(kinds) + 1))


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["update events set actor = 'eve' where sequence = 3"], "Event 3 was changed"),
        (["update events set payload = '{}' where sequence = 1"], "Event 1 was changed"),
        (["update events set hash = previous_hash where sequence = 2"], "Event 2 was changed"),
        (["delete from events where sequence = 4"], "Event 4 is missing"),
        (["delete from events where sequence = 1"], "Event 1 is missing"),
        (
            [
                "update events set sequence = -2 where sequence = 2",
                "update events set sequence = 2 where sequence = 3",
                "update events set sequence = 3 where sequence = -2",
            ],
            "Event 2 was changed",
        ),
        (
            [
                "delete from events where sequence = 4",
                "update events set sequence = sequence - 1 where sequence > 4",
            ],
            "Event 4 was changed",
        ),
        (
            ["delete from events where sequence >= 5"],
            "has no event: the log's end was cut off",
        ),
        (["delete from events"], "has no event"),
    ],
)
def test_the_first_event_that_was_tampered_with_is_named(
    everything: Registry, store: Store, statements: list[str], message: str
) -> None:
    store.tamper(*statements)
    (problem,) = everything.verify_events()
    assert problem.rule == "event-log"
    assert message in problem.message


def test_any_value_that_was_changed_is_named(everything: Registry, store: Store) -> None:
    said = {"release_change_sets": "reference version", "changes": "changes of", "events": "event"}
    for table in METADATA.sorted_tables:
        for column in table.columns:
            name = column.name
            is_number = isinstance(column.type, sa.Integer)
            kept = f"substr(coalesce(`{name}`, ''), 2)"
            other = f"coalesce(`{name}`, 0) + 1000" if is_number else store.joined("'x'", kept)
            problems = problems_after(store, table.name, f"set `{name}` = {other}")
            told = " ".join(one.message for one in problems).lower()
            assert said.get(table.name, table.name) in told, (table.name, name)


def test_rows_that_are_gone_are_named(everything: Registry, store: Store) -> None:
    for table in METADATA.sorted_tables:
        assert problems_after(store, table.name, None), table.name


def problems_after(store: Store, table: str, change: str | None) -> list[Problem]:
    """Return what is wrong with a registry after a change of a table, or without its rows."""
    statement = " ".join(("update", table, change) if change else ("delete from", table))
    with store.tampered(table, statement) as registry:
        return registry.verify_events()


def test_an_event_that_was_changed_and_hashed_again_is_still_noticed(
    everything: Registry, store: Store
) -> None:
    third = asdict(everything.events()[2]) | {"actor": "eve"}
    del third["hash"]
    content = canonical(third | {"payload": canonical(third["payload"])})
    forged = hashlib.sha256(content.encode()).hexdigest()
    statement = f"update events set actor = 'eve', hash = '{forged}' where sequence = 3"  # noqa: S608
    store.tamper(statement)
    (problem,) = everything.verify_events()
    assert "Event 4 does not follow event 3" in problem.message


def test_a_change_set_whose_content_was_changed_is_not_believed(
    everything: Registry, store: Store
) -> None:
    store.tamper("update change_sets set content = replace(content, 'ABC', 'NBC')")
    for ask in (
        lambda: everything.change_set(EDIT.id),
        lambda: everything.approved_rows("channel"),
    ):
        with pytest.raises(EngineError) as error:
            ask()
        assert rule_of(error) == "registry-tampered"
        assert EDIT.id in str(error.value)


def test_a_refusal_records_nothing_not_even_an_event(registry: Registry) -> None:
    registry.record_change_set(EDIT)
    count = len(registry.events())
    with pytest.raises(RefusedError):
        registry.record_review(EDIT.id, "anna", "approve")
    assert len(registry.events()) == count
