"""Two tracks compared: what is found is what a slow and obvious comparison finds."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import network_workspace, run

from foreview.errors import RefusedError
from foreview.impact import Measure
from foreview.report.tracks import (
    agreement,
    days_told,
    notes,
    tracks_as_data,
    tracks_to_csv,
    tracks_to_html,
    tracks_to_text,
)
from foreview.track_comparison import Figures, Grain, Shape, compare
from foreview.tracks import Loaded, Tracks, _shape, read_tolerances, small_figures, trimmed

SHAPE = Shape(
    ("viewing_date", "network_id", "playback_mode"),
    (
        Measure("reach", "Reach", "integer", False, "households"),
        Measure("seconds", "Seconds", "integer", True, "seconds"),
        Measure("weighted_seconds", "Weighted seconds", "decimal", True, "seconds"),
    ),
)
NESTED = Shape(SHAPE.grain, SHAPE.measures, ("playback_mode", "all"))
NAMES = ("reach", "seconds", "weighted_seconds")
NASTY = "=HYPERLINK(\"http://x\";1)<script>alert('x')</script>[red]"


def values(seconds: int, weighted: str | None = None, reach: int = 1) -> dict[str, Any]:
    return {"reach": reach, "seconds": seconds, "weighted_seconds": Decimal(weighted or seconds)}


GRID = list(
    itertools.product(
        ["2026-04-01", "2026-04-02"], ["ABC", "FOX", "NBC", "(none)"], ["all", "live"]
    )
)
a_figure = st.none() | st.builds(
    values, st.integers(0, 2), st.sampled_from([*[None] * 6, "0.5", "1e20"]), st.integers(0, 1)
)
figures = st.lists(a_figure, min_size=len(GRID), max_size=len(GRID)).map(
    lambda found: {grain: one for grain, one in zip(GRID, found, strict=True) if one}
)
tolerances = st.fixed_dictionaries(
    {}, optional={"seconds": st.just(1), "weighted_seconds": st.just(Decimal("0.5"))}
)


@given(st.sampled_from([SHAPE, NESTED]), figures, figures, tolerances)
def test_every_figure_is_found_where_a_slow_comparison_finds_it(
    shape: Shape, ours: Figures, theirs: Figures, allowed: Mapping[str, Any]
) -> None:
    found = compare(shape, ours, theirs, allowed)
    expected = dict(slow_differences(ours, theirs, allowed))
    assert {one.grain: one.found.value for one in found.differences} == {
        grain: kind for grain, kind in expected.items() if kind not in ("equal", "rounded")
    }
    kinds = list(expected.values())
    assert (found.equal, found.rounded) == (kinds.count("equal"), kinds.count("rounded"))
    for one in found.differences:
        assert (one.ours, one.theirs) == (ours.get(one.grain, {}), theirs.get(one.grain, {}))
        for name in NAMES:
            assert one.by[name] == of(theirs, one.grain, name) - of(ours, one.grain, name)
    sizes = [(abs(one.by["seconds"]), abs(one.by["weighted_seconds"])) for one in found.differences]
    assert sizes == sorted(sizes, reverse=True)
    for name, total in found.totals.items():
        sums = [
            sum(of(side, one, name) for one in side if summed(shape, one))
            for side in (ours, theirs)
        ]
        assert [total.ours, total.theirs, total.by] == [*sums, sums[1] - sums[0]]
        assert total.different == sum(
            1
            for grain in {*ours, *theirs}
            if abs(of(ours, grain, name) - of(theirs, grain, name)) > allowed.get(name, 0)
            and expected[grain] not in ("equal", "rounded")
        )


def of(side: Figures, grain: Grain, name: str) -> Any:
    return side.get(grain, {}).get(name) or 0


def summed(shape: Shape, grain: Grain) -> bool:
    return shape.nested is None or grain[2] == "all"


def slow_differences(
    ours: Figures, theirs: Figures, allowed: Mapping[str, Any]
) -> Iterator[tuple[Grain, str]]:
    for grain in {*ours, *theirs}:
        if grain not in theirs:
            yield grain, "only ours"
        elif grain not in ours:
            yield grain, "only theirs"
        elif ours[grain] == theirs[grain]:
            yield grain, "equal"
        else:
            near = all(
                abs(of(ours, grain, name) - of(theirs, grain, name)) <= allowed.get(name, 0)
                for name in NAMES
            )
            yield grain, "rounded" if near else "different"


@given(st.sampled_from([SHAPE, NESTED]), figures, figures)
def test_what_is_elsewhere_is_what_cancels_out_over_one_column(
    shape: Shape, ours: Figures, theirs: Figures
) -> None:
    found = compare(shape, ours, theirs, {}).elsewhere
    expected = slow_elsewhere(shape, ours, theirs)
    assert {
        (one.column, one.ours, one.theirs, one.measure): [one.figures, one.amount] for one in found
    } == expected
    assert len(found) == len(expected)


def slow_elsewhere(shape: Shape, ours: Figures, theirs: Figures) -> dict[Any, Any]:
    """Look at all pairs of figures, and at what no pair has."""
    moves = {
        grain: (
            of(theirs, grain, "seconds") - of(ours, grain, "seconds"),
            of(theirs, grain, "weighted_seconds") - of(ours, grain, "weighted_seconds"),
        )
        for grain in {*ours, *theirs}
        if summed(shape, grain)
    }
    moves = {grain: by for grain, by in moves.items() if by != (0, 0)}
    found: dict[Any, Any] = {}
    for place in (1,) if shape.nested else (1, 2):
        for rest in {without(grain, place) for grain in moves}:
            left = sorted(grain for grain in moves if without(grain, place) == rest)
            parts = []
            for one, other in itertools.combinations(left, 2):
                like = [two for two in left if moves[two] in (moves[one], moves[other])]
                if like == [one, other] and cancels([moves[one], moves[other]]):
                    parts.append([one, other])
            paired = {grain for part in parts for grain in part}
            others = [grain for grain in left if grain not in paired]
            if others and cancels([moves[one] for one in others]):
                parts.append(others)
            for part in parts:
                number = 0 if any(moves[one][0] for one in part) else 1
                key = (
                    shape.grain[place],
                    tuple(one[place] for one in part if moves[one][number] < 0),
                    tuple(one[place] for one in part if moves[one][number] > 0),
                    NAMES[1:][number],
                )
                sums = found.setdefault(key, [0, 0])
                sums[0] += len(part)
                sums[1] += sum(max(moves[one][number], 0) for one in part)
    return found


def without(grain: Grain, place: int) -> Grain:
    return tuple(value for at, value in enumerate(grain) if at != place)


def cancels(moves: Any) -> bool:
    return all(sum(one) == 0 for one in zip(*moves, strict=True))


def test_a_figure_with_two_possible_partners_is_no_pair() -> None:
    day = "2026-04-01"
    ours = {(day, name, "live"): values(n) for name, n in (("ABC", 1), ("FOX", 1), ("NBC", 5))}
    theirs = {(day, name, "live"): values(n) for name, n in (("ABC", 2), ("FOX", 2), ("NBC", 4))}
    assert compare(SHAPE, ours, theirs, {}).elsewhere == ()
    theirs[day, "NBC", "live"] = values(3)
    (one,) = compare(SHAPE, ours, theirs, {}).elsewhere
    assert (one.ours, one.theirs, one.figures, one.amount) == (("NBC",), ("ABC", "FOX"), 3, 2)


@given(figures)
def test_a_track_agrees_with_itself(ours: Figures) -> None:
    found = compare(SHAPE, ours, dict(ours), {})
    assert (found.equal, found.differences, found.elsewhere) == (len(ours), (), ())


def test_no_digit_is_lost_between_large_and_small_numbers() -> None:
    grain = ("2026-04-01", "FOX", "live")
    left, right = "123456789012345678901234567890.0000000001", "123456789012345678901234567890"
    found = compare(SHAPE, {grain: values(1, left)}, {grain: values(1, right)}, {})
    assert found.totals["weighted_seconds"].by == Decimal("-0.0000000001")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("1687.9909000000", "1687.9909"),
        ("0E-10", "0"),
        ("1000.0000000000", "1000"),
        ("-0.5", "-0.5"),
        ("123456789012345678901234567890.5000", "123456789012345678901234567890.5"),
    ],
)
def test_decimals_read_as_they_were_delivered(stored: str, shown: str) -> None:
    assert str(trimmed(Decimal(stored))) == shown
    assert (trimmed(7), trimmed(None)) == (7, None)


def test_a_tolerance_is_for_one_measure_or_for_all() -> None:
    assert read_tolerances(["0.5"], ["a", "b"]) == {"a": Decimal("0.5"), "b": Decimal("0.5")}
    assert read_tolerances(["2", "b=0"], ["a", "b"]) == {"a": Decimal(2), "b": Decimal(0)}
    with pytest.raises(RefusedError) as caught:
        read_tolerances(["-1", "c=1", "a=x", "nan", "a=inf", "=1"], ["a", "b"])
    assert [one.value for one in caught.value.problems] == [
        "-1",
        "c=1",
        "a=x",
        "nan",
        "a=inf",
        "=1",
    ]
    assert {one.rule for one in caught.value.problems} == {"not-a-tolerance"}


def tracks(ours: Figures, theirs: Figures, **other: Any) -> Tracks:
    allowed = other.pop("tolerances", {})
    days = dict.fromkeys(sorted({grain[0] for grain in theirs}), 3)
    given_ = {"days": days, "shape": SHAPE, "missing": (), "tolerances": allowed, **other}
    found = compare(given_["shape"], ours, theirs, allowed)
    return Tracks("a_mart", "A mart", "old", 4, comparison=found, **given_)


MOVED = (
    {("2026-04-01", name, "live"): values(n) for name, n in (("FOX", 5), ("NBC", 7), ("ABC", 1))},
    {("2026-04-01", name, "live"): values(n) for name, n in (("FOX", 2), ("NBC", 10), ("CW", 9))},
)


def test_people_are_told_what_differs_and_which_audience_is_only_elsewhere() -> None:
    alone = tracks(*({k: v for k, v in side.items() if k[1] in "FOX NBC"} for side in MOVED))
    assert (
        agreement(alone)
        == "old and publication 4 differ in 2 figures: 2 different; 0 figures equal."
    )
    text = tracks_to_text(alone)
    assert "3 seconds (2 figures) are under network FOX in ours, under NBC in theirs." in text
    assert "2026-04-01, delivered for publication 3" in text
    assert "FOX in ours, under NBC in theirs" in tracks_to_text(tracks(*MOVED))
    assert agreement(tracks(*MOVED)) == (
        "old and publication 4 differ in 4 figures: 2 different, 1 only ours, 1 only theirs; "
        "0 figures equal."
    )
    same = tracks(MOVED[0], MOVED[0])
    assert agreement(same) == "old and publication 4 agree: 3 figures equal."
    assert "largest" not in tracks_to_text(same)


def test_days_tolerance_and_what_was_not_delivered_are_told() -> None:
    days = {"2026-04-01": 1, "2026-04-02": 4, "2026-04-03": 2}
    found = tracks(*MOVED, days=days, missing=("sessions",), tolerances={"seconds": Decimal(3)})
    assert days_told(found) == "3 days, 2026-04-01 to 2026-04-03, delivered for publications 1 to 4"
    assert notes(found) == [
        "Not delivered for every figure, so not compared: sessions.",
        "Tolerance: seconds 3.",
    ]
    nested = tracks(*MOVED, shape=NESTED)
    assert notes(nested) == ["Sums are of playback mode all, which holds the others."]


def test_the_csv_file_has_every_difference_and_no_formula(tmp_path: Path) -> None:
    ours = {("2026-04-01", NASTY, "live"): values(5)}
    path = tracks_to_csv(tracks(ours, MOVED[1]), tmp_path / "tracks.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["found"], row["network_id"]) for row in rows] == [
        ("only theirs", "NBC"),
        ("only theirs", "CW"),
        ("only ours", f"'{NASTY}"),
        ("only theirs", "FOX"),
    ]
    assert rows[2]["seconds_ours"] == "5"
    assert (rows[2]["seconds_theirs"], rows[2]["seconds_difference"]) == ("", "-5")


def test_the_page_shows_the_largest_differences_and_breaks_at_nothing(tmp_path: Path) -> None:
    theirs = dict(MOVED[1])
    for n in range(60):
        theirs["2026-04-02", f"N{n}", "live"] = values(n + 100)
    ours = {("2026-04-02", NASTY, "live"): values(1_000_000), **MOVED[0]}
    page = tracks_to_html(tracks(ours, theirs), tmp_path / "tracks.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "1,000,000" in page
    assert "15 more in the CSV file" in page


def test_machines_get_the_same() -> None:
    data = tracks_as_data(tracks(*MOVED))
    counts = [data[one] for one in ("equal", "different", "only_ours", "only_theirs")]
    assert counts == [0, 2, 1, 1]
    assert data["measures"]["seconds"] == {
        "ours": 13,
        "theirs": 21,
        "difference": 8,
        "different": 4,
    }
    assert data["largest"][0]["grain"]["network_id"] == "CW"
    assert data["largest"][0]["found"] == "only theirs"


def test_the_command_fails_on_a_difference_only_when_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = network_workspace(tmp_path)
    command = ["compare-track", "a_mart", "--system", "old"]
    for theirs, code in ((MOVED[0], 0), (MOVED[1], 1)):
        found = tracks(MOVED[0], theirs)
        monkeypatch.setattr("foreview.tracks.compare_track", lambda *_, found=found, **__: found)
        assert run(workspace, *command).exit_code == 0
        result = run(workspace, *command, "--fail-on-difference", "-o", str(tmp_path / "t.csv"))
        assert result.exit_code == code
        assert f"All differences: {tmp_path / 't.csv'}" in result.output
        page = tmp_path / "t.html"
        machines = json.loads(run(workspace, *command, "--page", str(page), "--json").stdout)
        assert machines["files"] == [str(page)]


def test_the_command_says_what_was_loaded_and_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = ("2026-04-01", "2026-04-03")
    loaded = Loaded("a_mart", "old", 3, "old.csv", "f" * 64, 1200, days, ("seconds",), 1100)
    monkeypatch.setattr("foreview.tracks.load_track", lambda *_, **__: loaded)
    command = ["load-track", "a_mart", "old.csv", "--system", "old"]
    assert run(network_workspace(tmp_path), *command).output == (
        "1,200 figures of old, in place of 1,100: 2026-04-01 to 2026-04-03, beside publication 3.\n"
        "Compare them: foreview compare-track a_mart --system old\n"
    )


RULES = {
    "grain": list(SHAPE.grain),
    "measures": {
        "seconds": {"label": "Seconds", "type": "integer", "over": "records", "unit": "s"},
        "reach": {"label": "R", "type": "integer", "over": "households", "unit": "households"},
    },
}


def test_figures_of_too_few_households_are_known_also_where_none_were_delivered() -> None:
    def rows(**reach: int | None) -> list[dict[str, Any]]:
        day = {"viewing_date": "2026-04-01", "playback_mode": "all"}
        return [{**day, "network_id": name, "reach": n} for name, n in reach.items()]

    ours = rows(FEW=3, MANY=30, NEAR=50, SAME=50, ALONE=2, FULL=90)
    theirs = rows(FEW=None, MANY=None, NEAR=57, SAME=50, THEIRS=None, MORE=70)
    small = small_figures(RULES, ours, theirs, 10)
    assert sorted(one[1] for one in small) == ["ALONE", "FEW", "NEAR", "THEIRS"]
    assert small_figures(RULES, ours, theirs, 0) == frozenset()
    delivered = [{**one, "seconds": 9} for one in ours]
    for one in delivered:  # before there was such a measure
        del one["reach"]
    assert sorted(one[1] for one in small_figures(RULES, ours, delivered, 10)) == ["ALONE", "FEW"]
    assert [one.name for one in _shape(RULES, delivered).measures] == ["seconds"]


def test_no_page_csv_or_screen_of_two_tracks_names_or_counts_a_small_figure(tmp_path: Path) -> None:
    days = ("2026-04-01", "2026-04-02")
    ours = {(day, "HUGE", "all"): values(9000, reach=900) for day in days}
    theirs = {(day, "HUGE", "all"): values(9100, reach=870) for day in days}
    ours[days[0], "TINY", "all"] = values(41, reach=33)  # alone on its day: not even in a sum
    theirs[days[0], "TINY", "all"] = values(43, reach=37)
    for name, reach in (("SMALL", 8), ("LITTLE", 9)):
        ours[days[1], name, "all"] = values(50, reach=reach)
        theirs[days[1], name, "all"] = values(70, reach=reach + 100)
    theirs[days[1], "ELSEWHERE", "all"] = values(41, reach=3)
    small = frozenset(grain for grain in {**ours, **theirs} if grain[1] != "HUGE")
    found = replace(
        tracks(ours, theirs),
        comparison=compare(SHAPE, ours, theirs, {}, small),
        small=small,
        smallest_count=10,
    )
    assert agreement(found).startswith("old and publication 4 differ in 6 figures: 5 different")
    texts = [
        tracks_to_text(found),
        tracks_to_html(found, tmp_path / "t.html").read_text("utf-8"),
        tracks_to_csv(found, tmp_path / "t.csv").read_text("utf-8"),
        json.dumps(tracks_as_data(found), default=str),
    ]
    for text in texts:
        assert "(too few)" in text
        for name in ("TINY", "SMALL", "LITTLE", "ELSEWHERE"):
            assert name not in text
        assert not re.search(r"\b(33|37)\b", text)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = {
            row["viewing_date"]: row for row in csv.DictReader(file) if "(" in row["network_id"]
        }
    lone, both = (rows[day] for day in days)
    assert (lone["reach_ours"], lone["reach_difference"]) == ("10 or more", "fewer than 10")
    assert (lone["seconds_ours"], lone["seconds_theirs"]) == ("41", "43")
    assert (both["reach_ours"], both["reach_theirs"]) == ("17", "220")
    data = tracks_as_data(found)["measures"]
    assert data["seconds"]["difference"] == 200 + 2 + 40 + 41
    shown = [one for one in tracks_as_data(found)["largest"] if one["ours"]["reach"] is not None]
    for side in ("ours", "theirs"):
        assert data["reach"][side] == sum(one[side]["reach"] for one in shown)


def test_without_the_setting_two_tracks_are_shown_whole() -> None:
    found = tracks(*MOVED)
    assert [one["grain"] for one in tracks_as_data(found)["largest"]] == [
        dict(zip(SHAPE.grain, one.grain, strict=True)) for one in found.comparison.differences
    ]
