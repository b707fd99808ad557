{#-
    A mart's period: the viewing days that one of its figures can be made of. `day` (the default):
    one day. `week`: the days of a week, which starts on Monday; the first column of the mart's grain
    is that Monday. `airing`: the day of an airing and the `airing_days` after it, on which it is
    still watched; the first column is the day of the airing. `now`: a day of a mart that reads the
    last rows of a dimension, so that an edit touches all days. The first column of the grain is what
    versions are partitioned by.
-#}
{% macro periods() -%}
    {{- return(['day', 'week', 'airing', 'now']) -}}
{%- endmacro %}

{#- The model with the viewing that decides the moved figures of a period's marts. -#}
{% macro what_if_viewing_name(period) -%}
    {{- return('what_if_viewing' if period == 'day' else 'what_if_viewing_' ~ period) -}}
{%- endmacro %}

{#- The model with the touched viewing of a period's marts. -#}
{% macro touched_viewing_name(period) -%}
    {{- return('touched_viewing_now' if period == 'now' else 'touched_viewing') -}}
{%- endmacro %}

{% macro period_of(mart) -%}
    {{- return('now' if latest_read(mart) else mart.config.meta.mart.get('period', 'day')) -}}
{%- endmacro %}

{#- The dimensions that a mart reads as they are now. -#}
{% macro latest_read(mart) -%}
    {%- set found = [] -%}
    {%- for name in mart_reads(mart) if reach()[name].latest_of -%}
        {%- do found.append(name) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro period_column(mart) -%}
    {{- return(mart.config.meta.mart.grain[0]) -}}
{%- endmacro %}

{#- The values of a mart's first grain column whose figures can hold viewing of these days. -#}
{% macro periods_of_days(period, days) -%}
    {%- set found = [] -%}
    {%- for day in days -%}
        {%- set date = modules.datetime.date.fromisoformat(day | string) -%}
        {%- set first = {'week': date.weekday(), 'airing': var('airing_days')}.get(period, 0) -%}
        {%- for back in range(first + 1) if period == 'airing' or back == first -%}
            {%- do found.append(date - modules.datetime.timedelta(days=back)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found | unique | sort) -}}
{%- endmacro %}

{#- All viewing days of these values of a mart's first grain column. -#}
{% macro days_of_periods(period, starts) -%}
    {%- set found = [] -%}
    {%- for start in starts -%}
        {%- for number in range({'week': 7, 'airing': var('airing_days') + 1}.get(period, 1)) -%}
            {%- do found.append(start + modules.datetime.timedelta(days=number)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found | unique | sort) -}}
{%- endmacro %}

{#- The days of the periods that a day is in, as rows: `lateral view explode(...)`. -#}
{% macro array_of_period_days(period, day) -%}
    {%- if period == 'week' -%}
        sequence({{ week_start(day) }}, date_add({{ week_start(day) }}, 6))
    {%- elif period == 'airing' -%}
        sequence(date_sub({{ day }}, {{ var('airing_days') }}), date_add({{ day }}, {{ var('airing_days') }}))
    {%- else -%}
        array({{ day }})
    {%- endif -%}
{%- endmacro %}
