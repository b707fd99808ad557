"""Small figures are added up in reports, and nothing is lost or gained by that."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import figure, impact, mart

from conftest import PROJECT, make_workspace
from foreview.errors import RefusedError
from foreview.impact import FigureImpact, Illustration, RankChange
from foreview.impact_tables import read_marts
from foreview.report import suppressed, write_reports
from foreview.report.suppression import FEW

SMALLEST = 10
COUNTS = st.none() | st.integers(0, 25)


def counted(day: str, network: str, before: int | None, after: int | None) -> FigureImpact:
    """Return a figure of so many households, a hundred seconds each."""
    change = "added" if before is None else "removed" if after is None else "modified"
    sides = (
        {}
        if one is None
        else {"seconds": 100 * one, "reach": one, "weight": Decimal(one) * Decimal("0.4567")}
        for one in (before, after)
    )
    return FigureImpact((day, network), change, *sides)


def sums(figures: Any) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for one in figures:
        for side in ("before", "after"):
            for name, value in getattr(one, side).items():
                found[one.grain[0], side, name] += value
    return +found


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["2026-04-01", "2026-04-02"]), st.sampled_from("ABCDEFG")),
        st.tuples(COUNTS, COUNTS).filter(lambda one: one != (None, None)),
    )
)
def test_totals_of_a_day_stay_and_no_small_figure_has_a_name(counts: Any) -> None:
    figures = [counted(*grain, *sides) for grain, sides in counts.items()]
    (shown,) = suppressed(replace(impact(mart(*figures)), smallest_count=SMALLEST))
    found = shown.marts[0].figures
    assert sums(found) == sums(figures)
    named = {one.grain: one for one in found if FEW not in one.grain}
    for (day, network), (before, after) in counts.items():
        sides = (before or 0, after or 0)
        is_small = any(0 < one < SMALLEST for one in (*sides, abs(sides[1] - sides[0])))
        assert ((day, network) in named) != is_small


def test_no_report_names_a_small_figure_nor_its_rank_nor_its_illustration(tmp_path: Path) -> None:
    few, many = counted("2026-04-01", "TINY", 3, 40), counted("2026-04-01", "HUGE", 100, 40)
    one = replace(
        mart(few, many),
        rank_changes=(RankChange(few.grain, 2, 1), RankChange(many.grain, 1, 2)),
    )
    illustration = Illustration("2026-05-01", "2026-04-01", "2026-04-28", (one,))
    whole = replace(impact(one), smallest_count=SMALLEST, illustration=illustration)
    for path in write_reports(whole, tmp_path):
        if path.suffix != ".xlsx":
            text = path.read_text("utf-8")
            assert "TINY" not in text
            assert "HUGE" in text


def test_a_figure_that_is_small_in_one_scenario_is_hidden_in_both() -> None:
    one = impact(mart(counted("2026-04-01", "A", 50, 3)))
    other = impact(mart(counted("2026-04-01", "A", 50, 90)))
    for shown in suppressed(*(replace(each, smallest_count=SMALLEST) for each in (one, other))):
        assert [figure.grain for figure in shown.marts[0].figures] == [("2026-04-01", FEW)]


def test_without_the_setting_reports_show_all() -> None:
    whole = impact(mart(counted("2026-04-01", "A", 1, 2), figure("2026-04-02", "B", 1, 2)))
    assert suppressed(whole) == (whole,)


def test_a_mart_of_single_devices_is_refused(tmp_path: Path) -> None:
    audience = tmp_path / "models" / "audience"
    audience.mkdir(parents=True)
    text = (PROJECT / "models" / "audience" / "audience.yml").read_text("utf-8")
    by_device = text.replace(
        "grain: [viewing_date, channel_sk", "grain: [viewing_date, device_id", 1
    )
    (audience / "audience.yml").write_text(by_device, "utf-8")
    workspace = replace(make_workspace(tmp_path, "foreview"), project=tmp_path)
    with pytest.raises(RefusedError, match="device_id"):
        read_marts(workspace)
