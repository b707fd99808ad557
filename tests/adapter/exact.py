"""What is expected of the scenarios beyond what the suite asserts."""

from collections.abc import Iterable
from typing import Any

import pytest

NEW_RECORD = pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="dbt-spark writes the record of a deleted row with all its own columns null: "
    "https://github.com/dbt-labs/dbt-adapters/issues/1401",
)


class Exact:
    """The suite looks for versions that should not be there; here none may be missing either."""

    get_snapshot_records: Any

    def _assert_results(
        self,
        ids_with_current_snapshot_records: Iterable[int],
        ids_with_closed_out_snapshot_records: Iterable[int],
    ) -> None:
        expected = [(one, True) for one in ids_with_current_snapshot_records]
        expected += [(one, False) for one in ids_with_closed_out_snapshot_records]
        found = self.get_snapshot_records("id, dbt_valid_to is null")
        assert sorted(found) == sorted(expected)
