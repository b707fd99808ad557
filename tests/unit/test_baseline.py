"""The first load of a dimension: what is loaded, and what is refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbook_editing import STATION, station

from foreview.baseline import read_rows_csv
from foreview.changes import Row
from foreview.contract import BEGINNING, load_contracts
from foreview.errors import Problem, RefusedError

PROJECT = Path(__file__).parents[2]
REAL = PROJECT.parent / "shared" / "data" / "iptv"
HEADER = "id,name,is_live"


def load(
    tmp_path: Path, content: str | bytes, ignore: tuple[str, ...] = ()
) -> tuple[list[Row], list[Problem]]:
    path = tmp_path / "s.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows, problems = read_rows_csv(path, STATION, ignore=ignore)
    assert all(one.fix and one.message for one in problems)
    return rows, problems


def problems_of(tmp_path: Path, content: str) -> list[tuple[str, str]]:
    _, problems = load(tmp_path, content)
    assert all(one.where.startswith("s.csv line ") for one in problems)
    return [(one.rule, one.where.removeprefix("s.csv line ")) for one in problems]


def test_text_is_loaded_as_it_is_and_blank_is_no_value(tmp_path: Path) -> None:
    content = 'id,name,network_id,is_live\n007,NA,,TRUE\n"=1+1","a ""b"", c",None,false\n'
    assert load(tmp_path, content) == (
        [
            station("007", station_name="NA"),
            station("=1+1", station_name='a "b", c', network_id="None", is_live="false"),
        ],
        [],
    )


def test_byte_order_marks_and_windows_lines_change_nothing(tmp_path: Path) -> None:
    plain = f"{HEADER}\nA,é,true\nB,b,true\n"
    windows = b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode()
    assert load(tmp_path, windows) == load(tmp_path, plain)
    assert len(load(tmp_path, plain)[0]) == 2


def test_columns_may_have_the_contract_s_own_names(tmp_path: Path) -> None:
    assert load(tmp_path, "is_live,station_name,station_id\ntrue,n,A\n") == (
        [station("A", station_name="n")],
        [],
    )


def test_a_file_with_history_brings_its_intervals(tmp_path: Path) -> None:
    content = (
        f"{HEADER},valid_from,valid_to\nA,a,true,,2024-01-01\nA,b,true,2024-01-01,\n"
        "B,b,true,Beginning,\n"
    )
    rows, problems = load(tmp_path, content)
    assert problems == []
    assert [(row["valid_from"], row["valid_to"]) for row in rows] == [
        (BEGINNING, "2024-01-01"),
        ("2024-01-01", None),
        (BEGINNING, None),
    ]


def test_unknown_missing_and_doubled_columns_are_all_named(tmp_path: Path) -> None:
    content = "id,station_id,colour,\nA,A,red,\n"
    _, problems = load(tmp_path, content)
    assert [(one.rule, one.value) for one in problems] == [
        ("duplicate-column", "station_id"),
        ("unknown-column", "colour"),
        ("unknown-column", ""),
        ("column-missing", "name"),
        ("column-missing", "is_live"),
    ]


def test_columns_are_left_out_only_when_asked_for(tmp_path: Path) -> None:
    content = f"{HEADER},colour\nA,a,true,red\n"
    assert problems_of(tmp_path, content) == [("unknown-column", "1")]
    rows, problems = load(tmp_path, content, ("colour",))
    assert (rows, problems) == ([station("A", station_name="a")], [])


def test_lines_are_counted_through_quoted_line_breaks(tmp_path: Path) -> None:
    content = f'{HEADER},rank\nA,"a\nb\n",true,1\n\nB,b,yes,x\nC,c\nA,a,true,\n'
    assert problems_of(tmp_path, content) == [
        ("wrong-type", "6"),
        ("wrong-type", "6"),
        ("ragged-row", "7"),
        ("duplicate-key", "8"),
    ]


def test_a_doubled_key_names_both_lines(tmp_path: Path) -> None:
    content = f"{HEADER},valid_from\nA,a,true,\nA,b,true,beginning\nA,c,true,2024-01-01\n"
    rows, problems = load(tmp_path, content)
    assert len(rows) == 2
    assert [one.where for one in problems] == ["s.csv line 3"]
    assert "line 2" in problems[0].message


def test_a_control_character_is_refused_before_it_reaches_a_workbook(tmp_path: Path) -> None:
    assert problems_of(tmp_path, f"{HEADER}\nA,a\x01b,true\n") == [("wrong-type", "2")]
    assert problems_of(tmp_path, f"{HEADER}\nA,a\0b,true\n") == [("wrong-type", "2")]


def test_a_file_that_is_empty_malformed_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "") == [("empty-file", "1")]
    assert problems_of(tmp_path, f'{HEADER}\nA,"a"b,true\n') == [("malformed-csv", "2")]
    assert problems_of(tmp_path, f'{HEADER}\nA,a,true\nB,"b,true\n') == [("malformed-csv", "3")]
    with pytest.raises(RefusedError, match=r"s\.csv line 2: .* is not UTF-8"):
        load(tmp_path, HEADER.encode() + b"\nA,caf\xe9,true\n")
    with pytest.raises(RefusedError, match="is not a file"):
        read_rows_csv(tmp_path / "none.csv", STATION)


@pytest.mark.real
@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is absent")
class TestRealFiles:
    def test_the_channels_load_as_they_are(self) -> None:
        contract = load_contracts(PROJECT)["channel"]
        rows, problems = read_rows_csv(REAL / "channels_2026-04-07.csv", contract)
        assert (len(rows), problems) == (39_294, [])
        assert {row["valid_from"] for row in rows} == {BEGINNING}
        assert not any(value == "" for row in rows for value in row.values())
        assert rows[0]["network_id"] is None

    def test_an_older_file_is_refused_with_its_columns_and_its_doubled_keys(self) -> None:
        contract = load_contracts(PROJECT)["channel"]
        _, problems = read_rows_csv(REAL / "channels_2022-04-11.csv", contract)
        values = {
            rule: [one.value for one in problems if one.rule == rule]
            for rule in ("unknown-column", "duplicate-key")
        }
        assert "logo" in values["unknown-column"]
        assert values["duplicate-key"] == ["STSportsArena.cn", "STSportsPremium.cn"]

    def test_countries_load_without_their_languages_and_flags(self) -> None:
        contract = load_contracts(PROJECT)["country"]
        path = REAL / "countries.csv"
        assert [one.value for one in read_rows_csv(path, contract)[1]] == ["languages", "flag"]
        rows, problems = read_rows_csv(path, contract, ignore=["languages", "flag"])
        assert (len(rows), problems) == (250, [])
