"""The snapshot scenarios of dbt's adapter suite on dbt-spark's own snapshots: session and Delta.

Where one is expected to fail, that is dbt-spark: `test_project_snapshots` does the same with the
project's configuration. dbt-spark's own repository skips snapshots on a session.
"""

import pytest
from dbt.tests.adapter.simple_snapshot import snapshots as suite_snapshots
from dbt.tests.adapter.simple_snapshot.new_record_check_mode import BaseSnapshotNewRecordCheckMode
from dbt.tests.adapter.simple_snapshot.test_snapshot import (
    BaseSimpleSnapshot,
    BaseSimpleSnapshotBase,
    BaseSnapshotCheck,
)
from dbt.tests.adapter.simple_snapshot.test_various_configs import BaseSnapshotMultiUniqueKey
from dbt.tests.fixtures.project import TestProjInfo as Project
from dbt.tests.util import run_dbt

from .exact import NEW_RECORD, Exact

pytestmark = pytest.mark.spark


class TestCheckStrategy(Exact, BaseSnapshotCheck):
    pass


class TestTimestampStrategyAndInvalidatedDeletes(Exact, BaseSimpleSnapshot):
    @pytest.mark.xfail(
        strict=True,
        raises=AssertionError,
        reason="dbt-spark's merge takes a deleted row that comes back with the timestamp that it "
        "had for the version that it closed: both have the same dbt_scd_id",
    )
    def test_revives_are_captured_by_snapshot(self, project: Project) -> None:
        super().test_revives_are_captured_by_snapshot(project)

    def test_new_column_captured_by_snapshot(self, project: Project) -> None:
        """Named here to come last: the column stays in the snapshot, and no merge works without."""
        super().test_new_column_captured_by_snapshot(project)


class TestIgnoredDeletes(Exact, BaseSimpleSnapshotBase):
    """The third way with deletes; the suite has no scenario of its own for it."""

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        text = suite_snapshots.SNAPSHOT_TIMESTAMP_SQL
        ignored = text.replace("invalidate_hard_deletes=True", "hard_deletes='ignore'")
        return {"snapshot.sql": ignored}

    def test_a_deleted_row_stays_current(self, project: Project) -> None:
        self.delete_fact_records("id between 16 and 20")
        run_dbt(["snapshot"])
        self._assert_results(range(1, 21), [])


@NEW_RECORD
class TestNewRecordsOfDeletes(BaseSnapshotNewRecordCheckMode):
    pass


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="dbt-spark takes the helper dbt_unique_key_1 of a list of keys for a new column: "
    "https://github.com/dbt-labs/dbt-adapters/issues/2101",
)
class TestKeyOfSeveralColumns(BaseSnapshotMultiUniqueKey):
    pass
