{#-
    The keys and days on which what some mart reads of an edited dimension differs between the two
    worlds. Time is cut at all interval ends of both; "no row" is a value like any other, so that a
    removal counts. A column that no mart reads is not compared.
-#}
{% macro touched_keys() -%}
    {%- if not var('promoting') -%}{%- do _warn_when_nothing_is_edited() -%}{%- endif -%}
    {%- for dimension, key in editable_dimensions().items() -%}
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

{% macro _warn_when_nothing_is_edited() -%}
    {%- set query -%}
        {%- for dimension in editable_dimensions() %}
            select 1 from {{ both_worlds_relation(dimension) }} where world != 'both'
            {{ "union all" if not loop.last }}
        {%- endfor %}
        limit 1
    {%- endset -%}
    {%- if run_query(query).rows | length == 0 -%}
        {%- do exceptions.warn(
            "No pending edit of " ~ editable_dimensions() | join(", ") ~ " is in "
            ~ scenario_literals() ~ ": unknown, ended, or of a table that no mart reads. "
            ~ "See foreview list."
        ) -%}
    {%- endif -%}
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
    with differing as (

        {#- Keys with a row that is not the same in both worlds. -#}
        select distinct {{ key }}
        from (
            select {{ key }}
            from {{ both_worlds_relation(dimension) }}
            where world != 'both'
            group by {{ ([key, 'valid_from', 'valid_to'] + columns) | join(', ') }}
            having count(*) = 1
        ) as unpaired

    ),

    both_worlds as (

        select
            dimension.world,
            dimension.{{ key }} as key_value,
            dimension.valid_from,
            dimension.valid_to
            {%- for column in columns %},
            dimension.{{ column }}
            {%- endfor %}
        from {{ both_worlds_relation(dimension) }} as dimension
        left semi join differing on dimension.{{ key }} = differing.{{ key }}
        where dimension.world != 'both'

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
