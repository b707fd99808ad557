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

EVENT_SCHEMA = (
    "airing_id string, channel_id string, feed string, starts_at string, ends_at string, "
    "valid_from date, valid_to date"
)
GOOD_EVENTS = [
    ("1", "a", None, "20:00", "21:00", DAY, None),
    ("2", "a", None, "21:00", "22:00", DAY, LATER),
    ("2", "a", None, "22:00", "23:00", LATER, None),
    ("3", "a", None, "21:00", "22:00", LATER, None),
    ("4", "a", "East", "20:00", "23:00", DAY, None),
    ("5", "b", None, "20:00", "23:00", DAY, None),
]
BROKEN_EVENTS = [
    ("event_ends_after_start", ("6", "c", None, "20:00", "20:00", DAY, None)),
    ("event_ends_after_start", ("6", "c", None, "20:00", None, DAY, None)),
    ("event_no_overlap", ("6", "a", None, "20:59", "21:00", DAY, None)),
    ("event_no_overlap", ("6", "a", None, "20:00", "21:00", DAY, None)),
    ("event_no_overlap", ("6", "a", "East", "22:00", "22:30", DAY, LATER)),
    ("event_no_overlap", ("6", "b", None, "19:00", "20:01", LAST, None)),
]


def generic_tests() -> Any:
    """Return the tests of `scd.sql` as macros by name."""
    text = (PROJECT / "tests" / "dbt" / "generic" / "scd.sql").read_text(encoding="utf-8")
    text = re.sub(r"{%\s*test ", "{% macro ", text).replace("endtest", "endmacro")
    template = jinja2.Environment(autoescape=False).from_string(text)  # noqa: S701 - SQL
    return template.module


def failures(spark: Any, name: str, rows: list[Any]) -> int:
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
    return int(spark.sql(getattr(generic_tests(), name)(**arguments)).count())


def event_failures(spark: Any, name: str, rows: list[Any]) -> int:
    spark.createDataFrame(rows, EVENT_SCHEMA).createOrReplaceTempView("event_rows")
    arguments: dict[str, Any] = {"model": "event_rows", "starts": "starts_at", "ends": "ends_at"}
    if name == "event_no_overlap":
        arguments |= {"key": ["airing_id"], "within": ["channel_id", "feed"]}
    return int(spark.sql(getattr(generic_tests(), name)(**arguments)).count())


@pytest.mark.parametrize("name", BROKEN)
def test_invariant_fails_on_rows_that_break_it(spark: Any, name: str) -> None:
    assert failures(spark, name, BROKEN[name]) > 0


@pytest.mark.parametrize("name", [one for one in BROKEN if one != "scd_no_gap"])
def test_invariant_passes_on_good_rows_with_a_declared_gap(spark: Any, name: str) -> None:
    assert failures(spark, name, GOOD) == 0


def test_no_gap_passes_where_ends_meet_starts(spark: Any) -> None:
    assert failures(spark, "scd_no_gap", GOOD[:2]) == 0


@pytest.mark.parametrize(("name", "row"), BROKEN_EVENTS)
def test_event_that_breaks_its_invariant_is_found(spark: Any, name: str, row: Any) -> None:
    assert event_failures(spark, name, [*GOOD_EVENTS, row]) > 0
    assert event_failures(spark, name, [row, *GOOD_EVENTS]) > 0


@pytest.mark.parametrize("name", ["event_ends_after_start", "event_no_overlap"])
def test_events_that_touch_or_replace_each_other_are_no_overlap(spark: Any, name: str) -> None:
    assert event_failures(spark, name, GOOD_EVENTS) == 0


def test_an_event_within_a_long_one_is_found_behind_others(spark: Any) -> None:
    rows = [
        ("1", "a", None, "10:00", "20:00", DAY, None),
        ("2", "a", None, "10:00", "11:00", LATER, None),
        ("3", "a", None, "12:00", "13:00", DAY, LATER),
    ]
    assert event_failures(spark, "event_no_overlap", rows) == 2
