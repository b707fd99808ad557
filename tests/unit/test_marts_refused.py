"""A mart that a what-if could not rehearse exactly is refused before it is built, with why."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dbt_macros import Macros

from conftest import PROJECT, make_workspace, project_with
from foreview.dbt_project import _invoke
from foreview.errors import RefusedError
from foreview.impact_tables import read_marts

READS: dict[str, dict[str, list[str]]] = {
    "audience_by_channel_day": {"channel": [], "channel_key": ["channel_sk"]},
    "audience_by_channel_minute": {"channel": [], "channel_key": ["channel_sk"]},
    "audience_by_market_day": {"channel": ["network_id"], "area": ["market_id"]},
    "audience_by_market_week": {"channel": ["network_id"], "area": ["market_id"]},
    "audience_by_network_day": {"channel": ["network_id"]},
    "audience_by_network_day_now": {"current_channel": ["network_id"]},
    "audience_by_network_group_day": {"channel": ["network_id"], "network": ["network_group_id"]},
    "audience_by_programme": {
        "airing": ["channel_id", "ends_at", "feed", "layer", "programme_id", "starts_at"],
        "programme": ["genre_id"],
    },
}
DOCUMENT = (PROJECT / "docs" / "adding-a-mart.md").read_text(encoding="utf-8")
SQL = re.search(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)[1]  # type: ignore[index]
NAME = "audience_by_country_day"
DAY = "and {{ holds_on('channel', 'viewing.viewing_date') }}"
RULES = {
    "label": "Audience by country and day",
    "grain": ["viewing_date", "country_id"],
    "measures": {
        "seconds": {"label": "Seconds", "type": "integer", "over": "records"},
        "records": {"label": "Records", "type": "integer", "over": "records"},
    },
}


def mart(project: Macros, sql: str = SQL, **changes: Any) -> dict[str, Any]:
    """The documents' mart, or one of other SQL, in the graph."""
    refs = sorted(set(re.findall(r"ref\((?:'foreview', *)?'(\w+)'", sql)))
    given = {
        "refs": [{"name": one, "package": None, "version": None} for one in refs],
        "depends_on": {"nodes": [f"model.foreview.{one}" for one in refs], "macros": []},
        "original_file_path": f"models/audience/{NAME}.sql",
    }
    node = project.add(project.node("audience_by_network_day"), NAME, sql, **(given | changes))
    node["config"]["meta"] = {"mart": RULES}
    return node


def edited(*replaced: tuple[str, str]) -> str:
    text = SQL
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return text


def final(step: str) -> str:
    """The documents' mart with its last select as a step, and another one after it."""
    body = SQL[SQL.index("select\n    viewing.viewing_date") :]
    return f"{SQL.replace(body, '').rstrip()},\n\nfigures as (\n\n{body}\n),\n\n{step}"


def with_(query: str) -> str:
    """A mart of this query after the documents' imports."""
    return SQL[: SQL.index("select\n    viewing.viewing_date")] + query


def refused(project: Macros, sql: str, **changes: Any) -> str:
    """What dbt says of a mart, when it parses it or when a run starts."""
    from dbt_common.exceptions import DbtRuntimeError

    node = mart(project, sql, **changes)
    for macro, given in (
        ("generate_schema_name", {"custom_schema_name": None, "node": node}),
        ("refuse_wrong_marts", {}),
    ):
        try:
            project.call(macro, **given)
        except DbtRuntimeError as error:
            return str(error)
    return ""


def test_devices_without_a_household_are_not_taken_for_one(project: Macros) -> None:
    name = "audience_by_network_day"
    sql = (PROJECT / "models" / "audience" / f"{name}.sql").read_text(encoding="utf-8")
    node = project.node(name)
    edited = sql.replace("device.household_id is not null", "viewing.seconds > 0")
    assert edited != sql
    node = project.add(node, name, edited, refs=node["refs"], depends_on=node["depends_on"])
    (problem,) = project.call("mart_problems", mart=node)
    assert "without a household" in problem


