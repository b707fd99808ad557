"""Reports of an impact: what they say, and that nothing in the data can break them."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from rich.console import Console

from conftest import PROJECT
from foreview.changes import Action, Change, ChangeSet, Kind
from foreview.contract import BEGINNING, load_contracts
from foreview.errors import EngineError
from foreview.future import FutureEdit, future_days
from foreview.impact import (
    FigureImpact,
    Illustration,
    Impact,
    MartImpact,
    Measure,
    ModelImpact,
    Number,
    PathTaken,
    RankChange,
    Ratio,
    Read,
    ratio_of,
)
from foreview.rekeying import proposed_pairs
from foreview.report import (
    movers,
    sheets,
    to_csv,
    to_html,
    to_screen,
    to_workbook,
    verdict,
    warnings,
)
from foreview.report.facts import facts
from foreview.report.requests import row_edits
from foreview.report.words import illustrated

CONTRACTS = load_contracts(PROJECT)
MEASURES = (
    Measure("seconds", "Seconds", "integer", True, "seconds"),
    Measure("sessions", "Sessions", "integer", True, "sessions"),
    Measure("reach", "Reach", "integer", False, "households"),
)
RATIOS = (Ratio("share", "Share", "seconds", "tv_seconds", 4),)
NASTY = "=HYPERLINK(\"http://x\";1)<script>alert('x')</script>[red]"


def values(seconds: Number | None, reach: int = 10, tv: int = 4000) -> Mapping[str, Number | None]:
    return {"seconds": seconds, "sessions": 5, "reach": reach, "tv_seconds": tv}


def figure(
    day: str, network: str, before: Number | None, after: Number | None, **more: int
) -> FigureImpact:
    old = {} if before is None else values(before)
    new = {} if after is None else values(after, **more)
    change = "added" if before is None else "removed" if after is None else "modified"
    return FigureImpact((day, network), change, old, new)


def mart(*figures: FigureImpact, name: str = "audience_by_network_day") -> MartImpact:
    return MartImpact(
        name,
        "Audience by network and day",
        "One row per network and broadcast day.",
        ("viewing_date", "network_id"),
        MEASURES,
        RATIOS,
        figures,
        560,
    )


def modified(before: str | None, after: str | None, key: str = "C1") -> Change:
    return Change(
        "channel",
        Kind.MODIFIED,
        (key, BEGINNING),
        {"network": before},
        {"network": after},
        Action.CORRECT,
        cells={"network": "Channel!C5"},
        where="Channel!5",
    )


def changed_from(day: str) -> tuple[Change, Change]:
    identity = ("C2", BEGINNING)
    row = {"channel_id": "C2", "network": "ABC", "valid_from": day, "valid_to": None}
    return (
        Change(
            "channel",
            Kind.MODIFIED,
            identity,
            {"valid_to": None},
            {"valid_to": day},
            Action.CHANGE_FROM,
        ),
        Change(
            "channel",
            Kind.ADDED,
            ("C2", day),
            {"network": "FOX"},
            row,
            Action.CHANGE_FROM,
            copied_from=identity,
            cells={"network": "Channel!C6"},
        ),
    )


def change_set(*changes: Change) -> ChangeSet:
    return ChangeSet(
        "anna", "Affiliation swap", "edit", 1, "channel.xlsx", "b" * 64, {}, tuple(changes)
    )


def impact(*marts: MartImpact, changes: tuple[Change, ...] = (), seconds: int = 450) -> Impact:
    one = change_set(*(changes or (modified("FOX", "ABC"),)))
    return Impact(
        change_sets=(one,),
        base_release=1,
        horizon_day="2026-04-07",
        horizon_batch=7,
        contracts={"channel": "a" * 64},
        marts=marts,
        touched_records=3,
        touched_days=2,
        touched_seconds=seconds,
        read_set={"days": ["2026-04-01", "2026-04-02"], "channels": 1},
        checksum="c" * 64,
        future=future_days(one, CONTRACTS, "2026-04-07"),
    )


SWAP = mart(
    figure("2026-04-01", "FOX", 1000, 800),
    figure("2026-04-01", "ABC", 500, 700),
    figure("2026-04-02", "FOX", 1500, 1250),
    figure("2026-04-02", "ABC", 900, 1150),
)


# The verdict


def test_the_verdict_names_who_gains_and_who_loses() -> None:
    assert verdict(impact(SWAP)) == (
        "1 change moves 450 seconds over 2 days: FOX loses 18.0%, ABC gains 32.1%; "
        "nothing else moves."
    )


def test_the_verdict_says_so_when_no_figure_moves() -> None:
    assert verdict(impact(mart())) == "No figure moves."
    assert verdict(impact()) == "No figure moves."


def test_the_verdict_does_not_hide_that_more_moves() -> None:
    more = [figure("2026-04-01", f"N{one}", 100, 99) for one in range(1200)]
    assert verdict(impact(replace(SWAP, figures=(*SWAP.figures, *more)))).endswith(
        "; 1,199 more gain or lose."
    )
    channels = replace(SWAP, name="audience_by_channel_day", label="Audience by channel and day")
    assert "nothing else moves in Audience by network and day." in verdict(impact(SWAP, channels))


def test_the_verdict_spells_appearing_and_vanishing_and_special_values_in_words() -> None:
    told = verdict(
        impact(
            mart(
                figure("2026-04-01", "(unmapped)", None, 600),
                figure("2026-04-01", "(none)", 800, None),
                figure("2026-04-01", "ABC", 1_000_000, 1_000_001),
                figure("2026-04-01", "FOX", 1_000_000, 1),
            )
        )
    )
    assert "FOX loses more than 99.9%" in told
    assert "viewing without network loses all" in told
    assert "unassigned viewing gains 600 seconds from nothing" in told
    assert "(unmapped)" not in told
    assert "ABC gains less than 0.1%" in told


def test_the_verdict_tells_reach_when_only_reach_moves() -> None:
    told = verdict(impact(mart(figure("2026-04-01", "FOX", 100, 100, reach=12))))
    assert "FOX gains 20.0% of reach" in told


def test_the_verdict_tells_when_days_cancel_out() -> None:
    told = verdict(
        impact(mart(figure("2026-04-01", "FOX", 10, 20), figure("2026-04-02", "FOX", 20, 10)))
    )
    assert told.endswith("over all days nothing gains or loses.")


# Movers


def test_movers_add_up_days_and_come_largest_first() -> None:
    first, second = movers(SWAP, "seconds")
    assert (first.key, first.before, first.after, first.figures) == (("ABC",), 1400, 1850, 2)
    assert (second.key, second.difference) == (("FOX",), -450)
    assert movers(SWAP, "seconds", 1) == (first,)


def test_decimals_are_added_exactly() -> None:
    moved = mart(
        figure("2026-04-01", "FOX", Decimal("0.1"), Decimal("0.3")),
        figure("2026-04-02", "FOX", Decimal("0.2"), Decimal("0.3")),
    )
    assert movers(moved, "seconds")[0].difference == Decimal("0.3")


# Warnings


def test_viewing_that_becomes_unassigned_is_warned_of_and_so_is_the_reverse() -> None:
    (lost,) = warnings(impact(mart(figure("2026-04-01", "(unmapped)", 100, 1300))))
    assert "1,200 seconds appear as unassigned viewing" in lost
    (found,) = warnings(impact(mart(figure("2026-04-01", "(unmapped)", 1300, 100))))
    assert "1,200 seconds leave unassigned viewing" in found


def test_viewing_that_is_found_does_not_hide_what_is_lost() -> None:
    both = (
        figure("2026-04-01", "(unmapped)", 1300, 100),
        figure("2026-04-02", "(unmapped)", 0, 1200),
    )
    lost, found = warnings(impact(mart(*both)))
    assert "1,200 seconds appear as unassigned viewing" in lost
    assert "1,200 seconds leave unassigned viewing" in found


def test_reach_that_moves_though_seconds_do_not_is_told_also_where_sessions_move() -> None:
    before, after = values(100), {**values(100, 11), "sessions": 6}
    moved = FigureImpact(("2026-04-01", "FOX"), "modified", before, after)
    (told,) = warnings(impact(mart(moved)))
    assert "1 figure of Audience by network and day moves in reach though seconds" in told


def test_viewing_that_is_shown_in_several_windows_is_added_up_once() -> None:
    windows = tuple(
        FigureImpact(("2026-04-01", "(unmapped)", window), "modified", values(100), values(1300))
        for window in ("live", "same-day", "live+7")
    )
    grain = ("broadcast_date", "airing_id", "viewing_window")
    nested = replace(mart(*windows), grain=grain, nested=("viewing_window", "live+7"))
    (told,) = warnings(impact(nested))
    assert "1,200 seconds appear as unassigned viewing" in told
    assert "live+7" in verdict(impact(nested))
    assert "live+7" not in verdict(impact(replace(nested, named_by=("airing_id",))))
    (mover,) = movers(nested, "seconds")
    assert (mover.key, mover.figures) == (("(unmapped)", "live+7"), 1)


def test_viewing_without_a_market_that_changes_its_network_is_not_warned_of() -> None:
    def by_market(network: str, before: int, after: int) -> FigureImpact:
        found = figure("2026-04-01", network, before, after)
        return replace(found, grain=("2026-04-01", "(unmapped)", network))

    moved = (by_market("ABC", 900, 400), by_market("FOX", 100, 600))
    whole = impact(replace(mart(*moved), grain=("viewing_date", "market_id", "network_id")))
    assert "unassigned" not in " ".join(warnings(whole))


def test_viewing_that_is_unassigned_in_two_columns_at_once_is_warned_of_once() -> None:
    both = FigureImpact(("(unmapped)", "(unmapped)"), "modified", values(100), values(1300))
    (told,) = warnings(impact(replace(mart(both), grain=("airing_id", "programme_id"))))
    assert "no airing on that day" in told


def test_a_change_after_the_last_day_with_viewing_is_warned_of() -> None:
    (told,) = warnings(impact(mart(), changes=changed_from("2026-05-01")))
    assert "1 change starts after 2026-04-07" in told
    assert "C2 from 2026-05-01" in told
    assert warnings(impact(mart(), changes=changed_from("2026-04-07"))) == ()
    (none,) = warnings(replace(impact(mart()), horizon_day=None))
    assert "no viewing yet" in none


def test_the_verdict_of_changes_that_all_begin_later_is_that_there_are_no_figures_yet() -> None:
    assert verdict(impact(mart(), changes=changed_from("2026-05-01"))) == (
        "No figures yet: 1 change starts after 2026-04-07, the last day with viewing."
    )
    both = (*changed_from("2026-05-01"), modified("FOX", "ABC"))
    assert verdict(impact(mart(), changes=both)) == "No figure moves."


LATER = FutureEdit("f" * 16, "channel", ("C2",), "2026-05-01")
AIRING = FutureEdit("f" * 16, "airing", ("A1",), "2026-04-20", is_event=True)
NEW_CODE = FutureEdit("f" * 16, "channel", ("C9",), "2026-06-01", is_new_code=True)


def told_of_later(*future: FutureEdit, shown: tuple[FutureEdit, ...] | None) -> str:
    illustration = None
    if shown is not None:
        illustration = Illustration("2026-05-01", "2026-03-11", "2026-04-07", (SWAP,), shown)
    return " ".join(illustrated(replace(impact(), future=future, illustration=illustration)))


def test_an_airing_and_a_new_code_that_begin_later_say_why_there_is_no_illustration() -> None:
    alone = told_of_later(AIRING, shown=None)
    assert alone == (
        "No illustration of A1 from 2026-04-20: what will be on then is in no viewing yet."
    )
    told = told_of_later(LATER, NEW_CODE, AIRING, shown=(LATER,))
    assert "A1 from 2026-04-20: what will be on" in told
    assert "C9 from 2026-06-01: a channel gets another code" in told
    assert "No one day" not in told
    assert told_of_later(shown=None) == ""


def test_an_illustration_says_which_changes_it_shows_when_there_is_no_day_of_all() -> None:
    other = replace(LATER, key=("C3",), day="2026-05-09")
    told = told_of_later(LATER, other, shown=(LATER,))
    assert "No one day has them all. This one has 1 of 2 changes: C2 from 2026-05-01." in told
    assert "No one day" not in told_of_later(LATER, other, shown=(LATER, other))


def test_so_many_new_codes_that_nothing_is_illustrated_are_told() -> None:
    codes = [replace(NEW_CODE, key=(f"C{one}",)) for one in range(1001)]
    assert "So many codes change" in told_of_later(LATER, *codes, shown=None)


def test_the_verdict_of_figures_that_move_only_as_it_is_now_does_not_say_0_seconds(
    tmp_path: Path,
) -> None:
    now = PathTaken("now", "touched", 1200, 90_000)
    one = replace(impact(SWAP, seconds=0), touched_records=0, touched_days=0, paths=(now,))
    assert verdict(one).startswith("1 change moves 1,200 viewing records, only as it is now: FOX ")
    page = page_of(one, tmp_path)
    assert "Records touched 1,200 only as it is now" in " ".join(page.text.split())
    assert "Viewing touched 0" not in page.text


def test_a_path_that_was_asked_for_is_not_said_to_be_faster() -> None:
    path = PathTaken("day", "full", 3, 90_000, is_asked=True)
    for asked, words in ((path, "as was asked for"), (replace(path, is_asked=False), "is faster")):
        told = dict(facts(replace(impact(SWAP), paths=(asked,))))["Days computed from"]
        assert words in told
        assert ("faster" in told) != asked.is_asked


def test_reach_that_moves_alone_is_warned_of() -> None:
    (told,) = warnings(impact(mart(figure("2026-04-01", "FOX", 100, 100, reach=12))))
    assert told.startswith("1 figure of Audience by network and day moves in reach though seconds")
    assert warnings(impact(SWAP)) == ()


# Channels under new codes


def replaced(kind: Kind, number: int) -> Change:
    code = f"KAAADT{number}.us" if kind is Kind.REMOVED else f"KAAA5{number}.us"
    row = {
        "channel_name": f"KAAA-DT{number}" if kind is Kind.REMOVED else f"KAAA 5.{number}",
        "country_id": "US",
    }
    identity = (code, BEGINNING)
    if kind is Kind.REMOVED:
        return Change("channel", kind, identity, row, {}, Action.DELETE)
    return Change("channel", kind, identity, {}, row, Action.INSERT)


def rekeyed(count: int, *figures: FigureImpact) -> Impact:
    numbers = range(1, count + 1)
    changes = [replaced(kind, one) for kind in (Kind.REMOVED, Kind.ADDED) for one in numbers]
    found = impact(mart(*figures), changes=tuple(changes))
    return replace(found, proposed_pairs=proposed_pairs(found.change_sets))


LOST = (figure("2026-04-01", "(unmapped)", 100, 1300), figure("2026-04-02", "(unmapped)", 900, 0))


def test_viewing_lost_to_new_codes_is_warned_of_first_and_not_made_good_by_what_they_find() -> None:
    first, *_ = warnings(rekeyed(12, *LOST))
    assert first == (
        "New codes for the same channels? 12 channel codes are deleted and 12 inserted, and "
        "12 pairs of them look like the same channel. 1,200 seconds become unassigned viewing, "
        "and the figures of these channels are cut in two."
    )


def test_new_codes_are_warned_of_before_there_is_viewing_of_them() -> None:
    (told,) = warnings(rekeyed(1))
    assert "1 channel code is deleted and 1 inserted, and 1 pair of them looks like" in told
    assert "No viewing becomes unassigned up to 2026-04-07" in told


def test_page_and_screen_show_ten_likely_pairs_and_where_the_others_are(tmp_path: Path) -> None:
    one = rekeyed(12, *LOST)
    for text in (page_of(one, tmp_path).text, " ".join(shown(one).split())):
        assert text.count(warnings(one)[0]) == 1
        assert "KAAADT7.us" in text
        assert "call sign KAAA; subchannel 7; country US" in text
        assert '2 more likely pairs are in the workbook, sheet "Likely pairs"' in text
        assert 'table "Channel identity"' in text
        assert "unmapped" not in text


def test_workbook_and_csv_have_every_likely_pair(tmp_path: Path) -> None:
    one = rekeyed(12, *LOST)
    workbook = load_workbook(to_workbook(one, tmp_path / "effect.xlsx"))
    rows = list(workbook["Likely pairs"].values)
    workbook.close()
    assert rows[0] == ("Deleted", "Inserted", "Points", "In common")
    assert len(rows) == 13
    *_, path = to_csv(one, tmp_path)
    assert path.name == "likely_pairs.csv"
    assert {(row["deleted"], row["inserted"]) for row in read_csv(path)} == {
        (row[0], row[1]) for row in rows[1:]
    }


def test_reports_without_likely_pairs_say_nothing_of_them(tmp_path: Path) -> None:
    assert "new codes" not in page_of(impact(SWAP), tmp_path).text
    assert [path.name for path in to_csv(impact(SWAP), tmp_path)] == ["audience_by_network_day.csv"]


# Edits


def test_the_two_halves_of_a_change_from_a_day_are_shown_as_one_edit() -> None:
    (edit,) = row_edits(change_set(*changed_from("2026-05-01")))
    assert edit.words == "changed on a day, from 2026-05-01"
    assert [(one.column, one.before, one.after, one.cell) for one in edit.cells] == [
        ("network", "FOX", "ABC", "Channel!C6")
    ]
    assert len(row_edits(change_set(modified("A", "B"), modified("A", "B", "C3")))) == 2


# CSV


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_every_figure_with_measures_parts_and_ratios(tmp_path: Path) -> None:
    (path,) = to_csv(impact(SWAP), tmp_path / "new")
    rows = read_csv(path)
    assert path.name == "audience_by_network_day.csv"
    assert len(rows) == 4
    assert rows[1]["network_id"] == "FOX"
    assert (rows[1]["seconds_before"], rows[1]["seconds_difference"]) == ("1000", "-200")
    assert (rows[1]["tv_seconds_after"], rows[1]["share_before"]) == ("4000", "0.2500")


def test_csv_leaves_what_is_missing_empty(tmp_path: Path) -> None:
    (path,) = to_csv(impact(mart(figure("2026-04-01", "FOX", None, 600))), tmp_path)
    (row,) = read_csv(path)
    assert (row["change"], row["seconds_before"], row["share_before"]) == ("added", "", "")
    assert (row["seconds_after"], row["seconds_difference"]) == ("600", "600")


@settings(max_examples=60)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.just(NASTY), unique=True),
    st.integers(-(10**37), 10**37) | st.decimals(-(10**20), 10**20, places=6),
)
def test_csv_gives_back_every_name_and_number_and_never_a_formula(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], seconds: Number
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    figures = [figure("2026-04-01", name, seconds, 0) for name in names]
    rows = read_csv(to_csv(impact(mart(*figures)), folder)[0])
    assert [row["network_id"].removeprefix("'") for row in rows] == sorted(names)
    for row in rows:
        assert not row["network_id"].lstrip().startswith(("=", "+", "-", "@"))
        assert Decimal(row["seconds_before"]) == seconds


# What else an impact says


def test_all_reports_say_ranks_other_models_what_begins_later_and_what_changed(
    tmp_path: Path,
) -> None:
    changes = (RankChange(("2026-04-01", "FOX"), 2, 3), RankChange(("2026-04-01", NASTY), None, 2))
    whole = replace(
        impact(replace(SWAP, rank_changes=changes)),
        models=(
            ModelImpact("best", 9, 9, 1, 1, ("world", "name"), (("before", NASTY),)),
            ModelImpact("guess", 0, 0, 0, 0, (), (), "guess is in Python"),
        ),
        illustration=Illustration("2026-05-01", "2026-03-11", "2026-04-07", (SWAP,)),
        since=("The reference version changed: 1 → 2.", "It does not matter."),
        paths=(PathTaken("day", "full", 300, 1000),),
        read=Read(bytes=2_500_000, files=3, records=70),
    )
    page = to_html(whole, tmp_path / "page.html").read_text(encoding="utf-8")
    screen = Console(record=True, width=200)
    to_screen(whole, screen)
    shown = screen.export_text()
    workbook = load_workbook(to_workbook(whole, tmp_path / "effect.xlsx"))
    summary = "\n".join(f"{a.value} {b.value}" for a, b in workbook["Summary"].iter_rows(max_col=2))
    for told in (
        "best: 1 row of 9 disappear or change, 1 row of 9 are new or changed.",
        "guess: what happens to it is not shown: guess is in Python.",
        "had the rows of 2026-05-01 held from 2026-03-11 to 2026-04-07",
        "It does not matter.",
    ):
        assert told in page
        assert told in shown
        assert told in summary
    for told in ("2.5 MB in 3 files, 70 records", "300 of 1,000 records are touched"):
        assert told in page
        assert told in summary
    assert "2 figures change rank among the first, the best: 2026-04-01 · FOX, 2 → 3." in page
    assert "<script>alert" not in page
    ranks = [[cell.value for cell in row] for row in workbook["Ranks"].iter_rows(min_row=2)]
    assert [row[2:] for row in ranks] == [[2, 3], [None, 2]]
    movers_shown = [row[1].value for row in workbook["Movers"].iter_rows(min_row=2)]
    assert movers_shown == ["Seconds", "Seconds"]


# The workbook


def test_the_workbook_has_a_sheet_a_mart_and_keeps_text_as_text(tmp_path: Path) -> None:
    odd = mart(
        figure("2026-04-01", NASTY, 1000, 10**17),
        figure("2026-04-01", "#N/A", 1000, 800),
        figure("2026-04-01", "007", Decimal("0.1"), 800),
        figure("2026-04-01", "bell\a", 5, 6),
    )
    path = to_workbook(impact(odd, odd), tmp_path / "effect.xlsx")
    workbook = load_workbook(path)
    label = "Audience by network and day"
    assert workbook.sheetnames == ["Summary", "Changes", "Movers", label, f"{label} 2"]
    assert workbook["Summary"]["B1"].value == verdict(impact(odd, odd))
    sheet = workbook[label]
    cells = {sheet.cell(row, 3).value: sheet.cell(row, 5) for row in range(2, 6)}
    assert set(cells) == {NASTY, "#N/A", "007", "bell_x0007_"}
    assert {sheet.cell(row, 3).data_type for row in range(2, 6)} == {"s"}
    assert cells[NASTY].value == 10**17
    assert cells["#N/A"].value == 800
    changes = [cell.value for cell in workbook["Changes"][2]]
    assert changes[1:8] == ["anna", "channel", "C1", "was always wrong", "Network", "FOX", "ABC"]
    workbook.close()


def test_numbers_that_excel_would_round_are_written_as_text(tmp_path: Path) -> None:
    exact = 1_234_567_890_123_456_789
    path = to_workbook(impact(mart(figure("2026-04-01", "FOX", exact, 1))), tmp_path / "e.xlsx")
    workbook = load_workbook(path)
    assert workbook["Audience by network and day"]["D2"].value == str(exact)
    workbook.close()


def test_a_mart_with_more_figures_than_excel_has_rows_shows_the_largest_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "EXCEL_ROWS", 6)
    many = mart(*(figure("2026-04-01", f"N{one}", 100, 100 + one) for one in range(1, 10)))
    workbook = load_workbook(to_workbook(impact(many), tmp_path / "effect.xlsx"))
    rows = list(workbook["Audience by network and day"].values)
    assert len(rows) == 6
    assert [row[2] for row in rows[1:5]] == ["N9", "N8", "N7", "N6"]
    assert "5 smaller figures are left out" in str(rows[5][0])
    workbook.close()


# The screen


def shown(one: Impact) -> str:
    console = Console(width=140, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as capture:
        to_screen(one, console)
    return capture.get()


def test_the_screen_shows_verdict_changes_and_movers() -> None:
    text = shown(impact(SWAP, mart(name="other")))
    assert text.startswith("1 change moves 450 seconds")
    assert "channel C1 was always wrong: Network FOX → ABC" in text
    assert re.search(r"FOX\s+2,500\s+2,050\s+−450\s+−18\.0%", text)  # noqa: RUF001
    assert "Nothing moves in Audience by network and day." in text


def test_the_screen_prints_brackets_of_names_as_they_are() -> None:
    assert "[red]X[/red]" in shown(impact(mart(figure("2026-04-01", "[red]X[/red]", 1, 2))))


# The page


class Page(HTMLParser):
    """Collects the page's text, tags and addresses, and refuses tags that do not match."""

    VOID = ("meta", "br", "line", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page_of(one: Impact, folder: Path) -> Page:
    return Page(to_html(one, folder / "effect.html").read_text(encoding="utf-8"))


def test_the_page_tells_the_verdict_first_and_needs_nothing_else(tmp_path: Path) -> None:
    page = page_of(impact(SWAP, mart(name="other")), tmp_path)
    assert page.addresses == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(" not in page.text
    assert page.text.index(verdict(impact(SWAP))) < page.text.index("Who gains, who loses")
    for told in ("Affiliation swap", "Channel!C5", "anna", "c" * 64, "2026-04-07"):
        assert told in page.text
    assert "No figure moves in Audience by network and day." in page.text


def test_the_page_speaks_the_analysts_words(tmp_path: Path) -> None:
    one = impact(mart(figure("2026-04-01", "(unmapped)", 100, 1300)))
    text = page_of(one, tmp_path).text.lower()
    for word in ("change set", "receipt", "impact", "unmapped", "dimension"):
        assert word not in text
    assert "unassigned viewing" in text


def test_the_page_shows_names_with_markup_as_text(tmp_path: Path) -> None:
    nasty = mart(figure("2026-04-01", NASTY, 100, 200), figure("2026-04-02", NASTY, 100, 50))
    one = impact(nasty, changes=(modified(NASTY, None),))
    one = replace(one, change_sets=(replace(one.change_sets[0], reason=NASTY, author=NASTY),))
    page = page_of(one, tmp_path)
    assert "script" not in page.tags
    assert NASTY in page.text


def test_the_page_of_nothing_moving_is_still_a_page(tmp_path: Path) -> None:
    page = page_of(impact(mart()), tmp_path)
    assert "No figure moves." in page.text
    assert "Who gains" not in page.text


def test_the_page_stays_small_and_its_totals_cover_what_it_leaves_out(tmp_path: Path) -> None:
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 5) for day in range(1, 29)]
    figures = [
        figure(day, f"N{name}", 1000, 1000 + 1000 - name)
        for day, name in itertools.product(days, range(200))
    ]
    changes = tuple(modified("FOX", "ABC", f"C{one}") for one in range(5000))
    one = impact(mart(*figures), changes=changes)
    path = to_html(one, tmp_path / "effect.html")
    assert path.stat().st_size < 300_000
    page = Page(path.read_text(encoding="utf-8"))
    assert "4,900 more changes" in page.text
    rest = sum(1000 - name for name in range(25, 200)) * len(days)
    assert f"175 more together +{rest:,}" in page.text
    assert f"{len(figures) - 50:,} smaller figures together" in page.text


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(EngineError) as error:
        to_html(impact(SWAP), tmp_path / "file" / "effect.html")
    assert error.value.problems[0].rule == "report-not-written"
    assert (tmp_path / "file").read_text() == "old"


def test_a_report_that_fails_midway_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "audience_by_network_day.csv"
    path.write_text("old")
    broken = mart(figure("2026-04-01", "\ud800", 1, 2))
    with pytest.raises(UnicodeEncodeError):
        to_csv(impact(broken), tmp_path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_ratio_has_its_scale_and_none_without_a_denominator() -> None:
    assert ratio_of(RATIOS[0], {"seconds": 1, "tv_seconds": 3}) == Decimal("0.3333")
    assert ratio_of(RATIOS[0], {"seconds": 225, "tv_seconds": 7_200}) == Decimal("0.0313")
    assert ratio_of(RATIOS[0], {"seconds": 1, "tv_seconds": 0}) is None
    assert ratio_of(RATIOS[0], {"seconds": None, "tv_seconds": 3}) is None
