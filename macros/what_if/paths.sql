{#-
    Which way the marts of each period are computed, and why. `touched`: their SQL runs in both worlds
    over the viewing of the affected households. `full`: it runs once, in the after-world, over all
    viewing of the periods, and is compared with the published figures. Both are exact. The first
    reads less, but finds the households and computes twice; where the touched share of the records
    is `full_path_share` or more, the second was measured to be faster (docs/benchmarks.md). One row
    per period with a touched mart.
-#}
{% macro what_if_paths() -%}
    {%- set keys = ref('touched_keys') -%}
    {%- for period in periods() -%}{%- do ref(touched_viewing_name(period)) -%}{%- endfor -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    {%- set marts = touched_marts(keys) -%}
    {%- for period in periods() if marts_of_period(marts, period) -%}
        {%- set touched = run_query(
            'select viewing_date, count(*) as records from ' ~ ref(touched_viewing_name(period))
            ~ ' group by viewing_date'
        ).rows -%}
        {%- if touched -%}
            {{ _path(period, touched | map(attribute='viewing_date') | list, touched | sum(attribute='records')) }}
            union all
        {% endif -%}
    {% endfor %}
    select
        '' as period,
        '' as path,
        cast(0 as bigint) as touched_records,
        cast(0 as bigint) as records,
        '' as days
    where false
{%- endmacro %}

{% macro _path(period, days, touched_records) -%}
    {%- set all_days = days_of_periods(period, periods_of_days(period, days)) -%}
    {%- set records = run_query(
        'select count(*) from ' ~ _built_relation('fct_viewing')
        ~ ' where true ' ~ and_on_days(all_days)
    ).rows[0][0] -%}
    {%- set is_full = touched_records >= var('full_path_share') * records
        if var('what_if_path') == 'auto' else var('what_if_path') == 'full' -%}
    select
        '{{ period }}' as period,
        '{{ "full" if is_full else "touched" }}' as path,
        cast({{ touched_records }} as bigint) as touched_records,
        cast({{ records }} as bigint) as records,
        '{{ days | sort | join(",") }}' as days
{%- endmacro %}

{#- Of each period with touched viewing of some mart: its `path`, and its touched `days`. -#}
{% macro paths_taken() -%}
    {%- set found = {} -%}
    {%- for row in run_query('select period, path, days from ' ~ ref('what_if_paths')).rows -%}
        {%- do found.update(
            {row['period']: {'path': row['path'], 'days': row['days'].split(',')}}
        ) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro marts_of_period(marts, period) -%}
    {%- set found = [] -%}
    {%- for mart in marts if period_of(mart) == period -%}{%- do found.append(mart) -%}{%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}
