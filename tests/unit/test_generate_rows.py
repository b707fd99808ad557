"""The sample market: it keeps its own contracts, and the same seed gives the same bytes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from foreview.changes import make_state
from foreview.contract import BEGINNING, load_contracts
from foreview.errors import RefusedError
from foreview.generate.market import (
    channel_ids_of,
    open_keys,
    sample_rows,
    write_sample_baseline,
    write_sample_seeds,
)
from foreview.row_rules import check_state, merged_intervals

PROJECT = Path(__file__).parents[2]
CONTRACTS = load_contracts(PROJECT)
SEED = 7


def test_the_sample_has_rows_for_every_contract_that_is_not_of_certain_days() -> None:
    sample = sample_rows(SEED)
    assert set(CONTRACTS) - set(sample) == {"airing"}
    for dimension, rows in sample.items():
        columns = CONTRACTS[dimension].row_columns
        assert rows
        assert all(tuple(row) == columns for row in rows), dimension


@pytest.mark.parametrize("seed", [1, SEED, 20260401])
def test_sample_rows_keep_every_rule_of_their_contracts(seed: int) -> None:
    states = {
        dimension: make_state(CONTRACTS[dimension], rows)
        for dimension, rows in sample_rows(seed).items()
    }
    parents = {
        dimension: merged_intervals(CONTRACTS[dimension], state)
        for dimension, state in states.items()
    }
    for dimension, state in states.items():
        contract = CONTRACTS[dimension]
        assert len(state) == len(sample_rows(seed)[dimension])
        assert check_state(contract, state, list(state), parents) == []
        for row in state.values():
            for column in contract.columns:
                assert column.canonical(row[column.name]) == row[column.name]


def test_sample_rows_show_what_real_tables_hold() -> None:
    sample = sample_rows(SEED)
    channels = sample["channel"]
    assert 600 <= len({row["channel_id"] for row in channels}) <= 610
    without_network = sum(row["network_id"] is None for row in channels) / len(channels)
    assert 0.6 < without_network < 0.72
    assert any(";" in (row["owners"] or "") for row in channels)
    assert any(";" in (row["categories"] or "") for row in channels)
    assert {"NA"} <= {row["country_id"] for row in sample["country"]}
    assert any(row["market_id"] is None for row in sample["area"])
    assert len(sample["channel_key"]) == 3
    for dimension in ("channel", "area", "network"):
        assert any(row["valid_to"] for row in sample[dimension])
        assert any(row["valid_from"] != BEGINNING for row in sample[dimension])


def test_another_seed_gives_another_market() -> None:
    assert sample_rows(1) == sample_rows(1)
    assert sample_rows(1)["channel"] != sample_rows(2)["channel"]


def test_seed_files_are_plain_small_and_say_where_rows_come_from(tmp_path: Path) -> None:
    written = write_sample_seeds(tmp_path, CONTRACTS, SEED)
    assert {path.stem for path in written} == {
        name for name, contract in CONTRACTS.items() if contract.storage == "seed"
    }
    for path in written:
        content = path.read_bytes()
        assert b"\r" not in content
        assert len(content) < 100_000
        assert content.decode().splitlines()[0].endswith(",change_set_id")
        assert content.decode().splitlines()[1].endswith(",sample")


def test_a_baseline_file_brings_the_history_of_a_dimension(tmp_path: Path) -> None:
    path = write_sample_baseline(tmp_path / "channels.csv", CONTRACTS["channel"], SEED)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(sample_rows(SEED)["channel"])
    assert list(rows[0])[:2] == ["id", "name"]
    assert list(rows[0])[-2:] == ["valid_from", "valid_to"]


def test_channel_codes_come_from_several_files_each_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\nB.us,b\nNA,n\n", encoding="utf-8")
    history = "channel_id,valid_to\nB.us,2026-01-01\nB.us,\nC.us,2026-01-01\n"
    (tmp_path / "b.csv").write_text(history, encoding="utf-8")
    assert channel_ids_of([tmp_path / "a.csv", tmp_path / "b.csv"]) == ["B.us", "NA"]


def test_a_file_without_channel_codes_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("code\nA\n", encoding="utf-8")
    with pytest.raises(RefusedError) as caught:
        channel_ids_of([path])
    assert caught.value.problems[0].where == str(path)


def test_closed_codes_are_not_drawn() -> None:
    rows = [{"id": "A", "valid_to": "2026-01-01"}, {"id": "B", "valid_to": None}]
    assert open_keys(rows, "id") == ["B"]
