{#-
    A hint that the relations named are small enough to be sent to every task, when they have few
    rows. The planner guesses a size from the tables that a relation is joined from, and would
    shuffle all viewing. Engines without hints read a comment.
-#}
{% macro broadcast_hint(names, rows, most=none) -%}
    {%- if rows <= (most or var('few_rows')) -%}
        /*+ broadcast({{ names }}) */
    {%- endif -%}
{%- endmacro %}

{#- The same for what comes of the distinct values of a relation's columns. -#}
{% macro few_rows_hint(relation, columns, name) -%}
    {%- set query -%}
        select count(distinct {{ columns }}) from {{ relation }}
    {%- endset -%}
    {{- broadcast_hint(name, run_query(query).rows[0][0]) -}}
{%- endmacro %}

{#- The same for a query of devices, of which more are few: a row of theirs is three numbers. -#}
{% macro few_devices_hint(name, query) -%}
    {%- set count = run_query('select count(*) from (' ~ query ~ ') as devices').rows[0][0] -%}
    {{- broadcast_hint(name, count, var('few_devices')) -}}
{%- endmacro %}
