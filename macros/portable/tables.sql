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
