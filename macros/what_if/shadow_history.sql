{#-
    A dimension's history as it would be under the scenario, as a query with the snapshot's
    columns. Modified cells replace those of the approved row; removed rows go; added rows come,
    and the columns that an added row only copied follow the row that it continues, with the
    scenario's corrections.
-#}
{% macro shadow_history(name) -%}
    {%- set approved = 'stg_' ~ name -%}
    {%- set columns = contract_columns(graph.nodes['model.' ~ project_name ~ '.' ~ approved]) -%}
    {%- set names = columns | map(attribute='name') | list -%}
    with edits as (

        select
            change_set_id,
            change_kind,
            changed_columns,
            row_key,
            copied_from
            {%- for column in columns %},
            cast(row_values['{{ column.name }}'] as {{ column.data_type }}) as {{ column.name }}
            {%- endfor %}
        from {{ _built_relation('stg_pending_edits') }}
        where dimension = '{{ name }}' and change_set_id in ({{ scenario_literals() }})

    ),

    modified as (

        select
            row_key
            {%- for column in names %},
            max(case when {{ _is_changed(column) }} then 1 else 0 end) as has_{{ column }},
            max(case when {{ _is_changed(column) }} then {{ column }} end) as {{ column }}
            {%- endfor %}
        from edits
        where change_kind = 'modified'
        group by row_key

    ),

    folded as (

        select
            approved.row_key,
            approved.change_set_id
            {%- for column in names %},
            case
                when modified.has_{{ column }} = 1 then modified.{{ column }}
                else approved.{{ column }}
            end as {{ column }}
            {%- endfor %}
        from {{ _built_relation(approved) }} as approved
        left join modified on approved.row_key = modified.row_key

    ),

    added as (

        select
            edits.row_key,
            edits.change_set_id
            {%- for column in names %},
            case
                when folded.row_key is null or {{ _is_changed('edits.' ~ column, column) }}
                    then edits.{{ column }}
                else folded.{{ column }}
            end as {{ column }}
            {%- endfor %}
        from edits
        left join folded on edits.copied_from = folded.row_key
        where edits.change_kind = 'added'

    ),

    kept as (

        select folded.*
        from folded
        left join edits
            on folded.row_key = edits.row_key and edits.change_kind = 'removed'
        where edits.row_key is null

    ),

    combined as (

        select * from kept
        union all
        select * from added

    )

    select
        combined.*,
        md5(concat('shadow|', combined.row_key)) as dbt_scd_id,
        cast(null as timestamp) as dbt_valid_from,
        cast(null as timestamp) as dbt_valid_to
    from combined
{%- endmacro %}

{% macro _is_changed(column, name=none) -%}
    instr(changed_columns, ',{{ name or column }},') > 0
{%- endmacro %}
