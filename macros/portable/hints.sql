{#-
    A hint that `name` is small enough to be sent to every task, when the distinct values that it
    comes of are few. The planner guesses its size from the tables that it is joined from, and would
    shuffle all viewing. Engines without hints read a comment.
-#}
{% macro few_rows_hint(relation, columns, name) -%}
    {%- set query -%}
        select count(distinct {{ columns }}) from {{ relation }}
    {%- endset -%}
    {%- if run_query(query).rows[0][0] <= var('few_rows') -%}
        /*+ broadcast({{ name }}) */
    {%- endif -%}
{%- endmacro %}
