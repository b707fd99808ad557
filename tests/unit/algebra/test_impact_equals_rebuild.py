"""The what-if's method against a rebuild, on random edits of all dimensions. A model: no engine.

The long version is tests/soak/test_soak_algebra.py.
"""

from itertools import product

import pytest
from algebra.method import WhatIf
from algebra.model import MARTS, Mart, Record, Row
from algebra.scenarios import KEYS, SCENARIOS, Action, Scenario, apply
from hypothesis import given, settings


def test_impact_of_random_edits_equals_a_rebuild() -> None:
    changes: set[tuple[str, str]] = set()
    actions: set[tuple[str, Action]] = set()

    @settings(max_examples=2_000)
    @given(SCENARIOS)
    def check(scenario: Scenario) -> None:
        for name, (found, expected) in scenario.impacts().items():
            assert found == expected, name
            changes.update((name, change_of(one)) for one in expected.values())
        for edit in (one for change_set in scenario.change_sets for one in change_set):
            rows = scenario.before[edit.dimension]
            if set(apply(scenario.before, [[edit]])[edit.dimension]) != set(rows):
                actions.add((edit.dimension, edit.action))

    check()
    # Nothing to find is no proof: each mart had all changes, each dimension all actions.
    assert changes == set(product(MARTS, ("added", "removed", "modified")))
    assert actions == set(product(KEYS, Action))


def change_of(figures: tuple[object, object]) -> str:
    before, after = figures
    return "added" if before is None else "removed" if after is None else "modified"


class HasOnlyWhatItReads(WhatIf):
    """The method in a warehouse from which all other viewing is gone."""

    def read(self, mart: Mart) -> list[Record]:
        return WhatIf(self.before, self.after, super().read(mart)).read(mart)


class ReadsOnceForAllMarts(WhatIf):
    """Each mart over what any mart reads, each record once, as macros/what_if does it."""

    def read(self, mart: Mart) -> list[Record]:
        wanted = {id(record) for one in MARTS.values() for record in WhatIf.read(self, one)}
        return [record for record in self.viewing if id(record) in wanted]


class PointsByAfterOnly(WhatIf):
    """A key that pointed at a touched parent and no longer does is touched by itself."""

    def pointing(self, child: str) -> list[Row]:
        return list(self.after[child])


@pytest.mark.parametrize("method", [HasOnlyWhatItReads, ReadsOnceForAllMarts, PointsByAfterOnly])
def test_a_method_that_is_as_good_stays_exact(method: type[WhatIf]) -> None:
    @settings(max_examples=150)
    @given(SCENARIOS)
    def check(scenario: Scenario) -> None:
        assert scenario.wrong_marts(method) == []

    check()