@pytest.mark.parametrize("name", READS)
def test_an_edit_moves_the_marts_that_read_what_it_changes(project: Macros, name: str) -> None:
    node = project.node(name)
    assert project.call("mart_reads", mart=node) == READS[name]
    assert project.call("mart_problems", mart=node) == []
    assert not project.call("_check_mart", node=node)


def test_all_marts_of_the_project_are_looked_at(project: Macros) -> None:
    found = {path.stem for path in (PROJECT / "models" / "audience").glob("*.sql")}
    assert found == set(READS)


def test_the_mart_of_the_documents_is_taken(project: Macros) -> None:
    assert refused(project, SQL) == ""
    assert project.call("mart_reads", mart=mart(project)) == {"channel": ["country_id"]}


ALL = None
"""All columns of the dimension count."""


@pytest.mark.parametrize(
    ("replaced", "columns"),
    [
        ([("join channel\n", "join channel c\n"), ("channel.", "c."), ("('channel',", "('c',")],
         ["country_id"]),
        ([("join channel\n", "join channel as c\n"), ("channel.", "c."), ("('channel',", "('c',")],
         ["country_id"]),
        ([("select * from {{ ref('dim", "SELECT *\nFROM {{ ref('dim")], ["country_id"]),
        ([("channel.country_id", "CHANNEL.Country_ID")], ["country_id"]),
        ([("channel.country_id", "`channel`.`country_id`")], ["country_id"]),
        ([("channel.country_id", "channel . country_id")], ["country_id"]),
        ([("count(*) as records", "count(*) /* channel.website */ as records")], ["country_id"]),
        ([("count(*) as records", "count(*) as records -- channel.website")], ["country_id"]),
        ([("'channel.country_id'", "'country_id'")], ALL),
        ([("'channel.country_id'", "'coalesce(network_id, channel.country_id)'")], ALL),
        ([("'channel.country_id'", "'primary_owner_id'")], ALL),
        ([("on viewing.channel_id = channel.channel_id\n        and", "using (channel_id)\nwhere")],
         ALL),
        ([("    count(*) as", "    count(channel) as")], ALL),
        ([("    count(*) as", "    count(channel.*) as")], ALL),
        ([("join channel\n", "join channel as channel (channel_id, country_id)\n")], ALL),
        ([("ref('dim_channel') }}", "ref('dim_channel') }} where valid_from is not null")], ALL),
    ],
)  # fmt: skip
def test_a_column_that_the_sql_does_not_attribute_is_never_lost(
    project: Macros, replaced: list[tuple[str, str]], columns: list[str] | None
) -> None:
    reads = project.call("mart_reads", mart=mart(project, edited(*replaced)))
    contract = {
        one for one in project.node("stg_channel")["columns"]
        if one not in ("change_set_id", "row_key", "row_hash")
    }  # fmt: skip
    whole = sorted(contract - {"channel_id", "valid_from", "valid_to"})
    assert reads == {"channel": whole if columns is None else columns}


