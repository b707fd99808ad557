"""The long version of tests/unit/algebra: random scenarios, others in each run, without an engine.

`SOAK_CASES` (default 100) counts thousands of scenarios; a thousand take about 5 seconds. A failure
prints the smallest scenario that shows it: make that a test with a name.
"""

import os

import pytest
from algebra.faults import FAULTS
from algebra.method import WhatIf
from algebra.scenarios import SCENARIOS, Scenario
from hypothesis import Phase, find, given, settings

SETTINGS = settings(derandomize=False, database=None, print_blob=True)


@pytest.mark.parametrize("thousand", range(int(os.environ.get("SOAK_CASES", "100"))))
def test_impact_equals_a_rebuild(thousand: int) -> None:
    @settings(SETTINGS, max_examples=1_000)
    @given(SCENARIOS)
    def check(scenario: Scenario) -> None:
        assert scenario.wrong_marts() == []

    check()


@pytest.mark.parametrize("fault", FAULTS)
def test_random_edits_catch_every_fault(fault: type[WhatIf]) -> None:
    find(
        SCENARIOS,
        lambda one: bool(one.wrong_marts(fault)),
        settings=settings(SETTINGS, max_examples=50_000, phases=[Phase.generate]),
    )
