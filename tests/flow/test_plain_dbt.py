"""What an analytics engineer does: plain dbt, without the commands."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT, make_workspace
from foreview.audit import verify
from foreview.dbt_project import run_dbt
from foreview.errors import EngineError
from foreview.loads import EDIT_COLUMNS, PENDING_EDITS, _overwrite
from foreview.what_if import scenario_schema
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module", autouse=True)
def in_new_york() -> Iterator[None]:
    """Plain dbt runs in the zone of the machine; nothing may depend on it."""
    export = Workspace.export_environment

    def move(zone: str) -> None:
        os.environ["TZ"] = zone
        time.tzset()

    def exported(workspace: Workspace) -> None:
        export(workspace)
        move("America/New_York")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "export_environment", exported)
        yield
    move("UTC")


@pytest.fixture(scope="module")
def plain(spark_home: Path, spark: Any) -> Workspace:
    """A fresh checkout: the project's own seeds, and no table yet."""
    return replace(make_workspace(spark_home, "plain"), seeds=PROJECT / "seeds")


def test_build_passes_twice_publishes_once_and_builds_no_what_if(
    spark: Any, plain: Workspace
) -> None:
    run_dbt(plain, ["build"])
    run_dbt(plain, ["build", "--exclude-resource-type", "test"])  # they passed on the same rows
    publications = spark.table(plain.table("publications")).collect()
    assert [row["number"] for row in publications] == [1]
    assert spark.table(plain.table("dim_network", "published")).count() > 0
    schemas = [one.name for one in spark.catalog.listDatabases()]
    assert not [name for name in schemas if name.startswith("plain_what_if")]
    assert verify(plain) == ([], []), "nothing is approved yet"


def test_what_if_without_a_change_set_says_what_to_name(plain: Workspace) -> None:
    with pytest.raises(EngineError, match="change_sets"):
        run_dbt(plain, ["build", "--select", "tag:what_if"])


def renamed(change_set: str, row_key: str, name: str) -> dict[str, Any]:
    return {
        "dimension": "network",
        "change_set_id": change_set,
        "change_number": 1,
        "change_kind": "modified",
        "changed_columns": ",network_name,",
        "row_key": row_key,
        "copied_from": None,
        "row_values": {"network_name": name},
    }


def test_two_names_for_one_network_are_refused_and_one_name_twice_is_not(
    spark: Any, plain: Workspace
) -> None:
    key = spark.table(plain.table("stg_network", "staging")).first()["row_key"]
    table = plain.table(PENDING_EDITS, "landing")
    command = ["run", "--select", "both_worlds_network"]
    variables = {"change_sets": ["first", "second"]}
    edits = [renamed("first", key, "One"), renamed("second", key, "Other")]
    _overwrite(spark, table, EDIT_COLUMNS, edits)
    with pytest.raises(EngineError, match=r"first and second edit row .* of network"):
        run_dbt(plain, command, variables=variables)
    edits[1] = renamed("second", key, "One")
    _overwrite(spark, table, EDIT_COLUMNS, edits)
    run_dbt(plain, command, variables=variables)
    schema = scenario_schema(plain, ["first", "second"])
    worlds = spark.table(f"{schema}.both_worlds_network")
    assert worlds.where("world = 'after' and network_name = 'One'").count() == 1
    _overwrite(spark, table, EDIT_COLUMNS, [])


def test_rows_that_overlap_only_together_are_refused(spark: Any, plain: Workspace) -> None:
    columns = plain.contract("network").row_columns
    days = ("1900-01-01", "2026-01-01")
    edits = [
        {
            "dimension": "network",
            "change_set_id": change_set,
            "change_number": 1,
            "change_kind": "added",
            "changed_columns": f",{','.join(columns)},",
            "row_key": f"NEW|{day}",
            "copied_from": None,
            "row_values": dict.fromkeys(columns)
            | {"network_id": "NEW", "network_name": "New", "valid_from": day},
        }
        for change_set, day in zip(("first", "second"), days, strict=True)
    ]
    table = plain.table(PENDING_EDITS, "landing")
    _overwrite(spark, table, EDIT_COLUMNS, edits)
    with pytest.raises(
        EngineError, match="rows of network overlap, among them NEW from 1900-01-01"
    ):
        run_dbt(
            plain,
            ["run", "--select", "both_worlds_network"],
            variables={"change_sets": ["first", "second"]},
        )
    _overwrite(spark, table, EDIT_COLUMNS, [])


def test_empty_run_does_not_retire_all_rows(spark: Any, plain: Workspace) -> None:
    with pytest.raises(EngineError, match="--empty"):
        run_dbt(plain, ["build", "--empty", "--select", "network_history"])
    history = spark.table(plain.table("network_history"))
    assert history.where("dbt_valid_to is null").count() == history.count() > 0