NETWORK_OF_NOW = edited(
    ("ref('dim_channel')", "ref('dim_current_channel')"),
    ("select\n", ", network as (select * from {{ ref('dim_network') }})\nselect\n"),
    (DAY, "left join network on channel.network_id = network.network_id "
          "and {{ holds_on('network', 'viewing.viewing_date') }}"),
)  # fmt: skip
"""Its channels are those of now, and viewing reaches networks through those of then."""


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (edited(("ref('dim_channel')", "ref('foreview', 'dim_channel')")), "ref('dim_channel')"),
        (edited(("ref('dim_channel')", "ref('dim_channel', v=1)")), "ref('dim_channel')"),
        (
            "{% set c = ref('dim_channel') %}\n" + edited(("{{ ref('dim_channel') }}", "{{ c }}")),
            "ref('dim_channel')",
        ),
        (edited(("ref('dim_channel')", "builtins.ref('dim_channel')")), "ref('dim_channel')"),
        (
            "-- {{ ref('dim_channel') }}\n"
            + edited(("{{ ref('dim_channel') }}", "foreview.dim_channel")),
            "no plain reference",
        ),
        (
            edited(("viewing.channel_id = channel.channel_id", "viewing.a = channel.replaced_by")),
            "viewing.channel_id = channel.channel_id",
        ),
        (edited((DAY, "")), "holds_on('channel', 'viewing.viewing_date')"),
        (
            edited(("'viewing.viewing_date'", "'viewing.viewing_date + interval 1 day'")),
            "without the viewing's day",
        ),
        (NETWORK_OF_NOW, "join it on channel.network_id = network.network_id"),
        (
            NETWORK_OF_NOW.replace(
                "select * from {{ ref('dim_network') }}",
                "select network_id, network_group_id, valid_from, valid_to "
                "from {{ ref('dim_network') }}",
            ),
            "join it on channel.network_id = network.network_id",
        ),
        (
            edited(("ref('dim_channel') }}", "ref('dim_channel') }} where valid_to is null")),
            "joins can't be looked at",
        ),
        (edited((DAY, f"{DAY} and channel.valid_to is null")), "when rows of dim_channel"),
        (edited((DAY, "and channel.is_current")), "is_current"),
        (
            edited(("ref('dim_channel') }}", "ref('dim_channel') }} where is_current")),
            "is_current",
        ),
    ],
)
def test_a_dimension_that_a_preview_could_not_replace_is_refused(
    project: Macros, sql: str, reason: str
) -> None:
    told = refused(project, sql)
    assert f"Mart {NAME} (models/audience/{NAME}.sql)" in told
    assert reason in told


def test_a_dimension_that_a_macro_reads_is_refused(project: Macros) -> None:
    refs = [{"name": one, "package": None, "version": None} for one in ("fct_viewing", "dim_x")]
    assert "reads dim_x through a macro" in refused(project, SQL, refs=refs)


CHANNELS = "select channel_id, country_id, valid_from, valid_to from {{ ref('dim_channel') }}"


def channels_before(project: Macros, materialized: str, sql: str = CHANNELS) -> None:
    """A model of channels, between the dimension and the mart."""
    depends_on = {"nodes": ["model.foreview.dim_channel"], "macros": []}
    base = project.node("viewing_by_key_day")
    node = project.add(base, "channels", sql, depends_on=depends_on, refs=[])
    node["config"]["materialized"] = materialized


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (f"{CHANNELS} where is_current", "it asks which rows are current"),
        (f"{CHANNELS} where valid_to is null", "it asks which rows are current"),
        (CHANNELS.replace("country_id", "lag(country_id) over (order by valid_from) as country_id"),
         "its rows depend on others"),
        (f"{CHANNELS} group by all", "its rows depend on others"),
        (f"{CHANNELS} where country_id is not null", ""),
        (CHANNELS.replace(" valid_from,", " date_add(valid_from, 30) as valid_from,"),
         "it asks which rows are current, or when they begin"),
        (CHANNELS.replace("l') }}", "l') }} left join {{ ref('dim_country') }} using (country_id)"),
         "it joins dimensions"),
        (f"{CHANNELS} where country_id in (select 'US') and valid_to is null",
         "it asks which rows are current"),
        ("with channel as (select * from {{ ref('dim_channel') }} where country_id is not null) "
         "select channel_id, country_id, valid_from, valid_to from channel", ""),
    ],
)  # fmt: skip
def test_rows_of_an_ephemeral_model_count_by_themselves(
    project: Macros, sql: str, reason: str
) -> None:
    channels_before(project, "ephemeral", sql)
    told = refused(project, edited(("dim_channel", "channels")))
    assert f"Through channels: {reason}" in told if reason else told == ""


@pytest.mark.parametrize("day", ["viewing.viewing_date", "schedule.broadcast_date"])
def test_a_programme_is_joined_by_the_day_of_the_broadcast(project: Macros, day: str) -> None:
    steps = (
        "schedule as (select * from {{ ref('schedule') }}),\n\n"
        "programme as (select * from {{ ref('dim_programme') }}),\n\n"
    )
    joins = (
        "left join schedule on viewing.channel_id = schedule.channel_id "
        "and viewing.content_at < schedule.ends_at\n"
        "left join programme on schedule.programme_id = programme.programme_id "
        f"and {{{{ holds_on('programme', '{day}') }}}}\n"
    )
    told = refused(
        project, edited(("channel as (", f"{steps}channel as ("), ("group by", f"{joins}group by"))
    )
    if day == "viewing.viewing_date":
        assert "holds_on('programme', 'schedule.broadcast_date')" in told
    else:
        assert told == ""
        by_start = joins.replace("content_at", "started_at")
        project.forget_kept("mart_sql")
        sql = edited(("channel as (", f"{steps}channel as ("), ("group by", f"{by_start}group by"))
        assert "when the content was on" in refused(project, sql)


