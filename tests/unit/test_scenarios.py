"""Two scenarios side by side, and receipts that say what changed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreview.errors import RefusedError
from foreview.impact import FigureImpact, Impact, MartImpact, Measure
from foreview.receipt import what_changed
from foreview.report.side_by_side import compared, pairs_to_csv, pairs_to_html
from foreview.scenarios import side_by_side

MEASURES = (Measure("seconds", "Seconds", "integer", True, "seconds"),)
Figures = dict[str, int]


def impact(before: Figures, after: Figures, publication: int = 3) -> Impact:
    """Return the impact of a scenario that leaves a mart's figures as in `after`."""
    moved = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            change = "added" if old is None else "removed" if new is None else "modified"
            sides = [{} if one is None else {"seconds": one} for one in (old, new)]
            moved.append(FigureImpact(("2026-04-01", name), change, *sides))
    grain = ("viewing_date", "network_id")
    mart = MartImpact("mart", "A mart", "", grain, MEASURES, (), tuple(moved), len(before))
    return Impact(
        (), 1, "2026-04-01", 1, {}, (mart,), 0, 0, 0, {"publication": publication}, "c" * 64
    )


tables = st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 3))


@given(tables, tables, tables)
def test_side_by_side_says_where_the_figures_of_two_scenarios_differ(
    before: Figures, one: Figures, other: Figures
) -> None:
    (pair,) = side_by_side(impact(before, one), impact(before, other))
    different = {name for name in {*one, *other} if one.get(name) != other.get(name)}
    alike = {
        name for name in {*before, *one, *other} - different if before.get(name) != one.get(name)
    }
    assert {figure.grain[1] for figure in pair.figures} == different
    assert pair.alike == len(alike)
    for figure in pair.figures:
        name = figure.grain[1]
        sides = zip((figure.before, figure.one, figure.other), (before, one, other), strict=True)
        assert all(shown.get("seconds") == table.get(name) for shown, table in sides)
        assert figure.difference("seconds") == other.get(name, 0) - one.get(name, 0)


def test_scenarios_of_two_publications_are_not_compared() -> None:
    with pytest.raises(RefusedError, match="publications 3 and 4"):
        side_by_side(impact({}, {}), impact({}, {}, publication=4))


def test_the_page_and_the_csv_file_show_both(tmp_path: Path) -> None:
    one, other = impact({"A": 1}, {"A": 5, "<b>": 2}), impact({"A": 1}, {"A": 3, "<b>": 2})
    pairs = side_by_side(one, other)
    text = pairs_to_html(one, other, pairs, tmp_path / "page.html").read_text(encoding="utf-8")
    assert compared(pairs) == "A and B leave 1 figure different; 1 move alike."
    assert compared(pairs) in text
    assert "<b>" not in text
    (written,) = pairs_to_csv(pairs, tmp_path)
    assert written.read_text(encoding="utf-8").splitlines() == [
        "viewing_date,network_id,seconds_now,seconds_a,seconds_b",
        "2026-04-01,A,1,5,3",
    ]


RECEIPT: dict[str, Any] = {
    "base_release": 1,
    "horizon": {"last_day": "2026-04-07", "load_batch": 7},
    "contracts": {"channel": "a" * 64},
    "read_set": {"publication": 3, "mart_definitions": "mart=aa;other=bb", "what_if_sql": "s"},
    "touched": [10, 2, 300],
    "figures": {"mart": "f", "other": "g"},
}


def test_equal_receipts_say_that_nothing_changed() -> None:
    (sentence,) = what_changed(RECEIPT, dict(RECEIPT))
    assert "Nothing" in sentence


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"base_release": 2}, "reference version changed: 1 → 2"),
        ({"horizon": {"last_day": "2026-04-08", "load_batch": 7}}, "last day with viewing"),
        ({"horizon": {"last_day": "2026-04-07", "load_batch": 8}}, "last load of viewing"),
        ({"contracts": {"channel": "b" * 64}}, "rules of channel"),
        ({"contracts": {**RECEIPT["contracts"], "area": "b"}}, "rules of area changed: none → b"),
        ({"read_set": {**RECEIPT["read_set"], "publication": 4}}, "publication of the figures"),
        (
            {"read_set": {**RECEIPT["read_set"], "mart_definitions": "mart=aa;other=cc"}},
            "definition of other changed: bb → cc",
        ),
        ({"read_set": {**RECEIPT["read_set"], "what_if_sql": "t"}}, "SQL that computes"),
        ({"touched": [11, 2, 300]}, "10, 2, 300 → 11, 2, 300"),
    ],
)
def test_a_receipt_names_the_input_that_changed_and_that_it_does_not_matter(
    changed: dict[str, Any], told: str
) -> None:
    first, last = what_changed(RECEIPT, RECEIPT | changed)
    assert told in first
    assert "does not matter" in last


@pytest.mark.parametrize(("records", "is_told"), [(11, False), (3, False), (40, True)])
def test_what_changed_tells_no_count_of_few_records(records: int, is_told: bool) -> None:
    later = RECEIPT | {"touched": [records, 2, 310]}
    told, _ = what_changed(RECEIPT, later, smallest=10)
    label = "records, days, seconds" if is_told else "days, seconds"
    assert told.startswith(f"The viewing that is touched ({label}) changed: ")
    assert told.endswith(f" → {records}, 2, 310." if is_told else "changed: 2, 300 → 2, 310.")


def test_a_receipt_says_that_it_matters_and_for_which_figures() -> None:
    later = RECEIPT | {"base_release": 2, "figures": {"mart": "f", "other": "h"}}
    *_, last = what_changed(RECEIPT, later)
    assert last.startswith("It matters")
    assert last.endswith(": other.")
