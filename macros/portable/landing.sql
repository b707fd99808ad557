{#- Creates the landing tables that are missing, so that plain `dbt build` runs on a fresh checkout. -#}
{% macro create_landing_tables() -%}
    {{- return(adapter.dispatch('create_landing_tables')()) -}}
{%- endmacro %}

{% macro default__create_landing_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'test', 'run-operation') -%}
        {%- set schema = target.schema ~ '_landing' -%}
        {%- set relation = api.Relation.create(database=(target.database or none), schema=schema) -%}
        {%- do adapter.create_schema(relation) -%}
        {%- set present = run_query('show tables in ' ~ schema).columns[1].values() | list -%}
        {%- for source in graph.sources.values()
            if source.source_name == 'landing' and source.name not in present -%}
            {%- do run_query(_create_landing_table(source)) -%}
        {%- endfor -%}
        {%- do create_publications_table() -%}
        {%- do create_contents_table() -%}
    {%- endif -%}
{%- endmacro %}

{% macro _create_landing_table(source) -%}
    create table if not exists {{ source.schema }}.{{ source.name }} (
        {%- for column in source.columns.values() %}
        {{ column.name }} {{ column.data_type }}{{ "," if not loop.last }}
        {%- endfor %}
    ) using delta
    {%- if source.config.meta.get('partition_by') %}
    partitioned by ({{ source.config.meta.partition_by }})
    {%- endif %}
{%- endmacro %}

{#- Publications: what readers see. Number 0 is the empty one before the first. -#}
{% macro publications_relation() -%}
    {{- return(api.Relation.create(
        database=(target.database or none), schema=target.schema, identifier='publications', type='table'
    )) -}}
{%- endmacro %}

{% macro create_publications_table() -%}
    {%- set relation = publications_relation() -%}
    {%- do adapter.create_schema(relation) -%}
    {%- if adapter.get_relation((target.database or none), target.schema, 'publications') is none -%}
        {%- call statement('create_publications') -%}
            create table if not exists {{ relation }} (
                number int, release int, load_batch int, last_day date, device_load date,
                snapshot_cut timestamp, definitions string, published_at timestamp
            ) using delta
        {%- endcall -%}
    {%- endif -%}
    {%- set shown = shown_relation() -%}
    {%- if adapter.get_relation((target.database or none), shown.schema, shown.identifier) is none -%}
        {%- do show_publication(newest_publication()) -%}
    {%- endif -%}
{%- endmacro %}