def test_a_dimension_is_joined_to_one_that_an_ephemeral_model_reads(project: Macros) -> None:
    channels_before(project, "ephemeral")
    join = "left join country on channel.country_id = country.country_id "
    sql = edited(
        ("dim_channel", "channels"),
        (")\n\nselect", "),\n\ncountry as (select * from {{ ref('dim_country') }})\n\nselect"),
        ("group by", join + DAY.replace("channel", "country", 1) + "\ngroup by"),
    )
    assert not refused(project, sql)


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ((DAY, ""), "without the viewing's day"),
        (("viewing.channel_id = channel.channel_id", "viewing.channel_id = channel.replaced_by"),
         "otherwise than as viewing reaches it"),
    ],
)  # fmt: skip
def test_a_dimension_that_an_ephemeral_model_reads_is_joined_as_viewing_reaches_it(
    project: Macros, replaced: tuple[str, str], reason: str
) -> None:
    channels_before(project, "ephemeral")
    assert reason in refused(project, edited(("dim_channel", "channels"), replaced))


@pytest.mark.parametrize("materialized", ["view", "table", "incremental", "ephemeral"])
def test_a_dimension_behind_another_model_is_refused_unless_ephemeral(
    project: Macros, materialized: str
) -> None:
    channels_before(project, materialized)
    told = refused(project, edited(("dim_channel", "channels")))
    if materialized == "ephemeral":
        assert not told
        reads = project.call("mart_reads", mart=project.node(NAME))
        assert "country_id" in reads["channel"]
    else:
        assert "It reads channels, which has rows of channel as they are" in told
        assert "materialized='ephemeral'" in told


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("stg_channel", "model", "rows of channel"),
        ("channel_history", "snapshot", "rows of channel"),
        ("network", "seed", "rows of network"),
        ("landing.channel", "source", "rows of channel"),
        ("viewing_by_key_day", "model", "Read fct_viewing once"),
        ("audience_by_network_day", "model", "Read fct_viewing once"),
    ],
)
def test_rows_that_no_preview_changes_are_refused_in_a_mart(
    project: Macros, name: str, kind: str, reason: str
) -> None:
    nodes = ["model.foreview.fct_viewing", f"{kind}.foreview.{name}"]
    read = "source('landing', 'channel')" if kind == "source" else f"ref('{name}')"
    sql = edited(("ref('dim_channel')", read))
    told = refused(project, sql, depends_on={"nodes": nodes, "macros": []})
    assert f"It reads {name.removeprefix('landing.')}, which has" in told
    assert reason in told


