"""Models that are no marts are built in both worlds from their own SQL, or said not to be shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from dbt_macros import Macros

SCENARIO = {"edited": ["channel"], "publication": {"snapshot_cut": "2026-04-08 00:00:00"}}
COLUMNS = ["row_version_id", "channel_id", "network_id", "valid_from", "known_from", "known_to"]


def model(project: Macros, sql: str, *inputs: str, name: str = "report", **changes: Any) -> Any:
    depends_on = {"nodes": [f"model.foreview.{one}" for one in inputs], "macros": []}
    base = project.node("viewing_by_key_day")
    node = project.add(base, name, sql, depends_on=depends_on, **changes)
    node["config"]["materialized"] = "view"
    return node


def built(project: Macros) -> tuple[dict[str, str], str]:
    """What is built of other models, by table, and the query that counts them."""
    tables: dict[str, str] = {}

    def create_as(relation: Any, query: str, name: str = "") -> str:
        tables[str(relation).split(".")[-1]] = " ".join(str(query).split())
        return ""

    def incorporate(path: dict[str, str], **_: Any) -> str:
        return path["identifier"]

    stubs = {
        "create_as": create_as,
        "this": SimpleNamespace(incorporate=incorporate),
        "ref": lambda name: name,
        "run_query": lambda _: SimpleNamespace(column_names=["world", *COLUMNS]),
    }
    project.call("build_other_models", stubs, scenario=SCENARIO, impact_relations={})
    return tables, tables.pop("other_models")


def test_a_model_of_all_columns_gets_those_of_the_dimension_alone(project: Macros) -> None:
    model(project, "select * from {{ ref('dim_channel') }}", "dim_channel")
    tables, _ = built(project)
    before = tables["before_report"]
    assert before.startswith("select * from (select row_version_id, channel_id, network_id, valid")
    assert before.endswith(") as dim_channel")
    after = tables["after_report"]
    assert "shadow.world" not in after
    assert "else published.row_version_id end as row_version_id" in after
    assert "shadow.network_id <=> published.network_id" in after
    assert "shadow.known_from <=>" not in after


@pytest.mark.parametrize(
    ("sql", "rendered"),
    [
        ("from {{ ref('dim_channel') }}", "from (X) as dim_channel"),
        ("from {{ ref('dim_channel') }}\nwhere a", "from (X) as dim_channel where a"),
        ("from {{ ref('dim_channel') }} as c", "from (X) as c"),
        ("from {{ ref('dim_channel') }}\n-- note\n  AS c", "from (X) -- note AS c"),
        ("from {{ ref('dim_channel') }} c", "from (X) c"),
        ("from {{ ref('dim_channel') }} `c`", "from (X) `c`"),
        ("from {{ ref('dim_channel') }} LEFT JOIN b", "from (X) as dim_channel LEFT JOIN b"),
        ("(select * from {{ ref('dim_channel') }})", "(select * from (X) as dim_channel)"),
        ("on {{ ref('dim_channel') }}.network_id = b.id", "on dim_channel.network_id = b.id"),
    ],
)
def test_columns_may_be_named_by_the_table_that_a_world_stands_for(
    project: Macros, sql: str, rendered: str
) -> None:
    model(project, sql, "dim_channel")
    text = project.call("render_over", name="report", inputs={"dim_channel": "(X)"})
    assert " ".join(text.split()) == rendered


def test_a_model_that_is_named_like_a_dimension_is_shown(project: Macros) -> None:
    model(project, "select 1 from {{ ref('dim_channel') }}", "dim_channel", name="dim_mine")
    tables, counts = built(project)
    assert "difference_dim_mine" in tables
    assert "'dim_mine' as model" in counts


@pytest.mark.parametrize(
    ("sql", "changes", "reason"),
    [
        ("def model(dbt, session): ...", {"language": "python"}, "report is in Python"),
        ("select 1 from {{ ref('dim_channel') }}", {"package_name": "stats"}, "the package stats"),
        ("{% set c = ref('dim_channel') %}select 1 from {{ c }}", {}, "does not name dim_channel"),
        (
            "select 1 from {{ ref('dim_channel') }} where b in ({{ keys(ref('dim_channel'), 1) }})",
            {"refs": [{"name": "dim_channel"}]},
            " alone, so a preview can",
        ),
    ],
)
def test_a_model_that_can_not_be_built_twice_is_said_to_be_and_breaks_nothing(
    project: Macros, sql: str, changes: dict[str, Any], reason: str
) -> None:
    model(project, sql, "dim_channel", **changes)
    model(project, "select 1 from {{ ref('report') }}", "report", name="after_report_model")
    tables, counts = built(project)
    assert not tables
    assert counts.count(reason) == 2


def test_a_snapshot_downstream_of_an_edit_is_said_not_to_be_shown(project: Macros) -> None:
    model(
        project, "select 1 from {{ ref('dim_channel') }}", "dim_channel", resource_type="snapshot"
    )
    tables, counts = built(project)
    assert not tables
    assert counts.count("report is a snapshot, which a preview does not build") == 1
