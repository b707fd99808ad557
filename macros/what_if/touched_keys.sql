{#-
    The keys and days on which what some mart reads of an edited dimension differs between the two
    worlds. Time is cut at all interval ends of both; "no row" is a value like any other, so that a
    removal counts. A column that no mart reads is not compared.
-#}
{% macro touched_keys() -%}
    {%- if not edited_dimensions() -%}
        {%- do exceptions.warn(
            "No pending edit of " ~ editable_dimensions() | join(", ") ~ " is in " ~ scenario_literals()
            ~ ": it is unknown, it ended, or it edits a table that no mart reads. See foreview list."
        ) -%}
    {%- endif -%}
    {%- for dimension, key in editable_dimensions().items() if dimension in edited_dimensions() -%}
        {%- set columns = columns_read(dimension) -%}
        {%- if columns is not none -%}
            select '{{ dimension }}' as dimension, touched.*
            from ({{ _touched_pieces(dimension, key, columns) }}) as touched
            union all
        {% endif -%}
    {% endfor -%}
    select
        '' as dimension,
        '' as key_value,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to,
        false as has_row_before,
        false as has_row_after,
        '' as changed_columns
    where false
{%- endmacro %}

{#-
    The dimensions that the scenario edits, among those that marts read. A promotion looks at all
    of them: its check must not rest on the staged edits that it checks.
-#}
{% macro edited_dimensions() -%}
    {%- if var('promoting') -%}{{- return(editable_dimensions() | list) -}}{%- endif -%}
    {%- set query -%}
        {%- for dimension in editable_dimensions() %}
            select '{{ dimension }}' as dimension
            from {{ _built_relation('stg_' ~ dimension | replace('dim_', '') ~ '_edits') }}
            where change_set_id in ({{ scenario_literals() }})
            {{ "union" if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {{- return(run_query(query).columns[0].values() | list) -}}
{%- endmacro %}

{#- The columns of a dimension that at least one mart reads; none when no mart reads it. -#}
{% macro columns_read(dimension) -%}
    {%- set found = namespace(columns=none) -%}
    {%- for mart in versioned_marts() -%}
        {%- set reads = mart.config.meta.mart.get('reads', {}) -%}
        {%- if dimension in reads -%}
            {%- set found.columns = ((found.columns or []) + reads[dimension]) | unique | list -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found.columns) -}}
{%- endmacro %}

{% macro _touched_pieces(dimension, key, columns) -%}
    {%- set name = dimension | replace('dim_', '') -%}
    with edited as (

        {%- if var('promoting') %}
        select {{ key }} from {{ published_dimension(name) }} as published
        union
        select {{ key }} from ({{ shadow_dimension(name) }}) as promoted
        {%- else %}
        select distinct {{ key }}
        from {{ _built_relation('stg_' ~ name ~ '_edits') }}
        where change_set_id in ({{ scenario_literals() }})
        {%- endif %}

    ),

    both_worlds as (

        {%- for world in ('before', 'after') %}
        select
            '{{ world }}' as world,
            dimension.{{ key }} as key_value,
            dimension.valid_from,
            dimension.valid_to
            {%- for column in columns %},
            dimension.{{ column }}
            {%- endfor %}
        from {{ published_dimension(name) if world == 'before'
            else '(' ~ shadow_dimension(name) ~ ')' }} as dimension
        left semi join edited on dimension.{{ key }} = edited.{{ key }}
        {{ "union all" if not loop.last }}
        {%- endfor %}

    ),

    bounds as (

        select distinct key_value, day
        from both_worlds
        lateral view explode(array(valid_from, valid_to)) as day
        where day is not null

    ),

    pieces as (

        select
            key_value,
            day as valid_from,
            lead(day) over (partition by key_value order by day) as valid_to
        from bounds

    ),

    compared as (

        select
            pieces.key_value,
            pieces.valid_from,
            pieces.valid_to,
            coalesce(bool_or(both_worlds.world = 'before'), false) as has_row_before,
            coalesce(bool_or(both_worlds.world = 'after'), false) as has_row_after
            {%- for column in columns %},
            max(case when both_worlds.world = 'before' then {{ column }} end) as before_{{ column }},
            max(case when both_worlds.world = 'after' then {{ column }} end) as after_{{ column }}
            {%- endfor %}
        from pieces
        left join both_worlds
            on pieces.key_value = both_worlds.key_value
                and {{ holds_on('both_worlds', 'pieces.valid_from') }}
        group by pieces.key_value, pieces.valid_from, pieces.valid_to

    )

    select
        key_value,
        valid_from,
        valid_to,
        has_row_before,
        has_row_after,
        concat(
            ','
            {%- for column in columns -%}
                , case when before_{{ column }} <=> after_{{ column }} then '' else '{{ column }},' end
            {%- endfor -%}
        ) as changed_columns
    from compared
    where has_row_before != has_row_after
        {%- for column in columns %}
        or not (before_{{ column }} <=> after_{{ column }})
        {%- endfor %}
{%- endmacro %}

{#- Whether a mart reads anything of what differs between the two worlds. -#}
{% macro is_mart_touched(mart, touched) -%}
    {%- set query -%}
        select 1 from {{ touched }}
        where false
        {%- for dimension, columns in mart.config.meta.mart.get('reads', {}).items() %}
            or (
                dimension = '{{ dimension }}'
                and (
                    has_row_before != has_row_after
                    {%- for column in columns %}
                    or instr(changed_columns, ',{{ column }},') > 0
                    {%- endfor %}
                )
            )
        {%- endfor %}
        limit 1
    {%- endset -%}
    {{- return(run_query(query).rows | length > 0) -}}
{%- endmacro %}