def test_a_dimension_that_reach_does_not_list_is_refused(project: Macros) -> None:
    dimension = project.node("dim_channel")
    project.add(dimension, "dim_satellite", dimension["raw_code"])
    told = refused(project, edited(("dim_channel", "dim_satellite")))
    assert "dim_satellite, which is not listed in macro reach" in told


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (edited(("count(*) as records", "count(*) over () as records")), "a window"),
        (edited(("count(*) as records", "count(*) over w as records")), "a window"),
        (
            with_("select viewing_date, country_id, records, seconds from viewing\nqualify 1 = 1"),
            "qualify",
        ),
        (SQL + "having count(*) > 10", "having"),
        (edited(("count(*) as records", "count(distinct viewing.device_id) as records")),
         "distinct"),
        (edited(("select\n", "select distinct\n")), "distinct"),
        (SQL + "\nunion\n" + SQL[SQL.index("select\n") :], "union"),
        (SQL + "\nexcept\nselect * from channel", "except"),
        (edited(("sum(cast(viewing.seconds as bigint))", "max(viewing.seconds)")), "no sum"),
        (edited(("sum(cast(viewing.seconds as bigint))", "min(viewing.seconds)")), "(seconds)"),
        (edited(("as bigint))", "as bigint)) div 60")), "can't be added up"),
        (edited(("sum(cast(viewing.seconds as bigint))", "round(sum(viewing.seconds), -1)")),
         "round(sum(viewing.seconds), -1)"),
        (edited(("as bigint))", "as bigint) / 60)")), "whole numbers or decimals"),
        (edited(("sum(cast(viewing.seconds as bigint))",
                 "cast(sum(viewing.seconds * 0.5) as bigint)")), "whole numbers or decimals"),
        (final("select viewing_date, country_id, records, figures.seconds div 60 as seconds from "
               "figures"), "Its last select computes figures.seconds div 60"),
        (final("named as (select *, seconds as s from figures)\nselect named.*, if(s > 60, 1, 0) "
               "as is_long from named"), "computes if(s > 60, 1, 0)"),
        (final("select * from figures where seconds > 60"), "joins, filters or groups by seconds"),
        (final("select * from figures where seconds > 60").replace(
            "    count(*)", "    extract(hour from viewing.started_at) as h,\n    count(*)", 1
         ), "joins, filters or groups by seconds"),
        (final("select viewing_date, country_id, count(*) as stations, sum(records) as records "
               "from figures group by all"), "counts groups of an earlier step"),
        (final("select viewing_date, country_id, sum(1) as stations, sum(records) as records "
               "from figures group by all"), "counts groups of an earlier step"),
        (edited(("sum(cast", "approx_count_distinct(cast")), "approx_count_distinct"),
        (edited(("sum(cast", "first_value(cast")), "first_value"),
        (edited(("sum(cast", "last(cast")), "differ between two runs"),
        (edited(("sum(cast", "any_value(cast")), "differ between two runs"),
        (edited(("from viewing\n", "from viewing tablesample (10 percent)\n")), "sample"),
        (SQL + "limit 10", "limit"),
        (edited(("sum(cast", "sum(rand() * cast")), "differ between two runs"),
        (SQL.replace("count(*)", "count(uuid())"), "differ between two runs"),
        (SQL.replace("count(*)", "count(monotonically_increasing_id())"), "differ"),
        (edited(("group by", "where viewing.viewing_date < current_date\ngroup by")), "differ"),
        (edited(("group by", "where viewing.loaded_at < now()\ngroup by")), "differ"),
        (edited(("group by", "where viewing.loaded_at < current_timestamp()\ngroup by")),
         "differ"),
        (edited(("as bigint))", "as double))")), "doubles"),
        (edited(("sum(cast", "avg(cast")), "doubles"),
        (
            edited(("from viewing\n", "from viewing\ninner join viewing as v on 1 = 1\n")),
            "joins viewing with viewing",
        ),
        (edited(("from viewing\n", "from viewing, channel as c\n")), "comma"),
        (edited(("left join channel", "natural join channel")), "natural join"),
        (final("select *, rank() over (order by seconds) as r from figures"), "a window"),
        (
            final("total as (select sum(seconds) as s from figures)\nselect figures.* from figures "
                  "inner join total on true"),
            "joins viewing with viewing",
        ),
        (
            edited(
                ("from viewing\n", "from firsts\n"),
                ("viewing.", "firsts."),
                ("select\n", ", firsts as (select *, row_number() over (order by 1) from viewing)\n"
                             "select\n"),
            ),
            "Step firsts has over",
        ),
    ],
)  # fmt: skip
def test_sql_in_which_records_do_not_count_by_themselves_is_refused(
    project: Macros, sql: str, reason: str
) -> None:
    assert reason in refused(project, sql)


