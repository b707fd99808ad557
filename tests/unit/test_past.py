"""What `as-of` is asked and answers, without an engine; the rows themselves are tested with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from networks import network_workspace, run

from conftest import PROJECT
from foreview import past
from foreview.workspace import Workspace


@dataclass(frozen=True)
class Frame:
    """A frame of rows in memory."""

    rows: tuple[dict[str, Any], ...]

    @property
    def columns(self) -> list[str]:
        return list(self.rows[0])

    def orderBy(self, *_: str) -> Frame:  # noqa: N802 - as Spark spells it
        return self

    def limit(self, count: int) -> Frame:
        return Frame(self.rows[:count])

    def collect(self) -> list[dict[str, Any]]:
        return list(self.rows)

    def toArrow(self) -> Any:  # noqa: N802 - as Spark spells it
        return SimpleNamespace(to_pylist=self.collect)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give as many networks to whoever asks; return the instants that the engine was asked for."""
    published = Frame(({"number": 1, "published_at": datetime(2026, 1, 1)},))
    tables = {"foreview_as_of": Frame(tuple({"network_id": f"N{one:02}"} for one in range(60)))}
    spark = SimpleNamespace(table=lambda name: tables.get(name, published))
    found: list[Any] = []
    monkeypatch.setattr(past, "open_engines", lambda _: spark)
    monkeypatch.setattr(past, "run_operation", lambda *_, **named: found.append(named["instant"]))
    return found


def test_machines_get_all_rows_and_people_the_first(workspace: Workspace, asked: list[Any]) -> None:
    command = ("as-of", "network", "--at", "2026-03-01")
    rows = json.loads(run(workspace, *command, "--json").stdout)
    assert [one["network_id"] for one in rows] == [f"N{one:02}" for one in range(60)]
    told = run(workspace, *command).stdout.splitlines()
    assert told[49:] == ["network_id=N49", "The first 50 rows; all: --output FILE.csv"]
    assert asked == ["2026-03-01T00:00:00"] * 2


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ("20260301", "2026-03-01T00:00:00"),
        ("2026-W09-7", "2026-03-01T00:00:00"),
        ("20260301T123000", "2026-03-01T12:30:00"),
        ("2026-03-01T12:30:00.25+02:00", "2026-03-01T10:30:00.250000"),
    ],
)
def test_an_instant_is_spelled_as_every_engine_reads_it(
    workspace: Workspace, asked: list[Any], given: str, handed_on: str
) -> None:
    assert run(workspace, "as-of", "network", "--at", given).exit_code == 0
    assert asked == [handed_on]


@pytest.mark.parametrize("day", ["2026-3-1", "20260301", "2026-02-30", "yesterday", ""])
def test_a_day_that_is_none_is_refused_and_not_compared(
    workspace: Workspace, asked: list[Any], day: str
) -> None:
    command = ("as-of", "network", "--at", "2026-03-01", f"--day={day}", "--json")
    result = run(workspace, *command)
    assert [one["rule"] for one in json.loads(result.stdout)["problems"]] == ["not-a-date"]
    assert (result.exit_code, asked) == (1, [])
