{#- Drops the schemas of trials, for `foreview housekeeping`. -#}
{% macro drop_scenarios(schemas) -%}
    {%- for schema in schemas -%}
        {%- do adapter.drop_schema(api.Relation.create(database=(target.database or none), schema=schema)) -%}
    {%- endfor -%}
{%- endmacro %}