@pytest.mark.parametrize(
    "sql",
    [
        edited(("count(*) as records", "count(*) as records, sum(viewing.first) as first")),
        edited(("group by", "where viewing.playback_mode != 'limit 1 over (avg('\ngroup by")),
        edited(("group by", "-- having rand() over ()\ngroup by")),
        edited(("group by", "/* select distinct now() */ group by")),
        edited(("group by", "{# having rand() over () #}\ngroup by")),
        edited(("select\n", ", days as (select distinct viewing_date from {{ ref('broadcast_day') "
                            "}} having max(day_seconds) > 1)\nselect\n")),
        edited(("select\n", ", ranked as (select starts_at, row_number() over (order by starts_at) "
                            "from {{ ref('broadcast_day') }})\nselect\n")),
        final("select * except (country_id), country_id from figures"),
        final("select viewing_date, country_id, records, seconds + 0 as seconds from figures order "
              "by seconds"),
        final("select * from figures where true\nunion all\nselect * from figures where false"),
    ],
)  # fmt: skip
def test_harmless_words_are_not_refused(project: Macros, sql: str) -> None:
    assert refused(project, sql) == ""


def test_what_a_macro_renders_to_is_looked_at_before_a_run(project: Macros) -> None:
    sql = edited(("'channel.country_id'", "'max(channel.country_id) over ()'"))
    assert "a window" in refused(project, sql)


def test_a_mart_without_a_declaration_is_refused(project: Macros) -> None:
    node = mart(project)
    node["config"]["meta"] = {}
    assert "No properties file in models/audience declares it" in str(
        project.call("mart_problems", mart=node)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"patch_path": None},
        {"patch_path": "foreview://models/reports/reports.yml"},
        {"config_call_dict": {"meta": {"mart": RULES}}},
    ],
)
def test_a_mart_that_is_declared_elsewhere_is_refused(
    project: Macros, changes: dict[str, Any]
) -> None:
    assert "No properties file in models/audience declares it" in refused(project, SQL, **changes)


def test_a_mart_in_another_folder_is_refused(project: Macros) -> None:
    told = refused(project, SQL, original_file_path=f"models/reports/{NAME}.sql")
    assert "It is not in models/audience" in told


def test_each_run_of_dbt_looks_at_the_marts_before_it_builds(project: Macros) -> None:
    hooks = [
        one["raw_code"] for one in project.nodes.values() if one["resource_type"] == "operation"
    ]
    assert any("refuse_wrong_marts()" in one for one in hooks)


def test_dbt_refuses_a_wrong_mart_when_it_parses(tmp_path: Path) -> None:
    folder = project_with(tmp_path / "project", "audience_by_network_day")
    path = folder / "models" / "audience" / "audience_by_network_day.sql"
    path.write_text(path.read_text("utf-8") + "limit 10\n", "utf-8")
    workspace = replace(make_workspace(tmp_path, "refused"), project=folder)
    parsed = _invoke(workspace, ["parse"], None)
    assert not parsed.success
    assert "Mart audience_by_network_day" in str(parsed.exception)
    assert "limit" in str(parsed.exception)


DECLARED = """
version: 2
models:
  - name: audience_by_country_day
    description: One row per viewing date and country.
    config: {meta: {mart: {label: Countries, grain: [viewing_date, country_id], measures: {}}}}
"""


def test_a_mart_that_is_declared_in_a_file_of_its_own_is_previewed(tmp_path: Path) -> None:
    audience = tmp_path / "models" / "audience"
    (audience / "more").mkdir(parents=True)
    for path in (PROJECT / "models" / "audience").glob("*.yml"):
        (audience / path.name).write_text(path.read_text("utf-8"), "utf-8")
    (audience / "more" / "countries.yaml").write_text(DECLARED, "utf-8")
    workspace = replace(make_workspace(tmp_path, "foreview"), project=tmp_path)
    assert {one["name"] for one in read_marts(workspace)} == {*READS, NAME}


def test_a_model_in_the_marts_folder_that_says_no_grain_is_refused(tmp_path: Path) -> None:
    audience = tmp_path / "models" / "audience"
    audience.mkdir(parents=True)
    text = "models:\n  - {name: audience_by_country_day, description: None.}\n"
    (audience / "countries.yml").write_text(text, "utf-8")
    workspace = replace(make_workspace(tmp_path, "foreview"), project=tmp_path)
    with pytest.raises(RefusedError, match=r"audience_by_country_day.*countries\.yml"):
        read_marts(workspace)


