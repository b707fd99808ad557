"""Each step of the method, broken on purpose, and the smallest scenario in which that shows.

The oracle must catch every fault, and the whole method must be right where it does. Counterexamples
that were met in the SQL or while the model was written are here, or in test_figures.py.
"""

import pytest
from algebra import faults
from algebra.by_hand import ALONE, H2, MIDNIGHT, MORNING, always, correct, later, live, on, scenario
from algebra.faults import FAULTS
from algebra.method import WhatIf
from algebra.model import Row
from algebra.scenarios import SCENARIOS, Action
from hypothesis import Phase, find, settings

NAMED = [
    faults.DropsRemovals,
    faults.SubtractsReach,
    faults.SumsDimensions,
    faults.DropsAtZeroSeconds,
]


STAYS_REACHED = scenario(
    [live("A"), live("B")], correct("channel", "n2"), channel=always(A="n1", B="n1")
)
"""The household stays reached by n1, through B."""
MOVES_TWICE = scenario(
    [live("A")],
    correct("channel", "n2"),
    correct("area", "m2"),
    channel=always(A="n1"),
    area=always(a1="m1"),
)
"""One record moves from n1 in m1 to n2 in m2: never to n2 in m1, never to n1 in m2."""
EXAMPLES = {
    faults.DropsRemovals: (
        "network_day",
        scenario([live("A")], on("channel", Action.DELETE), channel=always(A="n1")),
    ),
    faults.SubtractsReach: ("network_day", STAYS_REACHED),
    faults.SumsDimensions: ("market_day", MOVES_TWICE),
    faults.DropsAtZeroSeconds: (
        "network_day",
        scenario(
            [live("A"), live("B", seconds=0)],
            correct("channel", "n2"),
            channel=always(A="n1", B="n1"),
        ),
    ),
    faults.IgnoresParents: (
        "group_day",
        scenario(
            [live("A")],
            correct("network", "g2"),
            channel=always(A="n1"),
            network=always(n1="g1"),
        ),
    ),
    faults.ParentsByLastRow: (
        "group_day",
        scenario(
            [live("A")],
            correct("network", "g2"),
            channel=[Row("A", 0, 8, "n1"), Row("A", 8, None, "n2")],
            network=always(n1="g1"),
        ),
    ),
    faults.TakesNoRowForNone: (
        "network_day",
        scenario([live("A")], on("channel", Action.DELETE), channel=always(A=None)),
    ),
    faults.ReadsTheDayOfAWeek: (
        "market_week",
        scenario(
            [live("A"), live("A", MIDNIGHT)],
            on("channel", Action.CHANGE_FROM, 8, "n2"),
            channel=always(A="n1"),
        ),
    ),
    faults.ReadsTheViewingDayOfAnAiring: (
        "airing",
        scenario(
            [live("A"), later("A", MORNING + 600, days=1)],
            on("airing", Action.RETIRE, MORNING + 600),
            airing=[Row("A", MORNING, MORNING + 1_200, "p1")],
        ),
    ),
    faults.CutsAiringsAtMidnight: (
        "airing",
        scenario(
            [live("A", MIDNIGHT - 600), live("A", MIDNIGHT)],
            on("airing", Action.RETIRE, MIDNIGHT),
            airing=[Row("A", MIDNIGHT - 600, MIDNIGHT + 600, "p1")],
        ),
    ),
    faults.TouchesByViewingDayOnly: (
        "airing",
        scenario(
            [later("A", MORNING, days=1)],
            correct("channel", "n2"),
            channel=[Row("A", 7, 8, "n1")],
        ),
    ),
    faults.CountsTwice: ("market_day", MOVES_TWICE),
    faults.ForgetsDevicesWithoutHousehold: (
        "network_day",
        scenario([live("A", device=ALONE)], correct("channel", "n2"), channel=always(A="n1")),
    ),
    faults.IgnoresMovedDenominators: (
        "market_day",
        scenario(
            [live("A"), live("B", device=H2)],
            correct("area", "m2"),
            channel=always(A="n1", B="n2"),
            area=always(a1="m1", a2="m2"),
        ),
    ),
    faults.KeepsClockSeconds: (
        "airing",
        scenario(
            [live("A")],
            on("airing", Action.RETIRE, MORNING + 600),
            airing=[Row("A", MORNING, MORNING + 1_200, "p1")],
        ),
    ),
    faults.NarrowsByAfterOnly: ("network_day", STAYS_REACHED),
    # A's code was used again (A#2) and B took over its identity; then that turns out wrong.
    faults.NarrowsByRowsOnly: (
        "channel_day",
        scenario(
            [live("A"), live("B")],
            on("channel_key", Action.DELETE),
            channel=always(A="n1", B="n1"),
            channel_key=always(A="A#2", B="A"),
        ),
    ),
}


def test_every_fault_has_its_example() -> None:
    assert set(EXAMPLES) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_smallest_example_of_a_fault_is_caught(fault: type[WhatIf]) -> None:
    mart, example = EXAMPLES[fault]
    assert example.wrong_marts() == []
    assert mart in example.wrong_marts(fault)


@pytest.mark.parametrize("fault", NAMED)
def test_random_edits_catch_a_fault(fault: type[WhatIf]) -> None:
    find(
        SCENARIOS,
        lambda one: bool(one.wrong_marts(fault)),
        settings=settings(max_examples=1_000, phases=[Phase.generate]),
    )
