"""Snapshots beyond the suite: what a version is, when it begins and ends, what `--empty` leaves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dbt.tests.adapter.simple_snapshot import snapshots as suite_snapshots
from dbt.tests.adapter.simple_snapshot.test_snapshot import (
    BaseSimpleSnapshot,
    BaseSimpleSnapshotBase,
    BaseSnapshotCheck,
)
from dbt.tests.util import run_dbt


class Exact:
    """The suite looks for versions that should not be there; here none may be missing either."""

    get_snapshot_records: Any

    def _assert_results(
        self,
        ids_with_current_snapshot_records: Any,
        ids_with_closed_out_snapshot_records: Any,
    ) -> None:
        expected = [(one, 1) for one in ids_with_current_snapshot_records]
        expected += [(one, 0) for one in ids_with_closed_out_snapshot_records]
        found = self.get_snapshot_records("id, dbt_valid_to is null")
        assert sorted(found) == sorted(expected)


class TestCheckStrategy(Exact, BaseSnapshotCheck):
    pass


class TestTimestampStrategy(Exact, BaseSimpleSnapshot):
    pass


class TestIgnoredDeletes(Exact, BaseSimpleSnapshotBase):
    """The third way with deletes; the suite has no scenario of its own for it."""

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        text = suite_snapshots.SNAPSHOT_TIMESTAMP_SQL
        ignored = text.replace("invalidate_hard_deletes=True", "hard_deletes='ignore'")
        assert ignored != text
        return {"snapshot.sql": ignored}

    def test_a_deleted_row_stays_current(self, project: Any) -> None:
        self.delete_fact_records("id between 16 and 20")
        run_dbt(["snapshot"])
        self._assert_results(range(1, 21), [])


HISTORY = """
snapshots:
  - name: history
    relation: ref('rows')
    config:
      strategy: check
      check_cols: all
      unique_key: [a, b]
      hard_deletes: {hard_deletes}
"""
ROWS = "select a, b, name, rate from {{ source('given', 'facts') }}"
SOURCES = """
sources:
  - name: given
    schema: "{{ target.schema }}"
    tables: [{name: facts}]
"""


class Histories:
    hard_deletes = "invalidate"

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "rows.sql": ROWS,
            "sources.yml": SOURCES,
            "history.yml": HISTORY.replace("{hard_deletes}", self.hard_deletes),
        }

    @pytest.fixture(autouse=True)
    def facts(self, project: Any) -> None:
        project.run_sql("drop table if exists {schema}.history")
        project.run_sql(
            "create or replace table {schema}.facts (a int, b varchar(9), name varchar(9), "
            "rate decimal(5, 2)) collate utf8mb4_bin;"
            "insert into {schema}.facts values (1, 'P1', 'x', 1.5), (1, 'p1', null, null)"
        )
        self.run(project)

    def run(self, project: Any, *flags: str) -> None:
        run_dbt(["build", *flags])

    def versions(self, project: Any, columns: str) -> list[Any]:
        sql = f"select {columns} from {{schema}}.history order by a, b, dbt_valid_from"
        return list(project.run_sql(sql, fetch="all"))


class TestVersions(Histories):
    def test_instants_are_utc_with_microseconds_and_meet(self, project: Any) -> None:
        """The tests' server is at another offset."""
        project.run_sql("update {schema}.facts set name = 'y' where b = 'P1'")
        self.run(project)
        (_, first_to), (second_from, second_to) = self.versions(
            project, "dbt_valid_from, dbt_valid_to"
        )[:2]
        assert first_to == second_from
        assert second_to is None
        now = datetime.now(UTC).replace(tzinfo=None)
        assert abs(now - second_from) < timedelta(minutes=10)
        kinds = project.run_sql(
            "select group_concat(distinct column_type) from information_schema.columns "
            "where table_schema = '{schema}' and column_name like 'dbt_valid%'",
            fetch="one",
        )
        assert kinds == ("datetime(6)",)

    @pytest.mark.parametrize(
        "change",
        ["name = 'x '", "name = 'X'", "name = null", "name = ''", "rate = null", "rate = 1.51"],
    )
    def test_the_smallest_change_is_a_version(self, project: Any, change: str) -> None:
        project.run_sql(f"update {{schema}}.facts set {change} where b = 'P1'")
        self.run(project)
        assert len(self.versions(project, "a")) == 3
        self.run(project)
        assert len(self.versions(project, "a")) == 3

    def test_a_type_that_shows_more_digits_is_no_change(self, project: Any) -> None:
        project.run_sql("alter table {schema}.facts modify rate decimal(9, 4)")
        self.run(project)
        assert len(self.versions(project, "a")) == 2

    def test_a_key_that_comes_back_begins_again(self, project: Any) -> None:
        project.run_sql("delete from {schema}.facts where b = 'p1'")
        self.run(project)
        self.run(project)
        project.run_sql("insert into {schema}.facts values (1, 'p1', null, null)")
        self.run(project)
        found = self.versions(project, "b, dbt_valid_to is null")
        assert found == [("P1", 1), ("p1", 0), ("p1", 1)]

    def test_empty_closes_nothing(self, project: Any) -> None:
        self.run(project, "--empty")
        assert self.versions(project, "dbt_valid_to is null") == [(1,), (1,)]


class TestNewRecords(Histories):
    hard_deletes = "new_record"

    def test_a_deletion_is_a_version_with_the_row_s_values(self, project: Any) -> None:
        for _ in range(2):
            project.run_sql("delete from {schema}.facts where b = 'P1'")
            self.run(project)
            self.run(project)
            project.run_sql("insert into {schema}.facts values (1, 'P1', 'x', 1.5)")
            self.run(project)
        found = self.versions(project, "b, name, dbt_is_deleted, dbt_valid_to is null")
        assert found == [
            ("P1", "x", "False", 0),
            ("P1", "x", "True", 0),
            ("P1", "x", "False", 0),
            ("P1", "x", "True", 0),
            ("P1", "x", "False", 1),
            ("p1", None, "False", 1),
        ]