BY_DAY = "universe on viewing.viewing_date = universe.viewing_date"


def universe(of: str, joins: str = "") -> str:
    """The documents' mart with the weights of all devices beside its figures."""
    step = f"""device as (select * from {{{{ ref('dim_device') }}}}),

{"area as (select * from {{ ref('dim_area') }})," if joins else ""}

broadcast_day as (select * from {{{{ ref('broadcast_day') }}}}),

universe as (
    select broadcast_day.viewing_date, {of}sum(device.weight) as universe
    from broadcast_day
    inner join device on {{{{ holds_on('device', 'broadcast_day.viewing_date') }}}}
    {joins}
    group by broadcast_day.viewing_date
)

select
    viewing.viewing_date"""  # noqa: S608 - a mart's text
    return edited(
        (")\n\nselect\n    viewing.viewing_date", f"),\n\n{step}"),
        (
            "from viewing\n",
            "from viewing left join universe on viewing.viewing_date = universe.viewing_date\n",
        ),
    )


def test_devices_that_are_added_up_apart_from_viewing_are_all_devices(project: Macros) -> None:
    national = universe("")
    sql = project.call("mart_sql", node=mart(project, national))
    assert project.call("steps_apart", sql=sql, dimensions=["device"])
    assert refused(project, national) == ""
    for name in READS:
        sql = project.call("mart_sql", node=project.node(name))
        assert not project.call("steps_apart", sql=sql, dimensions=["device"])
    by_market = universe(
        "area.market_id, ",
        "left join area on device.area_id = area.area_id "
        "and {{ holds_on('area', 'broadcast_day.viewing_date') }}",
    )
    project.forget_kept("mart_sql")
    assert "apart from the viewing" in refused(project, by_market)


@pytest.mark.parametrize("rolled", ["rollup (", "cube (", "grouping sets ("])
def test_figures_that_are_sums_of_others_have_no_channels_of_their_own(
    project: Macros, rolled: str
) -> None:
    name = "audience_by_network_day"
    node = project.node(name)
    assert project.call("channel_attribute", mart=node)
    project.forget_kept("mart_sql")
    sql = node["raw_code"]
    assert sql.count("group by\n") > 1
    rest, last = sql.rsplit("group by\n", 1)
    other = project.add(node, name, f"{rest}group by {rolled}\n{last.rstrip()}\n)")
    assert project.call("channel_attribute", mart=other) is None


@pytest.mark.parametrize("counted", ["count(*)", "max(channel.channel_id)"])
def test_channels_are_not_counted_apart_from_viewing_either(project: Macros, counted: str) -> None:
    step = f"listed as (select {counted} as listed from channel)"  # noqa: S608 - a mart's text
    sql = edited(
        (")\n\nselect", f"),\n\n{step}\n\nselect"),
        ("from viewing\n", "from viewing cross join listed\n"),
    )
    assert "apart from the viewing" in refused(project, sql)


@pytest.mark.parametrize(
    ("columns", "is_refused"),
    [
        ("viewing.device_id as country_id", True),
        ("concat('x', device.household_id) as country_id", True),
        ("case when device.household_id is null then 'no' else 'yes' end as country_id", False),
        ("max(device.household_id) as households", False),
    ],
)
def test_no_figure_is_of_a_device_or_a_household_under_another_name(
    project: Macros, columns: str, is_refused: bool
) -> None:
    renamed = columns.replace("country_id", "other")
    for first, last in ((columns, "1 as one"), (renamed, "other as country_id")):
        sql = f"with steps as (select {first} from viewing) select {last} from steps"  # noqa: S608
        found = project.call("identifying_columns", sql=sql, grain=["country_id"])
        assert found == (["country_id"] if is_refused else [])
    if "device_id" in columns:
        of_device = "'channel.country_id') }} as c,\n    viewing.device_id as country_id"
        told = refused(project, edited(("'channel.country_id') }} as country_id", of_device)))
        assert "Its grain has devices" in told
