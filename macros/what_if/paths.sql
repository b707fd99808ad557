{#-
    Which marts move, which way they are computed, and why. `touched`: their SQL runs in both worlds
    over the viewing of the affected households. `full`: it runs once, in the after-world, over all
    viewing of the periods, and is compared with the published figures. Both are exact. The first
    reads less, but finds the households and computes twice; where the touched share of the records
    is `full_path_share` or more, the second was measured to be faster (docs/benchmarks.md). One row
    per period with a moved mart.
-#}
{% macro what_if_paths() -%}
    {%- set keys = ref('touched_keys') -%}
    {%- do depend_on_both_worlds() -%}
    {%- for period in periods() -%}{%- do ref(touched_viewing_name(period)) -%}{%- endfor -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    {%- set marts = moved_marts(keys) -%}
    {%- set found = {} -%}
    {%- for period in periods() if marts_of_period(marts, period) -%}
        {%- set touched = run_query(
            'select viewing_date, count(*) as records from ' ~ ref(touched_viewing_name(period))
            ~ ' group by viewing_date order by viewing_date'
        ).rows -%}
        {%- if touched -%}
            {%- set days = touched | map(attribute='viewing_date') | list -%}
            {%- do found.update({period: {
                'touched_records': touched | sum(attribute='records'),
                'records': _records_of(period, days),
                'days': days | join(','),
                'marts': marts_of_period(marts, period) | map(attribute='name') | join(','),
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for period, told in found.items() %}
    {%- set is_full = told.touched_records >= var('full_path_share') * told.records
        if run_var('what_if_path') == 'auto' else run_var('what_if_path') == 'full' %}
    select
        '{{ period }}' as period,
        '{{ "full" if is_full else "touched" }}' as path,
        cast({{ told.touched_records }} as bigint) as touched_records,
        cast({{ told.records }} as bigint) as records,
        '{{ told.days }}' as days,
        '{{ told.marts }}' as marts,
        '{{ _viewing_of(period, found) }}' as viewing_of
    union all
    {%- endfor %}
    select
        '' as period,
        '' as path,
        cast(0 as bigint) as touched_records,
        cast(0 as bigint) as records,
        '' as days,
        '' as marts,
        '' as viewing_of
    where false
{%- endmacro %}

{#- How many records the periods with these days have. -#}
{% macro _records_of(period, days) -%}
    {%- set all_days = days_of_periods(period, periods_of_days(period, days)) -%}
    {%- set query -%}
        select count(*) from {{ _built_relation('fct_viewing') }}
        where true {{ and_on_days(all_days) }}
    {%- endset -%}
    {{- return(run_query(query).rows[0][0]) -}}
{%- endmacro %}

{#-
    The period whose viewing of affected households serves this one too: of which a longer one's is
    a part that touches as many records and reads as many. As it is now an edit touches what it
    touches otherwise, and more.
-#}
{% macro _viewing_of(period, found) -%}
    {%- set told = found[period] -%}
    {%- for longer in {'day': ['week', 'airing'], 'now': ['week', 'airing', 'day']}.get(period, [])
        if longer in found and found[longer].records == told.records
        and found[longer].touched_records == told.touched_records -%}
        {{- return(longer) -}}
    {%- endfor -%}
    {{- return(period) -}}
{%- endmacro %}

{#-
    Of each period with touched viewing of a mart that moves: its `path`, the number of its
    `touched_records` and their `days`, the names of its `marts`, and the period whose viewing it
    shares, `viewing_of`.
-#}
{% macro paths_taken() -%}
    {%- set found = {} -%}
    {%- for row in run_query('select * from ' ~ ref('what_if_paths')).rows -%}
        {%- do found.update({row['period']: {
            'path': row['path'],
            'days': row['days'].split(','),
            'marts': row['marts'].split(','),
            'viewing_of': row['viewing_of'],
            'touched_records': row['touched_records'],
        }}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro marts_of_period(marts, period) -%}
    {%- set found = [] -%}
    {%- for mart in marts if period_of(mart) == period -%}{%- do found.append(mart) -%}{%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}
