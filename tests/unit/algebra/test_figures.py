"""Figures that the model must come to, worked out by hand: it is the oracle of the other tests."""

from algebra.by_hand import H1, MIDNIGHT, MORNING, always, correct, later, live, on, scenario
from algebra.model import DAY, MARTS, NONE, UNMAPPED, Device, Figure, Figures, Record, Row, build
from algebra.scenarios import Action


def figures(mart: str, viewing: list[Record], **dimensions: list[Row]) -> Figures:
    return build(MARTS[mart], scenario(viewing, **dimensions).before, viewing)


def test_a_household_is_reached_once_and_weighs_as_much_as_its_heaviest_device() -> None:
    light, heavy = H1, Device("h1", "a1", 25_000)
    viewing = [live("A", seconds=60), live("A", MIDNIGHT, seconds=59, device=heavy)]
    found = figures(
        "market_week",
        [*viewing, live("A", device=light)],
        channel=always(A="n1"),
        area=always(a1="m1"),
    )
    weighted = 60 * 10_000 + 59 * 25_000 + 200 * 10_000
    assert found == {(1, "live", "m1", "n1"): Figure(3, 319, weighted, 3, 1, 25_000, DAY, 319)}


def test_none_is_a_row_without_the_attribute_and_unmapped_no_row() -> None:
    found = figures("network_day", [live("A"), live("B", seconds=0)], channel=always(A=None))
    assert found == {
        (7, "live", NONE): Figure(1, 200, 2_000_000, 1, 1, 10_000, DAY, 200),
        (7, "live", UNMAPPED): Figure(1, 0, 0, 1, 0, 0, DAY, 200),
    }


def test_a_stay_is_cut_into_minutes_and_begins_a_session_in_its_first() -> None:
    found = figures("channel_minute", [live("A", MORNING + 30, 90)], channel=always(A="n1"))
    minute = MORNING // 60
    assert {grain[0]: (one.seconds, one.sessions) for grain, one in found.items()} == {
        minute: (30, 1),
        minute + 1: (60, 0),
    }


def test_windows_of_an_airing_are_cumulative_and_end_after_seven_days() -> None:
    stays = [live("A"), *(later("A", MORNING, days) for days in (0, 3, 7, 8))]
    airing = [Row("A", MORNING, MORNING + 600, "p1")]
    found = figures("airing", stays, airing=airing, programme=always(p1="drama"))
    assert {grain[1]: (one.records, one.reach) for grain, one in found.items()} == {
        "live": (1, 1),
        "same day": (2, 1),
        "+3": (3, 1),
        "+7": (4, 1),
    }
    assert {one.clock_seconds for one in found.values()} == {600}
    assert {grain[5] for grain in found} == {"drama"}


def test_a_figure_that_all_read_viewing_leaves_keeps_its_clock() -> None:
    other = Device("h2", "a1", 7_500)
    moved = scenario(
        [live("A"), live("B", device=other)],
        correct("channel", "n2"),
        channel=always(A="n1", B="n1"),
    )
    before, after = moved.impact(MARTS["network_day"])[(7, "live", "n1")]
    assert before is not None
    assert after is not None
    assert (before.clock_seconds, after.clock_seconds) == (DAY, DAY)
    assert (before.reach, after.reach) == (2, 1)


def test_a_stay_too_late_for_any_window_still_counts_in_its_day() -> None:
    late = scenario(
        [later("A", MORNING, days=8)], on("channel", Action.DELETE), channel=always(A="n1")
    )
    assert late.impact(MARTS["airing"]) == {}
    assert len(late.impact(MARTS["network_day"])) == 2
    assert late.wrong_marts() == []
