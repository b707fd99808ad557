"""Scenarios of dbt's adapter suite with settings that the project's snapshots don't have."""

import os
from collections import Counter
from typing import Any

import pytest
from dbt.tests.adapter.basic.test_snapshot_check_cols import BaseSnapshotCheckCols
from dbt.tests.adapter.basic.test_snapshot_timestamp import BaseSnapshotTimestamp
from dbt.tests.adapter.simple_snapshot import test_various_configs as various
from dbt.tests.adapter.simple_snapshot.new_record_dbt_valid_to_current import (
    BaseSnapshotNewRecordDbtValidToCurrent,
)
from dbt.tests.adapter.simple_snapshot.new_record_timestamp_mode import (
    BaseSnapshotNewRecordTimestampMode,
)
from dbt.tests.adapter.simple_snapshot.test_ephemeral_snapshot_hard_deletes import (
    BaseSnapshotEphemeralHardDeletes,
    BaseSnapshotNewColumnSpecificCheckCols,
    BaseSnapshotNewColumnTimestampStrategy,
    BaseSnapshotNewColumnWithDeletes,
)
from dbt.tests.adapter.simple_snapshot.test_various_configs import (
    BaseSnapshotColumnNames,
    BaseSnapshotColumnNamesFromDbtProject,
    BaseSnapshotDbtValidToCurrent,
    BaseSnapshotInvalidColumnNames,
)
from dbt.tests.fixtures.project import TestProjInfo as Project

from .exact import NEW_RECORD

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif("FOREVIEW_SOAK" not in os.environ, reason="make soak runs these"),
]


def as_written(rows: list[Any]) -> list[Any]:
    """Return rows of id, dbt_scd_id and dbt_valid_to: first versions by id, then second ones."""
    versions: Counter[int] = Counter()
    ordered = []
    for row in sorted(rows, key=lambda one: one[2]):
        ordered.append((versions[row[0]], row[0], row))
        versions[row[0]] += 1
    return [row for *_, row in sorted(ordered)]


class TestColumnsToCheck(BaseSnapshotCheckCols):
    pass


class TestTimestampStrategy(BaseSnapshotTimestamp):
    pass


@NEW_RECORD
class TestNewRecordsOfDeletesByTimestamp(BaseSnapshotNewRecordTimestampMode):
    pass


@NEW_RECORD
class TestNewRecordsOfDeletesWithDateForCurrent(BaseSnapshotNewRecordDbtValidToCurrent):
    pass


class TestColumnNames(BaseSnapshotColumnNames):
    pass


class TestColumnNamesFromProject(BaseSnapshotColumnNamesFromDbtProject):
    pass


class TestInvalidColumnNames(BaseSnapshotInvalidColumnNames):
    pass


class TestDateForCurrent(BaseSnapshotDbtValidToCurrent):
    def test_valid_to_current(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """The suite reads rows by position; a table of Spark has no order, so it is given one."""
        plain = various.run_sql_with_adapter
        monkeypatch.setattr(
            various, "run_sql_with_adapter", lambda *given: as_written(plain(*given))
        )
        super().test_valid_to_current(project)


class TestNewColumn(BaseSnapshotEphemeralHardDeletes):
    pass


class TestNewColumnByTimestamp(BaseSnapshotNewColumnTimestampStrategy):
    pass


class TestNewColumnThatIsNotChecked(BaseSnapshotNewColumnSpecificCheckCols):
    pass


class TestNewColumnAndDelete(BaseSnapshotNewColumnWithDeletes):
    pass
