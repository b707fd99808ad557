{# Functions that other databases name otherwise. #}

{% macro foreview_mariadb__cast(field, type) -%}
    cast({{ field }} as {{ adapter.cast_type(type) }})
{%- endmacro %}

{% macro foreview_mariadb__safe_cast(field, type) -%}
    cast({{ field }} as {{ adapter.cast_type(type) }})
{%- endmacro %}

{# Types are what SQL casts to, and MariaDB casts to few. #}

{% macro foreview_mariadb__type_string() -%}char{%- endmacro %}

{% macro foreview_mariadb__type_timestamp() -%}datetime(6){%- endmacro %}

{% macro foreview_mariadb__type_float() -%}double{%- endmacro %}

{% macro foreview_mariadb__type_int() -%}int{%- endmacro %}

{% macro foreview_mariadb__type_bigint() -%}signed{%- endmacro %}

{% macro foreview_mariadb__type_boolean() -%}signed{%- endmacro %}

{% macro foreview_mariadb__type_numeric() -%}
    decimal(28, 6)
{%- endmacro %}

{% macro foreview_mariadb__cast_bool_to_text(field) -%}
    case when {{ field }} then 'true' when not {{ field }} then 'false' end
{%- endmacro %}

{% macro foreview_mariadb__concat(fields) -%}
    concat({{ fields | join(', ') }})
{%- endmacro %}

{% macro foreview_mariadb__length(expression) -%}
    char_length({{ expression }})
{%- endmacro %}

{% macro foreview_mariadb__hash(field) -%}
    md5(cast({{ field }} as char))
{%- endmacro %}

{% macro foreview_mariadb__escape_single_quotes(expression) -%}
    {{ expression | replace('\\', '\\\\') | replace("'", "''") }}
{%- endmacro %}

{% macro foreview_mariadb__any_value(expression) -%}
    max({{ expression }})
{%- endmacro %}

{% macro foreview_mariadb__bool_or(expression) -%}
    coalesce(max({{ expression }}), 0) = 1
{%- endmacro %}

{% macro foreview_mariadb__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    group_concat(
        {{ measure }} {{ order_by_clause or '' }} separator {{ delimiter_text }}
        {{ 'limit ' ~ limit_num if limit_num }}
    )
{%- endmacro %}

{% macro foreview_mariadb__split_part(string_text, delimiter_text, part_number) -%}
    {%- set parts -%}
        ((char_length({{ string_text }})
            - char_length(replace({{ string_text }}, {{ delimiter_text }}, '')))
        div char_length({{ delimiter_text }}) + 1)
    {%- endset -%}
    {%- set count = part_number | abs -%}
    case when {{ parts }} >= {{ count }}
        {%- if part_number > 0 %}
            then substring_index(
                substring_index({{ string_text }}, {{ delimiter_text }}, {{ count }}),
                {{ delimiter_text }}, -1
            )
        {%- else %}
            then substring_index(
                substring_index({{ string_text }}, {{ delimiter_text }}, -{{ count }}),
                {{ delimiter_text }}, 1
            )
        {%- endif %}
        else if({{ string_text }} is null, null, '')
    end
{%- endmacro %}

{% macro foreview_mariadb__date(year, month, day) -%}
    date '{{ modules.datetime.date(year, month, day).isoformat() }}'
{%- endmacro %}

{% macro foreview_mariadb__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{% macro foreview_mariadb__datediff(first_date, second_date, datepart) -%}
    {#- Borders that are crossed, not whole parts that have passed. -#}
    {%- set part = datepart | lower -%}
    {%- set milliseconds = part == 'millisecond' -%}
    timestampdiff(
        {{ 'microsecond' if milliseconds else part }},
        {{ date_trunc(part, first_date) }},
        {{ date_trunc(part, second_date) }}
    ){{ ' div 1000' if milliseconds }}
{%- endmacro %}

{% macro foreview_mariadb__date_trunc(datepart, date) -%}
    {%- set part = datepart | lower -%}
    {%- set formats = {
        'year': '%Y-01-01', 'month': '%Y-%m-01', 'day': '%Y-%m-%d',
        'hour': '%Y-%m-%d %H:00:00', 'minute': '%Y-%m-%d %H:%i:00', 'second': '%Y-%m-%d %H:%i:%s',
    } -%}
    {%- if part == 'quarter' -%}
        cast(
            date_add(date_format({{ date }}, '%Y-01-01'), interval (quarter({{ date }}) - 1) quarter)
            as datetime
        )
    {%- elif part == 'week' -%}
        cast(date_sub(date({{ date }}), interval weekday({{ date }}) day) as datetime)
    {%- elif part in formats -%}
        cast(date_format({{ date }}, '{{ formats[part] }}') as datetime)
    {%- elif part in ['millisecond', 'microsecond'] -%}
        cast({{ date }} as datetime({{ 3 if part == 'millisecond' else 6 }}))
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "date_trunc: MariaDB has no date part '" ~ datepart ~ "'; there are "
            ~ formats | join(', ') ~ ', week, quarter, millisecond, microsecond'
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro foreview_mariadb__last_day(date, datepart) -%}
    {%- if datepart == 'month' -%}
        last_day({{ date }})
    {%- else -%}
        {{ default__last_day(date, datepart) }}
    {%- endif -%}
{%- endmacro %}
