"""Small figures are added up in reports, and nothing is lost or gained by that."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from rich.console import Console
from test_report import figure, impact, mart

from conftest import PROJECT, make_workspace
from foreview.errors import RefusedError
from foreview.impact import (
    FigureImpact,
    Illustration,
    ModelImpact,
    PathTaken,
    RankChange,
    Ratio,
    ratio_of,
)
from foreview.impact_tables import read_marts
from foreview.report import movers, suppressed, to_screen, verdict, write_reports
from foreview.report.facts import facts
from foreview.report.files import figure_row, headings
from foreview.report.side_by_side import pairs_to_csv
from foreview.report.suppression import FEW
from foreview.scenarios import side_by_side

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
                found[one.grain[0], side, name] += value or 0
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
    hidden = {one.grain[0] for one in found if one.hidden}
    for place, value in sums(figures).items():
        is_left_out = place[0] in hidden and place[2] == "reach"
        assert sums(found)[place] == value or is_left_out
    for one in found:
        assert one.hidden or not is_few(one.value("before", "reach"), one.value("after", "reach"))
    named = {one.grain: one for one in found if FEW not in one.grain}
    for (day, network), (before, after) in counts.items():
        assert ((day, network) in named) != is_few(before or 0, after or 0)


def is_few(*sides: Any) -> bool:
    return any(0 < one < SMALLEST for one in (*sides, abs(sides[1] - sides[0])))


@given(st.tuples(COUNTS, COUNTS).filter(lambda one: one != (None, None)))
def test_a_lone_small_figures_count_is_in_no_report_and_in_no_sum(counts: Any) -> None:
    lone = counted("2026-04-01", "TINY", *counts)
    others = [counted(f"2026-04-0{day}", "HUGE", 100, 40) for day in (1, 2)]
    (shown,) = suppressed(replace(impact(mart(lone, *others)), smallest_count=SMALLEST))
    rows = {one.grain: figure_row(shown.marts[0], one) for one in shown.marts[0].figures}
    if not is_few(*(one or 0 for one in counts)):
        assert ("2026-04-01", "TINY") in rows
        return
    names = headings(shown.marts[0])
    told = dict(zip(names, rows["2026-04-01", FEW], strict=True))
    for side, value in zip(("before", "after"), counts, strict=True):
        few_or_more = f"fewer than {SMALLEST}" if (value or 0) < SMALLEST else f"{SMALLEST} or more"
        assert told[f"reach_{side}"] == (None if value is None else few_or_more)
        assert told[f"seconds_{side}"] == (None if value is None else 100 * value)
    assert told["reach_difference"] in (f"fewer than {SMALLEST}", f"{SMALLEST} or more")
    found = {one.key: one for one in movers(shown.marts[0], "reach")}
    assert (found[FEW,].before, found[FEW,].after, found[FEW,].is_hidden) == (0, 0, True)


def test_no_page_workbook_csv_or_screen_has_the_count_of_a_lone_small_figure(
    tmp_path: Path,
) -> None:
    lone = figure("2026-04-01", "TINY", 77_777, 88_888)
    lone = replace(
        lone,
        before={**lone.before, "reach": 50, "sessions": 60},
        after={**lone.after, "reach": 58, "sessions": 61},
    )
    one = mart(lone, counted("2026-04-01", "HUGE", 1000, 400))
    whole = replace(impact(one), smallest_count=SMALLEST)
    files = write_reports(whole, tmp_path)
    screen = Console(file=io.StringIO(), width=200)
    to_screen(suppressed(whole)[0], screen)
    reach = screen.file.getvalue().partition("Reach:")[2]  # type: ignore[attr-defined]
    assert "HUGE" in reach
    assert FEW not in reach
    texts = [path.read_text("utf-8") for path in files if path.suffix != ".xlsx"]
    (book,) = (path for path in files if path.suffix == ".xlsx")
    sheets = load_workbook(book).worksheets
    cells = [str(cell) for sheet in sheets for row in sheet.values for cell in row]
    texts.append("\n".join(f">{one}<" for one in cells))
    for text in texts:
        assert f"fewer than {SMALLEST}" in text
        for number in ("50", "58", "+8", "8", "60", "61"):
            assert not re.search(rf"[>,]{re.escape(number)}[<,\n]", text), number


def test_few_touched_records_are_not_counted_in_facts() -> None:
    paths = (PathTaken("day", "touched", 7, 1000), PathTaken("now", "touched", 10, 90_000))
    one = replace(impact(mart()), touched_records=7, smallest_count=SMALLEST, paths=paths)
    told = dict(facts(one))
    assert told["Viewing records touched"] == f"fewer than {SMALLEST}"
    assert f"(fewer than {SMALLEST} of 1,000 records are touched)" in told["Days computed from"]
    assert "(10 of 90,000 records are touched)" in told["As it is now computed from"]
    for shown in (replace(one, smallest_count=0), replace(one, touched_records=0)):
        count = dict(facts(shown))["Viewing records touched"]
        assert count == str(shown.touched_records)


def test_few_records_that_only_move_as_it_is_now_are_not_counted(tmp_path: Path) -> None:
    moved = mart(figure("2026-04-01", "HUGE", 1000, 400))
    now = PathTaken("now", "touched", 7, 90_000)
    one = replace(impact(moved), smallest_count=SMALLEST, paths=(now,))
    alone = replace(one, touched_records=0, touched_days=0, touched_seconds=0)
    few = f"fewer than {SMALLEST} viewing records, only as it is now"
    assert verdict(alone).startswith(f"1 change moves {few}")
    page = write_reports(alone, tmp_path)[0].read_text("utf-8")
    shown = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert f"Records touched fewer than {SMALLEST} only as it is now" in shown
    # Neither by what is left of both together: 50 less 47, and 107 less 100.
    for touched, both in ((47, 50), (7, 107)):
        paths = (replace(now, touched_records=both),)
        told = verdict(replace(one, touched_records=touched, paths=paths))
        assert "450 seconds over 2 days and more viewing as it is now: " in told
    told = verdict(replace(one, touched_records=50, paths=(replace(now, touched_records=150),)))
    assert "450 seconds over 2 days and, as it is now, 100 viewing records more: " in told


def test_two_scenarios_beside_each_other_do_not_tell_a_small_count(tmp_path: Path) -> None:
    first = impact(mart(counted("2026-04-01", "A", 50, 60), counted("2026-04-01", "B", 50, 90)))
    second = impact(mart(counted("2026-04-01", "A", 50, 63), counted("2026-04-01", "B", 50, 20)))
    both = suppressed(*(replace(each, smallest_count=SMALLEST) for each in (first, second)))
    pairs = side_by_side(*both)
    (few, kept) = sorted(pairs[0].figures, key=lambda one: one.grain)
    assert (few.grain, kept.grain) == (("2026-04-01", FEW), ("2026-04-01", "B"))
    assert few.hidden == {"reach"}
    for name in ("one", "other", "before"):
        assert getattr(few, name)["reach"] is None
    (path,) = pairs_to_csv(pairs, tmp_path)
    assert "63" not in path.read_text("utf-8").replace("6300", "").replace("6000", "")


def test_two_scenarios_add_up_the_same_small_figures() -> None:
    first = impact(mart(*(counted("2026-04-01", one, 2, 3) for one in "ABCDEF")))
    second = impact(mart(*(counted("2026-04-01", one, 5, 8) for one in "UVWXYZ")))
    both = suppressed(*(replace(each, smallest_count=SMALLEST) for each in (first, second)))
    (few,) = side_by_side(*both)[0].figures
    named = (few.before["seconds"], few.one["seconds"], few.other["seconds"])
    assert named == (4200, 4800, 6000)
    alone = suppressed(replace(first, smallest_count=SMALLEST))[0].marts[0].figures[0]
    assert (alone.before["seconds"], alone.after["seconds"]) == (1200, 1800)


def test_what_ratios_divide_by_is_not_added_up() -> None:
    moved = [counted("2026-04-01", one, 2, 4) for one in "ABCDEF"]
    day = {"day_seconds": 86_400}
    moved = [replace(one, before=one.before | day, after=one.after | day) for one in moved]
    average = Ratio("average", "Average", "seconds", "day_seconds", 4)
    whole = impact(replace(mart(*moved), ratios=(average,)))
    (few,) = suppressed(replace(whole, smallest_count=SMALLEST))[0].marts[0].figures
    assert few.before == {"seconds": 1200, "reach": 12, "weight": Decimal("5.4804")}
    assert ratio_of(average, few.before) is None


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


def test_a_figure_that_changes_rank_without_moving_may_be_small_and_is_not_named(
    tmp_path: Path,
) -> None:
    many, idle = counted("2026-04-01", "HUGE", 100, 40), ("2026-04-01", "IDLE")
    changes = (RankChange(idle, 2, 1), RankChange(many.grain, 1, 2))
    for ranks, words in (
        (changes, "2 figures change rank among the first, the best that is named: 2026-04-01"),
        (changes[:1], "1 figure changes rank among the first; none is named."),
    ):
        whole = impact(replace(mart(many), rank_changes=ranks))
        assert "IDLE" in write_reports(whole, tmp_path / "all")[0].read_text("utf-8")
        (shown,) = suppressed(replace(whole, smallest_count=SMALLEST))
        files = write_reports(shown, tmp_path / "few")  # as two scenarios are written
        assert words in files[0].read_text("utf-8")
        sheets = load_workbook(files[1]).worksheets
        cells = [str(cell) for sheet in sheets for row in sheet.values for cell in row]
        for text in (*(one.read_text("utf-8") for one in files if one.suffix != ".xlsx"), *cells):
            assert "IDLE" not in text


def test_rows_of_other_models_are_counted_only() -> None:
    other = ModelImpact("best", 9, 9, 1, 1, ("world", "reach"), (("before", "3"),))
    whole = replace(impact(mart()), smallest_count=SMALLEST, models=(other,))
    (shown,) = suppressed(whole)[0].models
    assert (shown.removed, shown.added, shown.columns, shown.rows) == (1, 1, (), ())


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
