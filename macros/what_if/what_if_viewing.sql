{#-
    The viewing that decides every moved figure: on each touched day, all viewing of the households
    that watched touched viewing that day, and the touched viewing of devices without a household.

    Why this is exact: every measure of a mart is a sum over records or over distinct households,
    so a figure is the sum of what each household adds to it. A household without touched
    viewing on a day adds the same before and after; of the others all their viewing is here, so
    also the part through which a household stays reached when one of its stays moves away.
-#}
{% macro what_if_viewing() -%}
    {%- set touched = ref('touched_viewing') -%}
    {%- set keys = ref('touched_keys') -%}
    {%- for dimension in editable_dimensions() -%}{%- do both_worlds_relation(dimension) -%}{%- endfor -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    {%- set days = run_query(
        'select distinct viewing_date from ' ~ touched ~ ' order by viewing_date'
    ).columns[0].values() | list -%}
    {%- if not days -%}
        {{- return('select * from ' ~ _built_relation('fct_viewing') ~ ' where false') -}}
    {%- endif -%}
    with affected_households as (

        select distinct viewing_date, household_id
        from {{ touched }}
        where household_id is not null

    ),

    affected_devices as (

        select
            affected_households.viewing_date,
            device.device_id
        from affected_households
        inner join {{ _built_relation('dim_device') }} as device
            on affected_households.household_id = device.household_id
                and {{ holds_on('device', 'affected_households.viewing_date') }}

    )

    select {{ few_rows_hint(touched, 'viewing_date, household_id', 'affected_devices') }} viewing.*
    from {{ _built_relation('fct_viewing') }} as viewing
    left semi join affected_devices
        on viewing.device_id = affected_devices.device_id
            and viewing.viewing_date = affected_devices.viewing_date
    where true {{ and_on_days(days, 'viewing.viewing_date') }}
        {{ and_in_channels(channels_of_figures(keys), 'viewing.channel_id') }}
    union all
    select {{ viewing_columns() }}
    from {{ touched }}
    where household_id is null
{%- endmacro %}

{% macro viewing_columns() -%}
    {{- graph.nodes['model.' ~ project_name ~ '.fct_viewing'].columns | join(', ') -}}
{%- endmacro %}

{#-
    The channels that can be in the figures of touched viewing, in either world: those that share
    a touched channel's value of the mart's `narrow_by` column. None when they can't be listed: an
    area is touched, or viewing goes to or comes from "(none)" or "(unmapped)".
-#}
{% macro channels_of_figures(touched) -%}
    {%- set channels = touched_channels(touched) -%}
    {%- if not channels -%}{{- return(none) -}}{%- endif -%}
    {%- set found = namespace(channels=channels) -%}
    {%- set asked = [] -%}
    {%- for mart in versioned_marts() if is_mart_touched(mart, touched) -%}
        {%- set by = mart.config.meta.mart.get('narrow_by') -%}
        {%- if not by -%}{{- return(none) -}}{%- endif -%}
        {%- if by not in asked -%}{%- do asked.append(by) -%}{%- endif -%}
    {%- endfor -%}
    {%- for by in asked -%}
        {%- set rows = run_query(_channels_sharing(touched, by.dimension, by.column)).rows -%}
        {%- if rows | length > var('most_literals') or none in rows | map(attribute=0) | list -%}
            {{- return(none) -}}
        {%- endif -%}
        {%- set found.channels = found.channels + rows | map(attribute=0) | list -%}
    {%- endfor -%}
    {{- return(found.channels | unique | list) -}}
{%- endmacro %}

{#- Channels that share a value with a touched one; one null row when a touched value is null. -#}
{% macro _channels_sharing(touched, dimension, column) -%}
    with both_worlds as (

        select distinct channel_id, {{ column }} as shared
        from {{ both_worlds_relation(dimension) }}

    ),

    touched_values as (

        select both_worlds.shared
        from both_worlds
        inner join {{ touched }} as touched on both_worlds.channel_id = touched.key_value
        union
        select cast(null as {{ dbt.type_string() }}) as shared
        from {{ touched }}
        where not has_row_before or not has_row_after
            {{ "and dimension = 'dim_channel'" }}

    )

    select both_worlds.channel_id
    from both_worlds
    inner join touched_values on both_worlds.shared = touched_values.shared
    {%- if dimension == 'dim_channel_key' %}
    union
    select shared from touched_values where shared is not null
    {%- endif %}
    union
    select cast(null as {{ dbt.type_string() }}) as channel_id
    from touched_values
    where shared is null
    limit {{ var('most_literals') + 1 }}
{%- endmacro %}
