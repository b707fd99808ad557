{#-
    The rows of pending change sets on a dimension, cast like its approved rows.
    `approved` is the staging relation whose contract gives the columns.
-#}
{% macro proposed_rows(relation, approved) -%}
    {%- set columns = contract_columns(node_of(approved)) -%}
    with source as (

        select * from {{ relation }}

    ),

    renamed as (

        select
            change_set_id,
            change_number,
            change_kind,
            changed_columns,
            row_key,
            copied_from
            {%- for column in columns %},
            cast({{ column.name }} as {{ column.data_type }}) as {{ column.name }}
            {%- endfor %}
        from source

    )

    select * from renamed
{%- endmacro %}

{#- The node of a model's relation; at parse, when the graph is empty, one without columns. -#}
{% macro node_of(relation) -%}
    {%- set found = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) -%}
        {%- if node.resource_type == 'model' and node.name == relation.identifier -%}
            {%- do found.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found[0] if found else {'columns': {}}) -}}
{%- endmacro %}
