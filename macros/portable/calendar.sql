{#- One row per day, both ends included. -#}
{% macro days_between(first_day, last_day) -%}
    select explode(
        sequence(cast('{{ first_day }}' as date), cast('{{ last_day }}' as date), interval 1 day)
    ) as viewing_date
{%- endmacro %}

{#- The instant, in UTC, at which a broadcast day starts. -#}
{% macro broadcast_day_start(day) -%}
    to_utc_timestamp(
        cast(concat(cast(cast({{ day }} as date) as {{ dbt.type_string() }}), ' {{ var("broadcast_day_start") }}:00') as timestamp),
        '{{ var("broadcast_time_zone") }}'
    )
{%- endmacro %}

{% macro seconds_between(from_instant, to_instant) -%}
    cast(unix_timestamp({{ to_instant }}) - unix_timestamp({{ from_instant }}) as bigint)
{%- endmacro %}

{#- A day as a literal that partition pruning understands. -#}
{% macro day_literal(day) -%}
    cast('{{ day }}' as date)
{%- endmacro %}

{% macro text_literal(text) -%}
    {#- In a Spark string literal a backslash escapes; in the text it is a character. -#}
    '{{ text | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}

{#- The Monday of a day's week. -#}
{% macro week_start(day) -%}
    trunc({{ day }}, 'week')
{%- endmacro %}

{#- The instant at which the content of a viewing record ends. -#}
{% macro content_end() -%}
    timestampadd(second, viewing.seconds, viewing.content_at)
{%- endmacro %}

{#- The broadcast day of an instant in UTC. -#}
{% macro broadcast_date(instant) -%}
    cast(
        from_utc_timestamp({{ instant }}, '{{ var("broadcast_time_zone") }}')
        - interval '{{ var("broadcast_day_start") }}' hour to minute
        as date
    )
{%- endmacro %}

{#- The numbers of the minutes that the seconds from one up to another are in, a row each. -#}
{% macro each_minute(first_second, end_second) -%}
    explode(sequence(
        cast(floor({{ first_second }} / 60) as int),
        cast(floor((greatest({{ end_second }}, {{ first_second }} + 1) - 1) / 60) as int)
    ))
{%- endmacro %}
