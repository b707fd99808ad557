"""Generated schedules: they keep their own rules, meet the viewing, and can go wrong on request."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from networks import load_without_engine, run

from conftest import PROJECT, make_workspace
from foreview.changes import Edit, apply, changes_of, make_state
from foreview.contract import load_contracts
from foreview.generate.airings import BREAK, LAYERS, PROGRAMME, SPOT, airing_rows
from foreview.generate.faults import Fault, fault_edits
from foreview.generate.invent import Row
from foreview.generate.market import open_keys, sample_rows
from foreview.generate.viewing import by_popularity
from foreview.row_rules import check_state, merged_intervals
from foreview.submission import baseline_change_set, read_change_set
from foreview.viewing import BroadcastCalendar

CONTRACTS = load_contracts(PROJECT)
AIRING = CONTRACTS["airing"]
SAMPLE = sample_rows(7)
CHANNELS = by_popularity(open_keys(SAMPLE["channel"], "channel_id"), 7)
PARENTS = {
    name: merged_intervals(CONTRACTS[name], make_state(CONTRACTS[name], SAMPLE[name]))
    for name in ("channel", "programme")
}
CALENDAR = BroadcastCalendar("America/New_York")
APRIL = date(2026, 4, 1)


def generated(
    channels: Sequence[str],
    first_day: date = APRIL,
    days: int = 1,
    layers: Sequence[str] = (PROGRAMME,),
    seed: int = 7,
) -> list[Row]:
    return airing_rows(
        seed,
        channel_ids=channels,
        programme_ids=open_keys(SAMPLE["programme"], "programme_id"),
        first_day=first_day,
        days=days,
        calendar=CALENDAR,
        layers=layers,
    )


WEEK = generated(CHANNELS[:40], days=7)
LAYERED = generated(CHANNELS[:2], days=2, layers=LAYERS)


def at(text: str | None) -> datetime:
    return datetime.fromisoformat(text or "")


def length(row: Row) -> timedelta:
    return at(row["ends_at"]) - at(row["starts_at"])


@pytest.mark.parametrize("rows", [WEEK, LAYERED], ids=["programmes", "all layers"])
def test_a_generated_schedule_keeps_every_rule_of_its_contract(rows: list[Row]) -> None:
    state = make_state(AIRING, rows)
    assert len(state) == len(rows)
    assert check_state(AIRING, state, state, PARENTS) == []
    for row in rows:
        assert tuple(row) == AIRING.row_columns
        for column in AIRING.columns:
            assert column.canonical(row[column.name]) == row[column.name]


def test_the_demos_schedule_is_small_and_fills_most_of_the_day() -> None:
    assert 5_000 < len(WEEK) < 10_000
    filled = sum((length(row) for row in WEEK), timedelta()) / timedelta(days=7 * 40)
    assert 0.8 < filled < 0.95
    assert {length(row) // timedelta(minutes=30) for row in WEEK} == {1, 2, 3, 4}


def test_same_seed_same_rows_whatever_else_is_generated() -> None:
    channel, day = CHANNELS[3], "2026-04-03"
    alone = generated([channel], date.fromisoformat(day))
    assert alone == [row for row in WEEK if f"{channel}:{day}" in (row["airing_id"] or "")]
    assert alone != generated([channel], date.fromisoformat(day), seed=8)


def test_series_recur_daily_at_the_same_time() -> None:
    seen = Counter(
        (row["channel_id"], (row["starts_at"] or "")[11:], row["programme_id"]) for row in WEEK
    )
    assert sum(1 for days in seen.values() if days >= 6) > 300


def test_breaks_lie_within_programmes_and_spots_within_breaks() -> None:
    layers = {
        layer: [row for row in LAYERED if row["layer"] == layer]
        for layer in (PROGRAMME, BREAK, SPOT)
    }
    assert len(layers[SPOT]) > len(layers[BREAK]) > len(layers[PROGRAMME]) > 0
    for inner, outer in ((BREAK, PROGRAMME), (SPOT, BREAK)):
        for row in layers[inner]:
            around = [
                one
                for one in layers[outer]
                if one["channel_id"] == row["channel_id"]
                and at(one["starts_at"]) <= at(row["starts_at"])
                and at(row["ends_at"]) <= at(one["ends_at"])
            ]
            assert len(around) == 1


@pytest.mark.parametrize(
    ("day", "starts", "hours"), [("2026-03-07", "10:00", 23), ("2026-10-31", "09:00", 25)]
)
def test_airings_stay_within_days_of_23_and_25_hours(day: str, starts: str, hours: int) -> None:
    rows = generated(CHANNELS[:40], date.fromisoformat(day))
    begins = at(f"{day} {starts}:00")
    assert min(at(row["starts_at"]) for row in rows) == begins
    assert max(at(row["ends_at"]) for row in rows) == begins + timedelta(hours=min(hours, 24))


def after(rows: list[Row], edits: list[Edit]) -> list[Row]:
    state = make_state(AIRING, rows)
    changes = [one for edit in edits for one in changes_of(AIRING, edit, state)[0]]
    edited, conflicts = apply(state, changes)
    assert conflicts == []
    assert check_state(AIRING, edited, [one.identity for one in changes], PARENTS) == []
    assert edited != state
    return [dict(edited[one]) for one in sorted(edited)]


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("rows", [WEEK, LAYERED], ids=["programmes", "all layers"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_fault_can_be_set_right_without_an_overlap(
    fault: Fault, rows: list[Row], seed: int
) -> None:
    edits = fault_edits(fault, rows, seed=seed)
    assert edits == fault_edits(fault, list(reversed(rows)), seed=seed)
    set_right = after(rows, edits)
    programmes = [sum(row["layer"] == PROGRAMME for row in one) for one in (rows, set_right)]
    more = {Fault.SPLIT: 1, Fault.CANCELLED: -1}.get(fault, 0)
    assert programmes[1] - programmes[0] == more


def test_a_fault_is_on_the_channel_asked_for() -> None:
    for fault, channel in itertools.product(Fault, CHANNELS[:5]):
        for edit in fault_edits(fault, WEEK, channel_id=channel):
            assert channel in (edit.base.get("channel_id"), edit.values.get("channel_id"))


def test_breaks_go_with_the_programme_that_was_moved() -> None:
    edits = fault_edits(Fault.MOVED, LAYERED)
    moves = {at(edit.values["starts_at"]) - at(edit.base["starts_at"]) for edit in edits}
    assert len(edits) > 10
    assert len(moves) == 1


def test_swapped_programmes_take_each_others_place() -> None:
    one, other = fault_edits(Fault.SWAPPED, WEEK)
    assert other.values["starts_at"] == one.base["starts_at"]
    assert other.values["ends_at"] == one.values["starts_at"]
    assert one.values["ends_at"] == other.base["ends_at"]


def test_a_fault_that_can_be_nowhere_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="no airing can have been swapped"):
        fault_edits(Fault.SWAPPED, [])


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_is_a_workbook_that_an_analyst_submits_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.chdir(PROJECT)
    workspace = make_workspace(tmp_path, "faults")
    tables: dict[str, Any] = {**SAMPLE, "airing": WEEK}
    load_without_engine(workspace, baseline_change_set(workspace, tables, tmp_path / "all.csv"))
    file = tmp_path / "fault.xlsx"
    done = run(workspace, "schedule-fault", fault.value, "-o", str(file), "--seed", "3")
    assert done.exit_code == 0, done.output
    found = read_change_set(workspace, file, None)
    assert (found.reason, found.dimensions) == (f"an airing was {fault.value}", ("airing",))
    airings, _ = workspace.registry.approved_rows("airing")
    now = airings
    for edit in fault_edits(fault, WEEK, seed=3):
        now, _ = apply(now, changes_of(AIRING, edit, now)[0])
    assert apply(airings, found.changes)[0] == now
    none = run(workspace, "schedule-fault", fault.value, "-o", str(file), "--channel", "NONE")
    assert "no-fault" in none.stderr
