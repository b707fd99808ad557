"""A registry on a server: who signs in, what its errors say, backups, and values of all kinds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from registries import Clock, ServerStore
from test_registry import added, change_set, promoted, rule_of, tables_of

from foreview.errors import EngineError
from foreview.mariadb_server import Server
from foreview.registry import Registry
from foreview.registry.server import user_of


@pytest.fixture
def store(mariadb: Server) -> ServerStore:
    return ServerStore(mariadb, "registry")


HOSTILE = [
    "'; drop table events; --",
    'a "quote", a `tick` and a \\ at the end\\',
    "50% of %s and %(name)s, :name, {name}, ?",
    "📺 電視 ñ e\u0301 \u200b",
    "line\nbreak\ttab\r\n",
    "NULL",
    "\x00 in the middle",
    "x" * 32_767,
    " blanks at both ends ",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_comes_back_as_it_was(store: ServerStore, text: str) -> None:
    registry = store.open()
    edit = change_set(added(text[:100], text), author="anna")
    registry.record_change_set(edit)
    registry.record_event("anna", "export", {"text": text})
    assert registry.change_set(edit.id) == edit
    assert [one.change for one in registry.history("channel", text[:100])] == list(edit.changes)
    assert registry.events()[-1].payload == {"text": text}
    assert registry.verify_events() == []


def test_codes_that_differ_in_capitals_or_blanks_only_are_others(store: ServerStore) -> None:
    registry = store.open()
    registry.record_change_set(change_set(*(added(one, "X") for one in ("a", "A", "a ", "á"))))
    for one in ("a", "A", "a ", "á"):
        assert [found.change.identity[0] for found in registry.history("channel", one)] == [one]


def test_what_is_too_long_is_said_and_not_cut(store: ServerStore) -> None:
    registry = store.open()
    with pytest.raises(EngineError) as error:
        registry.record_event("anna", "k" * 65, {})
    assert rule_of(error) == "too-long-to-record"
    assert registry.events() == []


def test_a_dump_restored_elsewhere_is_a_registry_that_verify_accepts(
    store: ServerStore, mariadb: Server
) -> None:
    promoted(store.open())
    other = ServerStore(mariadb, "restored")
    defaults = f"--defaults-file={mariadb.defaults_file}"
    dump = subprocess.run(
        ["mariadb-dump", defaults, "--single-transaction", "--triggers", store.database],
        check=True,
        capture_output=True,
    )
    subprocess.run(["mariadb", defaults, other.database], input=dump.stdout, check=True)
    restored = other.open()
    assert tables_of(other) == tables_of(store)
    assert restored.verify_events() == []
    restored.record_event("anna", "export", {})
    with pytest.raises(store.error, match="append-only"):
        other.run("delete from events")


def test_somebody_else_who_writes_for_long_is_waited_for_then_named(
    store: ServerStore, mariadb: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = store.open()
    monkeypatch.setattr("foreview.registry.server.LOCK_SECONDS", 0)
    with mariadb.connect() as other, other.cursor() as cursor:
        cursor.execute(f"select get_lock('foreview.{store.database}', 0)")
        with pytest.raises(EngineError) as error:
            registry.record_event("anna", "export", {})
    assert rule_of(error) == "registry-busy"
    registry.record_event("anna", "export", {})  # the lock went with who held it


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("anna@", "anna:wrong@"), "registry-login"),
        (("/registry", "/nowhere"), "registry-unreadable"),
        (("/registry", "/mysql"), "registry-denied"),
        (("PORT", "1"), "registry-lost"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_without_the_password(
    store: ServerStore, mariadb: Server, change: tuple[str, str], rule: str
) -> None:
    address = f"mariadb://anna@{mariadb.host}:PORT/registry".replace(*change)
    with pytest.raises(EngineError) as error:
        Registry(address.replace("PORT", str(mariadb.port)), Clock())
    assert rule_of(error) == rule
    assert "wrong" not in str(error.value)


def test_user_and_password_can_come_from_a_file(
    store: ServerStore, mariadb: Server, tmp_path: Path
) -> None:
    address = f"mariadb://{mariadb.host}:{mariadb.port}/registry"
    assert user_of(address) is None
    in_file = f"{address}?read_default_file={mariadb.defaults_file}"
    assert user_of(in_file) == mariadb.user
    Registry(in_file, Clock(), actor="ignored").record_event(mariadb.user, "export", {})
    assert user_of(address.replace("://", "://eve@")) == "eve"
    nobody = tmp_path / "nobody.cnf"
    nobody.write_text("[client]\nport = 1\n")
    by_actor = Registry(f"{address}?read_default_file={nobody}", Clock(), actor="anna")
    by_actor.record_event("anna", "export", {})


def test_a_large_first_load_is_one_transaction(store: ServerStore) -> None:
    registry = store.open()
    rows = [added(f"C{number}", f"N{number % 50}") for number in range(12_000)]
    load = change_set(*rows, kind="baseline")
    registry.record_change_set(load)
    assert registry.change_set(load.id) == load
    assert registry.verify_events() == []
