"""Many analysts at once on a registry on a server that keeps failing under them."""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pymysql
from registries import ServerStore
from test_registry import change_set, modified, receipt_of

from foreview.changes import ChangeSet
from foreview.errors import ForeviewError
from foreview.mariadb_server import Server
from foreview.registry import Registry
from foreview.registry.rights import statements_for

IS_LONG = "FOREVIEW_SOAK" in os.environ
ANALYSTS, TURNS, DEATHS = (16, 40, 10) if IS_LONG else (6, 6, 2)


@dataclass
class Told:
    """What one analyst was told: done, not done, or nobody knows."""

    recorded: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)


def test_nothing_is_lost_or_doubled_when_connections_and_the_server_are_killed(
    lasting_server: Server,
) -> None:
    store = ServerStore(lasting_server, "busy")
    names = [f"analyst{one}" for one in range(ANALYSTS)]
    Registry(store.owner(), now)
    for name in names:
        account = f"{name}@'127.0.0.1'"
        grants = statements_for(store.owner(), name, ("analyst", "reviewer"), "127.0.0.1")
        store.run(f"create user {account}", *grants)
    draw = random.Random(7)
    with ThreadPoolExecutor(ANALYSTS) as pool:
        opened = [Registry(store.url, now, actor=name) for name in names]
        working = [pool.submit(work, *one) for one in zip(opened, names, strict=True)]
        for death in range(DEATHS):
            wait_until(working, (death + 1) / (DEATHS + 1), lasting_server, draw)
            lasting_server.kill_and_start()
        wait_until(working, 1.0, lasting_server, draw)
    told = [one.result() for one in working]

    registry = Registry(store.owner(), now)
    assert registry.verify_events() == []
    listed = [one.id for one in registry.change_sets()]
    asked = {*own_ids(names)}
    recorded, lost, unknown = (
        {id_ for one in told for id_ in getattr(one, kind)}
        for kind in ("recorded", "lost", "unknown")
    )
    assert len(listed) == len(set(listed))
    assert recorded <= set(listed) <= asked
    assert set(listed) - recorded <= unknown
    assert not lost & set(listed)
    assert recorded | lost | unknown == asked
    failed = {rule for one in told for rule in one.failed}
    # "not-pending": somebody else approved it first.
    assert failed <= {"registry-lost", "registry-unknown", "not-pending"}
    approvals = [
        (one.payload["change_set_id"], one.actor) for one in registry.events("change-set-approve")
    ]
    assert len({id_ for id_, _ in approvals}) == len(approvals)
    assert {id_ for one in told for id_ in one.approved} <= {id_ for id_, _ in approvals}
    assert all(registry.change_set(id_).author != who for id_, who in approvals)
    assert approvals


def now() -> datetime:
    return datetime.now(UTC)


def own_ids(names: list[str]) -> list[str]:
    return [edit_of(name, turn).id for name in names for turn in range(TURNS)]


def edit_of(name: str, turn: int) -> ChangeSet:
    return change_set(modified(f"C{turn}", "FOX", name), author=name)


def work(registry: Registry, name: str) -> Told:
    """Submit change sets, and approve others' in between; say what one was told."""
    draw, told = random.Random(name), Told()
    for turn in range(TURNS):
        edit = edit_of(name, turn)
        try:
            assert registry.record_change_set(edit)
            told.recorded.append(edit.id)
        except ForeviewError as error:
            is_known = error.problems[0].rule == "registry-lost"
            (told.lost if is_known else told.unknown).append(edit.id)
        try:
            others = [one.id for one in registry.pending() if one.author != name]
            if others:
                other = draw.choice(others)
                checksum = other * 4
                registry.record_receipt(receipt_of(other, checksum=checksum), actor=name)
                registry.record_review(other, name, "approve", receipt_checksum=checksum)
                told.approved.append(other)
        except ForeviewError as error:
            told.failed.add(error.problems[0].rule)
    return told


def wait_until(
    working: list[Future[Told]], part: float, server: Server, draw: random.Random
) -> None:
    """Wait until a part of the change sets is there, and kill somebody's connection meanwhile."""
    while True:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from busy.change_sets")
            if cursor.fetchone()[0] >= part * ANALYSTS * TURNS or all(
                one.done() for one in working
            ):
                return
            cursor.execute(
                "select id from information_schema.processlist where user like 'analyst%'"
            )
            ids = [id_ for (id_,) in cursor.fetchall()]
            if ids and draw.random() < 0.5:
                with suppress(pymysql.MySQLError):  # it may have ended
                    cursor.execute(f"kill {draw.choice(ids)}")
        time.sleep(0.2)
