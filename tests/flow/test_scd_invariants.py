"""Each invariant of slowly changing dimensions passes on good rows and fails on rows that break it.

The SQL is that of `tests/dbt/generic`, rendered as dbt renders it.
"""

import re
from datetime import date
from typing import Any

import jinja2
import pytest

from conftest import PROJECT

pytestmark = pytest.mark.spark
DAY = date(2026, 1, 1)
LATER = date(2026, 2, 1)
LAST = date(2026, 3, 1)
SCHEMA = (
    "channel_id string, network_id string, valid_from date, valid_to date, is_current boolean, "
    "row_version_id string"
)
GOOD = [
    ("a", "n", DAY, LATER, False, "1"),
    ("a", "n", LATER, None, True, "2"),
    ("b", None, DAY, LATER, False, "3"),
    ("b", None, LAST, None, True, "4"),
]
PARENTS = [("n", DAY, LATER), ("n", LATER, None)]

BROKEN = {
    "scd_no_overlap": [*GOOD, ("a", "n", LAST, None, True, "5")],
    "scd_no_empty_interval": [*GOOD, ("c", "n", DAY, DAY, False, "5")],
    "scd_one_open_row": [*GOOD, ("a", "n", LAST, None, True, "5")],
    "scd_current_flag": [*GOOD, ("c", "n", DAY, None, False, "5")],
    "scd_unique_version": [*GOOD, ("c", "n", DAY, None, True, "4")],
    "scd_within_parent": [*GOOD, ("c", "n", date(2025, 12, 31), None, True, "5")],
    "scd_no_gap": GOOD,
}


def failures(spark: Any, name: str, rows: list[Any]) -> int:
    text = (PROJECT / "tests" / "dbt" / "generic" / "scd.sql").read_text(encoding="utf-8")
    text = re.sub(r"{%\s*test ", "{% macro ", text).replace("endtest", "endmacro")
    spark.createDataFrame(rows, SCHEMA).createOrReplaceTempView("child_rows")
    spark.createDataFrame(
        PARENTS, "network_id string, valid_from date, valid_to date"
    ).createOrReplaceTempView("parent_rows")
    arguments: dict[str, Any] = {"model": "child_rows"}
    if name in ("scd_no_overlap", "scd_one_open_row", "scd_no_gap"):
        arguments["key"] = ["channel_id"]
    if name == "scd_within_parent":
        arguments |= {
            "column": "network_id",
            "parent": "parent_rows",
            "parent_column": "network_id",
        }
    template = jinja2.Environment(autoescape=False).from_string(text)  # noqa: S701 - SQL
    return int(spark.sql(getattr(template.module, name)(**arguments)).count())


@pytest.mark.parametrize("name", BROKEN)
def test_invariant_fails_on_rows_that_break_it(spark: Any, name: str) -> None:
    assert failures(spark, name, BROKEN[name]) > 0


@pytest.mark.parametrize("name", [one for one in BROKEN if one != "scd_no_gap"])
def test_invariant_passes_on_good_rows_with_a_declared_gap(spark: Any, name: str) -> None:
    assert failures(spark, name, GOOD) == 0


def test_no_gap_passes_where_ends_meet_starts(spark: Any) -> None:
    assert failures(spark, "scd_no_gap", GOOD[:2]) == 0
