"""The suite's scenarios once more, with the configuration of the project's own snapshots.

Also what fails on dbt-spark otherwise, as the project does it: a key of several columns is one
text, and a deleted row is closed, not written again.
"""

from typing import Any

import pytest
import yaml
from dbt.tests.adapter.simple_snapshot.test_snapshot import (
    MODEL_FACT_SQL,
    BaseSimpleSnapshot,
    BaseSimpleSnapshotBase,
)
from dbt.tests.fixtures.project import TestProjInfo as Project
from dbt.tests.util import run_dbt

from conftest import PROJECT

from .exact import Exact

HISTORIES = yaml.safe_load((PROJECT / "snapshots" / "history.yml").read_text(encoding="utf-8"))
STAGED_SQL = """
{{ config(materialized='ephemeral') }}
{%- set columns = adapter.get_columns_in_relation(ref('fact')) | map(attribute='name') | list %}
select *, {{ row_key(['id', 'ip_address']) }} as row_key, {{ row_hash(columns) }} as row_hash
from {{ ref('fact') }}
"""
OF_DBT = ["dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"]


def test_no_snapshot_is_configured_otherwise_than_in_these_scenarios() -> None:
    first, *others = [one["config"] for one in HISTORIES["snapshots"]]
    assert [one for one in others if one != first] == []
    assert {key for one in HISTORIES["snapshots"] for key in one} == {
        "name",
        "relation",
        "description",
        "config",
    }
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert settings["snapshots"] == {"foreview": {"+file_format": "delta"}}


class WithOurConfiguration(Exact, BaseSimpleSnapshotBase):
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        history = {**HISTORIES["snapshots"][0], "name": "snapshot", "relation": "ref('staged')"}
        return {
            "fact.sql": MODEL_FACT_SQL,
            "staged.sql": STAGED_SQL,
            "history.yml": yaml.safe_dump({"snapshots": [history]}),
        }

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {}

    @pytest.fixture(scope="class")
    def macros(self) -> dict[str, str]:
        paths = ["portable/row_text.sql", "scd2/approved_rows.sql"]
        return {
            path.replace("/", "_"): (PROJECT / "macros" / path).read_text(encoding="utf-8")
            for path in paths
        }

    def columns(self, spark: Any) -> list[str]:
        return list(spark.table(f"{self.project.test_schema}.snapshot").columns)


@pytest.mark.spark
class TestScenarios(WithOurConfiguration, BaseSimpleSnapshot):
    pass


@pytest.mark.spark
class TestWhatFailsOtherwise(WithOurConfiguration):
    def test_a_deleted_row_keeps_its_values_and_comes_back(self, project: Project) -> None:
        self.delete_fact_records("id = 20")
        run_dbt(["snapshot"])
        run_dbt(["snapshot"])
        self.insert_fact_records("id = 20")
        run_dbt(["snapshot"])
        names = self.get_snapshot_records("first_name, dbt_valid_to is null", "id = 20")
        assert sorted(names) == [("Phyllis", False), ("Phyllis", True)]

    def test_runs_without_a_change_add_neither_versions_nor_columns(
        self, spark: Any, project: Project
    ) -> None:
        before = self.columns(spark)
        for _ in range(3):
            run_dbt(["snapshot"])
        assert self.columns(spark) == before
        assert [one for one in before if one.startswith("dbt_")] == OF_DBT
        self._assert_results(range(1, 21), [])

    def test_a_new_column_and_a_deleted_row_in_one_run(self, spark: Any, project: Project) -> None:
        self.add_fact_column("full_name", "varchar(200)")
        self.delete_fact_records("id = 20")
        run_dbt(["snapshot"])
        self._assert_results(range(1, 20), [20])
        assert "full_name" in self.columns(spark)
