"""A mart whose definition changed is computed anew, and not previewed before that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from dbt_macros import Macros

from foreview.dbt_project import _error
from foreview.errors import RefusedError

MART = "audience_by_programme"


def definition(project: Macros, name: str = MART, **stubs: Any) -> str:
    project.forget_kept("mart_definition")
    return str(project.call("mart_definition", stubs, mart=project.node(name)))


def var_of(**changed: Any) -> Any:
    values = {"reach_seconds": 60, "airing_days": 7, "broadcast_day_start": "05:00"} | changed
    return lambda name, default=None: values.get(name, default)


def test_two_runs_of_one_project_give_a_mart_one_definition(project: Macros) -> None:
    assert definition(project) == definition(project)
    found = {definition(project, one["name"]) for one in project.call("versioned_marts")}
    assert len(found) == 8


@pytest.mark.parametrize(
    "changed",
    [{"reach_seconds": 90}, {"airing_days": 3}, {"broadcast_day_start": "06:00"}],
)
def test_a_changed_setting_is_another_definition(project: Macros, changed: dict[str, Any]) -> None:
    before = definition(project, var=var_of())
    assert definition(project, var=var_of()) == before
    assert definition(project, var=var_of(**changed)) != before


def test_a_setting_that_a_mart_does_not_read_is_none_of_its_definition(project: Macros) -> None:
    name = "audience_by_network_day"
    before = definition(project, name, var=var_of())
    assert definition(project, name, var=var_of(airing_days=3)) == before


@pytest.mark.parametrize("name", [MART, "schedule", "dim_device", "stg_device"])
def test_changed_sql_of_a_model_before_it_is_another_definition(project: Macros, name: str) -> None:
    before = definition(project)
    project.node(name)["raw_code"] += "\nwhere true"
    assert definition(project) != before


@pytest.mark.parametrize("name", ["dim_programme", "stg_programme", "fct_viewing"])
def test_a_column_that_a_table_gets_publishes_no_figure_anew(project: Macros, name: str) -> None:
    before = definition(project)
    project.node(name)["raw_code"] += "\nwhere true"
    assert definition(project) == before


@pytest.mark.parametrize("name", ["viewing_windows", "holds_on", "broadcast_date"])
def test_changed_sql_of_a_macro_is_another_definition(project: Macros, name: str) -> None:
    before = definition(project)
    with project.changed_macro(name):
        assert definition(project) != before
    assert definition(project) == before


def test_a_preview_does_not_mix_two_definitions_of_a_mart(project: Macros) -> None:
    from dbt_common.exceptions import DbtRuntimeError

    marts = project.call("versioned_marts")
    published = {"definitions": project.call("mart_definitions", marts=marts)}
    project.call("refuse_unbuilt_marts", publication=published)
    project.forget_kept("mart_definition")
    project.node(MART)["raw_code"] += "\n"
    with pytest.raises(DbtRuntimeError, match=f"mart-not-built: {MART} is new or defined") as told:
        project.call("refuse_unbuilt_marts", publication=published)
    asked: list[Any] = []
    stubs = {
        "current_scenario": lambda: {"publication": published, "edited": []},
        "refuse_unbuilt_marts": asked.append,
        "refuse_unpublished_loads": asked.append,
        "run_var": lambda name, default=None: True,
        "ref": lambda name: name,
    }
    project.call("touched_keys", stubs)
    assert asked == [published, published]
    result = SimpleNamespace(result=None, exception=told.value)
    refused = _error(project.workspace, result)
    assert isinstance(refused, RefusedError)
    assert [one.rule for one in refused.problems] == ["mart-not-built"]
    assert MART in str(refused)


@pytest.mark.parametrize(
    ("most", "chosen"),
    [(1_000, [1, 2, 3, 4]), (75, [1, 2, 4]), (70, [1, 2]), (9, [1]), (0, [1])],
)
def test_a_promotion_computes_as_many_whole_periods_as_fit_and_one_in_any_case(
    project: Macros, most: int, chosen: list[int]
) -> None:
    found = [
        {"order": order, "days": days}
        for order, days in ((3, ["b", "c"]), (1, ["a"]), (4, ["e"]), (2, ["c", "d", "f"]))
    ]
    records = {"a": 10, "b": 40, "c": 50, "d": 10, "e": 5}
    told = project.call("periods_within", found=found, records_by_day=records, most=most)
    assert [one["order"] for one in told] == chosen
