"""A registry in a file: what else may be there, and who else writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from registries import Clock, FileStore
from test_registry import promoted, rule_of

from foreview.errors import EngineError
from foreview.registry import Registry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def registry(path: Path) -> Registry:
    return FileStore(path).open()


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    Registry(f"sqlite:///{tmp_path}/new/folder/registry.db", Clock())
    assert (tmp_path / "new" / "folder" / "registry.db").is_file()


def test_a_file_that_is_no_database_is_named_and_left_alone(path: Path) -> None:
    path.write_text("Dear diary, " * 500)
    with pytest.raises(EngineError) as error:
        Registry(f"sqlite:///{path}", Clock())
    assert rule_of(error) == "registry-unreadable"
    assert str(path) in error.value.problems[0].where
    assert path.read_text() == "Dear diary, " * 500


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("create table songs (title text)")
    other.close()
    with pytest.raises(EngineError) as error:
        Registry(f"sqlite:///{path}", Clock())
    assert rule_of(error) == "registry-unreadable"


def test_a_folder_in_place_of_the_file_is_an_engine_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as error:
        Registry(f"sqlite:///{tmp_path}", Clock())
    assert rule_of(error) == "registry-unreadable"


def test_a_folder_that_cannot_be_made_is_an_engine_error(path: Path) -> None:
    path.write_text("")
    with pytest.raises(EngineError) as error:
        Registry(f"sqlite:///{path}/below/registry.db", Clock())
    assert rule_of(error) == "registry-not-writable"


def test_something_that_is_no_address_is_an_engine_error() -> None:
    for url in ("registry.db", "nosuch://registry", "nosuch://ana:sec@ret@server/registry"):
        with pytest.raises(EngineError) as error:
            Registry(url, Clock())
        assert rule_of(error) == "registry-unreadable"
        assert "ret@" not in str(error.value)


def test_a_registry_that_may_only_be_read_can_be_read_and_says_so_on_writing(
    registry: Registry, path: Path
) -> None:
    promoted(registry)
    only_reading = Registry(f"sqlite:///file:{path}?mode=ro&uri=true", Clock())
    assert only_reading.latest_release() == 2
    with pytest.raises(EngineError) as error:
        only_reading.record_event("anna", "export", {})
    assert rule_of(error) == "registry-not-writable"


def test_a_registry_that_is_being_written_is_waited_for_then_named(
    registry: Registry, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foreview.registry.database.BUSY_MILLISECONDS", 50)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(EngineError) as error:
        registry.record_event("anna", "export", {})
    other.execute("rollback")
    other.close()
    assert rule_of(error) == "registry-busy"
    assert registry.events() == []
