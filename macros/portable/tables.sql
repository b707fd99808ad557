{#- The format of tables that keep their earlier versions. -#}
{% macro in_table_format() -%}
    using delta
{%- endmacro %}

{#- Removes all files that belong to earlier versions of tables only, also new ones. -#}
{% macro keep_no_earlier_version(relations) -%}
    {%- set check = 'set spark.databricks.delta.retentionDurationCheck.enabled = ' -%}
    {%- do run_query(check ~ 'false') -%}
    {%- for relation in relations -%}
        {%- do run_query('vacuum ' ~ relation ~ ' retain 0 hours') -%}
    {%- endfor -%}
    {%- do run_query(check ~ 'true') -%}
{%- endmacro %}

{#-
    Whether a table can have rows of after an instant, by its last commit: most tables need not be read
    then. A minute is left for the clock of the files' place, which may be another than the engine's.
    The instant is text in UTC; the last commit comes back in the zone of whoever runs dbt.
-#}
{% macro written_since(relation, instant) -%}
    {{- return(adapter.dispatch('written_since')(relation, instant)) -}}
{%- endmacro %}

{% macro default__written_since(relation, instant) -%}
    {%- set at = run_query('describe detail ' ~ relation).rows[0]['lastModified'] -%}
    {%- set since = modules.datetime.datetime.fromisoformat((instant | string) ~ '+00:00') -%}
    {{- return(at.astimezone() > since - modules.datetime.timedelta(minutes=1)) -}}
{%- endmacro %}

{% macro foreview_mariadb__written_since(relation, instant) -%}
    {{- return(true) -}}
{%- endmacro %}

{#- The columns of a table with their types, in order. -#}
{% macro column_types(relation) -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do types.update({column.name: column.dtype}) -%}
    {%- endfor -%}
    {{- return(types) -}}
{%- endmacro %}

{#- Adds columns to a table, null in the rows that it has: those that are not among the present ones. -#}
{% macro add_columns(relation, types, present) -%}
    {%- for column, type in types.items() if column not in present -%}
        {%- call statement('add_column') -%}
            alter table {{ relation }} add columns ({{ column }} {{ type }})
        {%- endcall -%}
    {%- endfor -%}
{%- endmacro %}

{#-
    Makes a view, or gives it another query. To replace a view is to drop it and make another: who
    reads meanwhile would find none.
-#}
{% macro put_view(relation, query) -%}
    {{- return(adapter.dispatch('put_view')(relation, query)) -}}
{%- endmacro %}

{% macro default__put_view(relation, query) -%}
    {%- set found = run_query(
        'show views in ' ~ relation.without_identifier() ~ " like '" ~ relation.identifier ~ "'"
    ).rows -%}
    {%- call statement('put_view') -%}
        {{ 'alter view' if found else 'create view if not exists' }} {{ relation }} as
        {{ query }}
    {%- endcall -%}
{%- endmacro %}

{% macro foreview_mariadb__put_view(relation, query) -%}
    {%- call statement('put_view') -%}
        create or replace view {{ relation }} as
        {{ query }}
    {%- endcall -%}
{%- endmacro %}
