{#-
    The times of the events whose row is not the same in both worlds. The key is that by which viewing
    reaches them, a channel; the days are those on which the content of that time can be viewed.
-#}
{% macro _touched_events(name, scenario, columns) -%}
    {%- set way = reach()[name] -%}
    {%- set identity = [way.key, way.by] + way.during + ['valid_from', 'valid_to'] -%}
    select
        {{ way.by }} as key_value,
        {{ _days_of_event(way) }},
        max(world) = 'before' as has_row_before,
        max(world) = 'after' as has_row_after,
        ',' as changed_columns
    from {{ in_world(name, 'both', scenario) }} as event
    group by {{ (identity + columns) | unique | join(', ') }}
    having count(*) = 1
{%- endmacro %}

{#- The times of the events that point at a touched row, in either world. -#}
{% macro _events_of_touched(name, parent, scenario) -%}
    {%- set way = reach()[name] -%}
    select distinct
        '{{ name }}' as dimension,
        event.{{ way.by }} as key_value,
        {{ _days_of_event(way, 'event.') }},
        true as has_row_before,
        true as has_row_after,
        ',' as changed_columns
    from {{ in_world(name, 'both', scenario) }} as event
    inner join touched_{{ parent }} as parent
        on event.{{ reach()[parent].by }} = parent.key_value
            and {{ holds_on('parent', broadcast_date('event.' ~ way.during[0])) }}
{%- endmacro %}

{#- The viewing days and the instants of an event; a day more at both ends than it can need. -#}
{% macro _days_of_event(way, prefix='') -%}
    date_sub(cast({{ prefix ~ way.during[0] }} as date), 1) as valid_from,
        date_add(
            cast({{ prefix ~ way.during[1] }} as date), {{ var('airing_days') + 2 }}
        ) as valid_to,
        {{ prefix ~ way.during[0] }} as starts_at,
        {{ prefix ~ way.during[1] }} as ends_at
{%- endmacro %}
