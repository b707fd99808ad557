{#-
    The viewing records whose attributes differ between the two worlds, each once, however many
    edited dimensions touch it, with the household that was watching. Literal days and channels
    prune files and row groups; the join with the touched keys makes it exact. A dimension as it is
    now touches all days, so it counts only if asked for, and then the others count too: what is
    touched then is a part of that, and is taken from it.
-#}
{% macro touched_viewing(is_now=false) -%}
    {%- set keys = ref('touched_keys') -%}
    {%- set touched_now = none if is_now else ref(touched_viewing_name('now')) -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    {%- set marts = touched_marts(keys) -%}
    {%- set now_marts = marts_of_period(marts, 'now') -%}
    {%- set is_asked = now_marts | length > 0 if is_now else marts | length > now_marts | length -%}
    {%- set touched = keys if is_now else _touched_then(keys) -%}
    {%- set bounds = run_query(
        'select min(valid_from) as first_day, max(coalesce(valid_to, ' ~ day_literal('9999-12-31')
        ~ ')) as end_day, count(starts_at) as events from ' ~ touched ~ ' as touched'
    ).rows[0] if is_asked else {'first_day': none} -%}
    {%- set is_part = now_marts and not is_now -%}
    {%- set has_devices = not is_part and bounds['first_day'] is not none and _touches_devices(touched) -%}
    {%- if has_devices %}
    with touched_device as (

        {{ _touched_devices(touched) }}

    )
    {% endif %}
    select
        {%- for column in viewing_columns(marts) %}
        viewing.{{ column }},
        {%- endfor %}
        {{ 'viewing' if is_part else 'device' }}.household_id,
        {{ 'viewing' if is_part else 'device' }}.area_id
    from (
        select viewing.*
        from {{ touched_now if is_part else _built_relation('fct_viewing') }} as viewing
        where {{ 'false' if bounds['first_day'] is none else 'true' }}
            {%- if bounds['first_day'] is not none %}
            and viewing.viewing_date >= {{ day_literal(bounds['first_day']) }}
            and viewing.viewing_date < {{ day_literal(bounds['end_day']) }}
            {%- endif %}
            {{ and_in_channels(touched_channels(touched), 'viewing.channel_id') }}
            and (
                {{ _touched_by(touched, 'viewing', bounds['events']) }}
                {%- if is_part %}
                {{ _touched_by(touched, 'device') }}
                {%- elif has_devices %}
                exists (
                    select {{ few_devices_hint('touched_device', _touched_devices(touched)) }} 1
                    from touched_device
                    where touched_device.device_id = viewing.device_id
                        and {{ holds_on('touched_device', 'viewing.viewing_date') }}
                )
                or
                {%- endif %}
                false
            )
    ) as viewing
    {%- if not is_part %}
    left join {{ _built_relation('dim_device') }} as device
        on viewing.device_id = device.device_id
            and {{ holds_on('device', 'viewing.viewing_date') }}
    {%- endif %}
{%- endmacro %}

{#- Conditions by which viewing, which has the columns of a side, is touched; each ends in `or`. -#}
{% macro _touched_by(touched, side, has_events=false) -%}
    {%- for by in reach().values() | selectattr('from', 'equalto', side) | map(attribute='by') | unique %}
        exists (
            select 1 from {{ touched }} as touched
            where touched.dimension in ({{ _reached_by(side, by) }})
                and touched.key_value = viewing.{{ by }}
                and {{ holds_on('touched', 'viewing.viewing_date') }}
                {%- if has_events %}
                and (
                    touched.starts_at is null
                    or touched.starts_at < {{ content_end() }}
                    and touched.ends_at > viewing.content_at
                )
                {%- endif %}
        )
        or
    {%- endfor %}
{%- endmacro %}

{#- The intervals in which devices are touched through what they have, such as their area. -#}
{% macro _touched_devices(touched) -%}
    {%- for by in reach().values() | selectattr('from', 'equalto', 'device') | map(attribute='by') | unique %}
    select
        device.device_id,
        greatest(device.valid_from, touched.valid_from) as valid_from,
        least(device.valid_to, touched.valid_to) as valid_to
    from {{ _built_relation('dim_device') }} as device
    inner join {{ touched }} as touched
        on device.{{ by }} = touched.key_value
            and touched.dimension in ({{ _reached_by('device', by) }})
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro _touches_devices(touched) -%}
    {{- return(run_query(
        'select 1 from ' ~ touched ~ ' as touched where dimension in (' ~ _reached_by('device') ~ ') limit 1'
    ).rows | length > 0) -}}
{%- endmacro %}

{#- The touched keys but those of dimensions as they are now, as a query. -#}
{% macro _touched_then(keys) -%}
    (
        select * from {{ keys }}
        where dimension not in (
            {%- for name, way in reach().items() if way.latest_of -%}
                {{ ", " if not loop.first }}'{{ name }}'
            {%- endfor -%}
        )
    )
{%- endmacro %}

{#- The dimensions that are reached from a side by a column, as literals. -#}
{% macro _reached_by(side, by=none) -%}
    {%- for name, way in reach().items() if way.from == side and by in (none, way.by) -%}
        {{ ", " if not loop.first }}'{{ name }}'
    {%- endfor -%}
{%- endmacro %}

{#- The touched channels as a list for pruning; none when they can't narrow the scan. -#}
{% macro touched_channels(touched) -%}
    {%- set rows = run_query(
        'select distinct dimension, key_value from ' ~ touched ~ ' as touched where dimension in ('
        ~ _reached_by('viewing') ~ ', ' ~ _reached_by('device') ~ ') order by key_value'
    ).rows -%}
    {%- set channels = [] -%}
    {%- for row in rows -%}
        {%- if reach()[row['dimension']].from == 'device' -%}{{- return(none) -}}{%- endif -%}
        {%- do channels.append(row['key_value']) -%}
    {%- endfor -%}
    {%- set channels = channels | unique | list -%}
    {{- return(channels if channels | length <= var('most_literals') else none) -}}
{%- endmacro %}

{% macro and_in_channels(channels, column) -%}
    {%- if channels -%}
        and {{ column }} in (
            {%- for channel in channels -%}
                {{ text_literal(channel) }}{{ ", " if not loop.last }}
            {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}
