{#-
    The viewing that decides every moved figure of the marts of a period: on the days of the periods
    of each touched record, all viewing of its household, and the touched viewing of devices without
    a household. Nothing when no such mart moves, all viewing is read, or another period's serves (macro
    `what_if_paths`).

    Why this is exact: every measure of a mart is a sum over records or over distinct households,
    so a figure is the sum of what each household adds to it. A household without touched
    viewing in a period adds the same before and after; of the others all their viewing is here, so
    also the part through which a household stays reached when one of its stays moves away. More
    viewing than needed does no harm: it adds the same to both worlds.
-#}
{% macro what_if_viewing(period) -%}
    {%- set touched = ref(touched_viewing_name(period)) -%}
    {%- set keys = ref('touched_keys') -%}
    {%- do ref('what_if_paths') -%}
    {%- do depend_on_both_worlds() -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    {%- set paths = paths_taken() -%}
    {%- set taken = paths.get(period) -%}
    {%- if not taken or taken.path == 'full' or taken.viewing_of != period -%}
        {{- return('select * from ' ~ _built_relation('fct_viewing') ~ ' where false') -}}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for one in paths.values() if one.viewing_of == period -%}{%- do names.extend(one.marts) -%}{%- endfor -%}
    {%- set marts = versioned_marts() | selectattr('name', 'in', names) | list -%}
    {%- set columns = viewing_columns(marts) -%}
    {%- set days = days_of_periods(period, periods_of_days(period, taken.days)) -%}
    with affected_households as (

        select distinct day as viewing_date, household_id
        from {{ touched }}
        lateral view explode({{ array_of_period_days(period, 'viewing_date') }}) as day
        where household_id is not null

    ),

    affected_devices as (

        select distinct
            affected_households.viewing_date,
            device.device_id
        from affected_households
        inner join {{ _built_relation('dim_device') }} as device
            on affected_households.household_id = device.household_id
                and {{ holds_on('device', 'affected_households.viewing_date') }}

    )

    {%- set day_hint = few_rows_hint(touched, 'viewing_date, household_id', 'affected_devices') %}
    {%- set ids = _devices_of_households(touched) %}
    {%- set hint = '' if day_hint | trim else few_devices_hint('affected_device', ids) | trim %}

    select {{ day_hint }} {{ hint }}
        {%- for column in columns %}
        viewing.{{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ _built_relation('fct_viewing') }} as viewing
    {%- if hint %}
    left semi join ({{ ids }}) as affected_device
        on viewing.device_id = affected_device.device_id
    {%- endif %}
    left semi join affected_devices
        on viewing.device_id = affected_devices.device_id
            and viewing.viewing_date = affected_devices.viewing_date
    where true {{ and_on_days(days, 'viewing.viewing_date') }}
        {{ and_in_channels(channels_of_figures(marts, keys), 'viewing.channel_id') }}
    union all
    select {{ columns | join(', ') }}
    from {{ touched }}
    where household_id is null
{%- endmacro %}

{#-
    The devices that these households ever had: where their days are many, the viewing of others is
    left out by these first, instead of being shuffled.
-#}
{% macro _devices_of_households(touched) -%}
    select distinct device.device_id
    from {{ _built_relation('dim_device') }} as device
    left semi join {{ touched }} as touched on device.household_id = touched.household_id
{%- endmacro %}

{#- The devices of that viewing: marts join them twice, and all devices are many. -#}
{% macro what_if_device() -%}
    {%- for period in periods() -%}{%- do ref(what_if_viewing_name(period)) -%}{%- endfor -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    select device.*
    from {{ _built_relation('dim_device') }} as device
    left semi join (
        {%- for period in periods() %}
        select device_id from {{ ref(what_if_viewing_name(period)) }}
        {{ "union" if not loop.last }}
        {%- endfor %}
    ) as watching
        on device.device_id = watching.device_id
{%- endmacro %}

{#-
    The channels that can be in the moved figures of these marts, in either world: those that share
    with a touched channel the attribute by which the mart's figures differ. None when they can't be
    listed: an area is touched, a mart has no such attribute, viewing goes to or comes from "(none)"
    or "(unmapped)", or they are many.
-#}
{% macro channels_of_figures(marts, touched) -%}
    {%- set channels = touched_channels(touched) -%}
    {%- if not channels -%}{{- return(none) -}}{%- endif -%}
    {%- set found = namespace(channels=channels) -%}
    {%- set asked = [] -%}
    {%- for mart in marts -%}
        {%- set by = channel_attribute(mart) -%}
        {%- if by is none -%}{{- return(none) -}}{%- endif -%}
        {%- if by.dimension -%}
            {#- By another dimension a channel can be in a touched figure on days without a row of its own. -#}
            {%- for name in mart_reads(mart) if reach()[_way_to(name)[0]].from == 'viewing'
                and name not in _way_to(by.dimension) + [by.holder] -%}
                {{- return(none) -}}
            {%- endfor -%}
            {%- if by not in asked -%}{%- do asked.append(by) -%}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set scenario = current_scenario() -%}
    {%- for by in asked -%}
        {%- set rows = run_query(_channels_sharing(touched, by, scenario)).rows -%}
        {%- if rows | length > var('most_literals') or none in rows | map(attribute=0) | list -%}
            {{- return(none) -}}
        {%- endif -%}
        {%- set found.channels = found.channels + rows | map(attribute=0) | list -%}
    {%- endfor -%}
    {{- return(found.channels | unique | list) -}}
{%- endmacro %}

{#-
    Channels that share a value with a touched one; one null row when a touched value is null. A
    channel without a row in `channel_key` is its own identity.
-#}
{% macro _channels_sharing(touched, by, scenario) -%}
    {%- set way = _way_to(by.dimension) -%}
    {%- set is_identity = by.dimension == 'channel_key' -%}
    with resolved as (

        select distinct
            {{ way[0] }}.channel_id,
            {{ by.dimension }}.{{ by.column }} as shared
        from {{ in_world(way[0], 'both', scenario) }} as {{ way[0] }}
        {%- for name in way[1:] %}
        left join {{ in_world(name, 'both', scenario) }} as {{ name }}
            on {{ reach()[name].from }}.{{ reach()[name].by }} = {{ name }}.{{ reach()[name].key }}
        {%- endfor %}

    ),

    touched_channels as (

        select distinct key_value as channel_id
        from {{ touched }}
        where dimension in ({{ _reached_by('viewing') }})

    ),

    touched_values as (

        select resolved.shared
        from touched_channels
        {{ 'inner' if is_identity else 'left' }} join resolved
            on touched_channels.channel_id = resolved.channel_id
        union
        select cast(null as {{ dbt.type_string() }}) as shared
        from {{ touched }}
        where (not has_row_before or not has_row_after)
            and dimension in ('{{ (way + [by.holder]) | reject("equalto", "channel_key") | join("', '") }}')
        {%- if is_identity %}
        union
        select channel_id as shared
        from touched_channels
        {%- endif %}

    )

    select resolved.channel_id
    from resolved
    inner join touched_values on resolved.shared = touched_values.shared
    union
    select shared as channel_id
    from touched_values
    {{ "" if is_identity else "where shared is null" }}
    limit {{ var('most_literals') + 1 }}
{%- endmacro %}
