{#-
    The keys and days on which what some mart reads of an edited dimension differs between the two
    worlds. Time is cut at all interval ends of both; "no row" is a value like any other, so that a
    removal counts. A column that no mart reads is not compared. A touched row touches those that
    point at it, in either world, on the days that both have: from network groups to channels.
-#}
{% macro touched_keys() -%}
    {%- do depend_on_both_worlds() -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    {%- set scenario = current_scenario() -%}
    {%- do refuse_unbuilt_marts(scenario.publication) -%}
    {%- do refuse_unpublished_loads(scenario.publication) -%}
    {%- if not run_var('promoting') and not scenario.edited -%}
        {%- do exceptions.warn(
            "No pending edit of " ~ reach() | join(", ") ~ " is in " ~ scenario_literals()
            ~ ": unknown, ended, or of a table that no mart reads. See foreview list."
        ) -%}
    {%- endif -%}
    {%- set touched = [] -%}
    with nothing as (

        {{ _no_touched_keys() }}

    )
    {%- for name in reach() | reverse -%}
        {%- set columns = columns_read(name) -%}
        {%- set is_differing = name in scenario.edited and columns is not none -%}
        {%- set parents = [] -%}
        {%- for other in touched if reach()[other].from == name -%}
            {%- do parents.append(other) -%}
        {%- endfor -%}
        {%- if is_differing or parents -%}
            {%- do touched.append(name) -%},

    touched_{{ name }} as (

        select * from nothing
        {%- if is_differing %}
        union all
        select '{{ name }}' as dimension, pieces.*
        from (
            {{ _touched_events(name, scenario, columns) if reach()[name].during
                else _touched_pieces(name, scenario, columns) }}
        ) as pieces
        {%- endif %}
        {%- for parent in parents %}
        union all
        {{ _events_of_touched(name, parent, scenario) if reach()[name].during
            else _touched_children(name, parent, scenario) }}
        {%- endfor %}

    )
        {%- endif -%}
    {%- endfor %}

    select * from nothing
    {%- for name in touched %}
    union all
    select * from touched_{{ name }}
    {%- endfor %}
{%- endmacro %}

{% macro _no_touched_keys() -%}
    select
        '' as dimension,
        '' as key_value,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to,
        cast(null as timestamp) as starts_at,
        cast(null as timestamp) as ends_at,
        false as has_row_before,
        false as has_row_after,
        '' as changed_columns
    where false
{%- endmacro %}

{#- The rows of a dimension that point at a touched row of the next one, on the days of both. -#}
{% macro _touched_children(name, parent, scenario) -%}
    select distinct
        '{{ name }}' as dimension,
        child.{{ reach()[name].key }} as key_value,
        greatest(child.valid_from, parent.valid_from) as valid_from,
        least(child.valid_to, parent.valid_to) as valid_to,
        cast(null as timestamp) as starts_at,
        cast(null as timestamp) as ends_at,
        true as has_row_before,
        true as has_row_after,
        ',' as changed_columns
    from {{ in_world(name, 'both', scenario) }} as child
    inner join touched_{{ parent }} as parent
        on child.{{ reach()[parent].by }} = parent.key_value
            and (parent.valid_to is null or child.valid_from < parent.valid_to)
            and (child.valid_to is null or parent.valid_from < child.valid_to)
{%- endmacro %}

{% macro _touched_pieces(name, scenario, columns) -%}
    {%- set key = reach()[name].key -%}
    {%- set rows = in_world(name, 'both', scenario) -%}
    with differing as (

        {#- Keys with a row that is not the same in both worlds. -#}
        select distinct {{ key }}
        from (
            select {{ key }}
            from {{ rows }} as dimension
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
        from {{ rows }} as dimension
        left semi join differing on dimension.{{ key }} = differing.{{ key }}

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
        cast(null as timestamp) as starts_at,
        cast(null as timestamp) as ends_at,
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
