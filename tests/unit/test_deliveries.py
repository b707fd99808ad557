"""Files of another system's figures: what is read, and that each fault is named with its line."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from foreview.deliveries import Delivery, columns_of, read_delivery, sql_type, to_arrow
from foreview.errors import RefusedError

COLUMNS = columns_of(
    {
        "label": "Audience by network and day",
        "grain": ["viewing_date", "network_id"],
        "measures": {"seconds": {"type": "integer"}, "weighted_seconds": {"type": "decimal"}},
        "constants": ["day_seconds"],
        "ratios": {"share": {"within": ["viewing_date"]}},
    },
    {"viewing_date": "date", "network_id": "string"},
)
HEADER = "viewing_date,network_id,seconds,weighted_seconds"


def read(tmp_path: Path, *lines: str, **options: Any) -> Delivery:
    path = tmp_path / "old.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_delivery(path, COLUMNS, **options)


def problems(tmp_path: Path, *lines: str) -> list[tuple[str, str, str]]:
    with pytest.raises(RefusedError) as caught:
        read(tmp_path, *lines)
    assert all(one.fix for one in caught.value.problems)
    return [(one.rule, one.where, one.value) for one in caught.value.problems]


def test_a_csv_file_is_read_with_codes_as_they_are(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER, "2026-04-02,007,12,1.5", "2026-04-01,NA,+3,2", "")
    assert found.rows == (
        {
            "viewing_date": "2026-04-02",
            "network_id": "007",
            "seconds": "12",
            "weighted_seconds": "1.5000000000",
        },
        {
            "viewing_date": "2026-04-01",
            "network_id": "NA",
            "seconds": "3",
            "weighted_seconds": "2.0000000000",
        },
    )
    assert found.days == ("2026-04-01", "2026-04-02")
    assert found.measures == ("seconds", "weighted_seconds")
    assert found.hash == hashlib.sha256((tmp_path / "old.csv").read_bytes()).hexdigest()


def test_columns_may_come_in_any_order_and_measures_may_be_missing(tmp_path: Path) -> None:
    found = read(
        tmp_path, "share,seconds,network_id,viewing_date", "0.1,5,FOX,2026-04-01", ignore=["share"]
    )
    assert found.measures == ("seconds",)
    table = to_arrow(COLUMNS, found)
    assert table.to_pylist() == [
        {
            "viewing_date": date(2026, 4, 1),
            "network_id": "FOX",
            "seconds": 5,
            "weighted_seconds": None,
        }
    ]
    types = [sql_type(one) for one in (*COLUMNS.grain, *COLUMNS.measures)]
    assert types == ["date", "string", "bigint", "decimal(28,10)"]
    assert found.rows == ({"seconds": "5", "network_id": "FOX", "viewing_date": "2026-04-01"},)


def test_everything_wrong_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    assert problems(
        tmp_path,
        HEADER,
        "2026-04-01,FOX,1,1",
        "1.4.2026,FOX,1,1",
        "2026-02-30,FOX,x,1.12345678901",
        "2026-04-01,,1.0,nan",
        '2026-04-02,"a\n\x01",1,1',
        "2026-04-01,FOX,2,2",
        "2026-04-01,FOX,2",
    ) == [
        ("wrong-type", "old.csv line 3", "1.4.2026"),
        ("wrong-type", "old.csv line 4", "2026-02-30"),
        ("wrong-type", "old.csv line 4", "x"),
        ("wrong-type", "old.csv line 4", "1.12345678901"),
        ("required", "old.csv line 5", ""),
        ("wrong-type", "old.csv line 5", "1.0"),
        ("wrong-type", "old.csv line 5", "nan"),
        ("wrong-type", "old.csv line 6", "a\n\x01"),
        ("duplicate-key", "old.csv line 8", "2026-04-01, FOX"),
        ("ragged-row", "old.csv line 9", "2026-04-01,FOX,2"),
    ]


def test_wrong_headings_are_named_before_any_value_is_looked_at(tmp_path: Path) -> None:
    found = problems(tmp_path, "viewing_date,viewing_date,Network,share", "x,x,x,x")
    assert found == [
        ("duplicate-column", "old.csv line 1", "viewing_date"),
        ("unknown-column", "old.csv line 1", "Network"),
        ("unknown-column", "old.csv line 1", "share"),
        ("column-missing", "old.csv line 1", "network_id"),
        ("column-missing", "old.csv line 1", ""),
    ]
    with pytest.raises(RefusedError, match=r"worked out from other columns.*--ignore"):
        read(tmp_path, f"{HEADER},share", "2026-04-01,FOX,1,1,0.5")


@pytest.mark.parametrize("lines", [[], [HEADER]], ids=["nothing", "only a header"])
def test_a_file_without_figures_is_refused(tmp_path: Path, lines: list[str]) -> None:
    ((rule, _, _),) = problems(tmp_path, *lines)
    assert rule == "empty-file"


def test_a_quote_that_is_not_closed_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, HEADER, '2026-04-01,"FOX,1,1')[0][:2] == (
        "malformed-csv",
        "old.csv line 2",
    )


def test_a_parquet_file_gives_the_same_and_names_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values: dict[str, list[Any]] = {
        "viewing_date": [date(2026, 4, 1), date(2026, 4, 2)],
        "network_id": ["007", "FOX"],
        "seconds": [12, 3],
        "weighted_seconds": [Decimal("1.50"), Decimal("-2.00")],
    }
    path = tmp_path / "old.parquet"
    pq.write_table(pa.table(values), path)
    found = read_delivery(path, COLUMNS)
    same = read(tmp_path, HEADER, "2026-04-01,007,12,1.5", "2026-04-02,FOX,3,-2")
    assert (found.rows, found.days, found.measures) == (same.rows, same.days, same.measures)
    values |= {"seconds": [1.5, None], "network_id": ["FOX", "FOX"]}
    values["viewing_date"] = values["viewing_date"][:1] * 2
    pq.write_table(pa.table(values), path)
    with pytest.raises(RefusedError) as caught:
        read_delivery(path, COLUMNS)
    assert [(one.rule, one.where) for one in caught.value.problems] == [
        ("wrong-type", "old.parquet row 1"),
        ("required", "old.parquet row 2"),
    ]


def test_what_is_no_file_or_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text(HEADER)
    for name, rule in {
        "none.csv": "file-not-found",
        "none.parquet": "file-not-found",
        "text.parquet": "not-parquet",
    }.items():
        with pytest.raises(RefusedError) as caught:
            read_delivery(tmp_path / name, COLUMNS)
        assert caught.value.problems[0].rule == rule
