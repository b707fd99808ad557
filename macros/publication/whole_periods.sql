{#-
    Whole periods of marts that a promotion computes anew from the promoted dimensions, as a build
    does, without any part in it of what is thought to be touched: of each mart some in which figures
    move and some in which none do (variable `whole_periods`), others for each scenario; where they have
    much viewing only some of them, of other marts each time (`whole_period_records`). Every figure of
    them must be as it would be published. A query of those that are not, as texts.
-#}
{% macro figures_unlike_whole_periods(scenario, paths) -%}
    {%- set impacts, found, parts = {}, [], [] -%}
    {%- for mart in versioned_marts() if var('whole_periods') -%}
        {%- set taken = paths.get(period_of(mart)) -%}
        {%- set impact = impact_relation(mart) if taken and mart.name in taken.marts else none -%}
        {%- do impacts.update({mart.name: impact}) -%}
        {%- for period in _whole_periods(mart, impact, scenario.publication) -%}
            {%- do found.append({
                'mart': mart.name,
                'period': period,
                'days': days_of_periods(period_of(mart), [period]),
                'order': local_md5(mart.name ~ period ~ scenario_name()),
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set chosen = periods_within(found, _records_by_day(found), var('whole_period_records')) -%}
    {%- for mart in versioned_marts() -%}
        {%- set periods = chosen | selectattr('mart', 'eq', mart.name) | map(attribute='period') | list -%}
        {%- if periods -%}
            {%- do parts.append(
                _unlike_whole_periods(mart, impacts[mart.name], scenario.publication, periods)
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- parts | join('\nunion all\n') if parts else "select '' as mart, '' as figure, '' as expected, "
        ~ "'' as recomputed where false" -}}
{%- endmacro %}

{#- Of periods in their order those whose viewing is so many records together; one in any case. -#}
{% macro periods_within(found, records_by_day, most) -%}
    {%- set left = namespace(records=most) -%}
    {%- set chosen = [] -%}
    {%- for one in found | sort(attribute='order') -%}
        {%- set records = namespace(all=0) -%}
        {%- for day in one.days -%}
            {%- set records.all = records.all + records_by_day.get(day, 0) -%}
        {%- endfor -%}
        {%- if records.all <= left.records or not chosen -%}
            {%- do chosen.append(one) -%}
            {%- set left.records = left.records - records.all -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(chosen) -}}
{%- endmacro %}

{% macro _records_by_day(found) -%}
    {%- if not found -%}{{- return({}) -}}{%- endif -%}
    {%- set days = found | sum(attribute='days', start=[]) | unique | list -%}
    {%- set query -%}
        select viewing_date, count(*) as records from {{ viewing_relation() }}
        where true {{ and_on_days(days) }}
        group by viewing_date
    {%- endset -%}
    {%- set counted = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- do counted.update({row['viewing_date']: row['records']}) -%}
    {%- endfor -%}
    {{- return(counted) -}}
{%- endmacro %}

{#- Which they are: by the hash of period and scenario, so that a resumed promotion takes the same. -#}
{% macro _whole_periods(mart, impact, publication) -%}
    {%- set period = period_column(mart) -%}
    {%- set chosen = "order by md5(concat(cast(period as string), '" ~ scenario_name() ~ "')) limit "
        ~ var('whole_periods') -%}
    {%- set moved = 'select distinct ' ~ period ~ ' as period from ' ~ impact ~ ' where not is_held' -%}
    {%- set others = 'select distinct ' ~ period ~ ' as period from ('
        ~ not_held(mart, 'select * from ' ~ published_mart(mart, publication) ~ ' as published')
        ~ ') as published' -%}
    {%- set query -%}
        {%- if impact %}
        (select period from ({{ moved }}) as moved {{ chosen }})
        union all
        {%- endif %}
        (
            select period from ({{ others }}) as others
            {{ "where period not in (" ~ moved ~ ")" if impact }}
            {{ chosen }}
        )
    {%- endset -%}
    {{- return(run_query(query).columns[0].values() | list) -}}
{%- endmacro %}

{% macro _unlike_whole_periods(mart, impact, publication, periods) -%}
    {%- set grain = mart.config.meta.mart.grain -%}
    {%- set columns = version_columns(mart) -%}
    {%- set values = columns | reject('in', grain) | list -%}
    {%- set on_periods = and_on_days(periods, period_column(mart)) -%}
    {%- set differing -%}
        select
            {%- for column in grain %}
            coalesce(expected.{{ column }}, recomputed.{{ column }}) as {{ column }},
            {%- endfor %}
            {%- for side in ('expected', 'recomputed') %}
            to_json(struct(
                {%- for column in values -%}
                    {{ side }}.{{ column }}{{ ", " if not loop.last }}
                {%- endfor -%}
            )) as {{ side }}{{ "," if not loop.last }}
            {%- endfor %}
        from (
            select {{ columns | join(', ') }}
            from {{ published_mart(mart, publication) }} as published
            where true {{ on_periods }}
                {%- if impact %}
                and not exists (
                    select 1 from {{ impact }} as moved
                    where not moved.is_held and {{ same_figure(mart, 'moved', 'published') }}
                )
            union all
            select {{ columns | join(', ') }}
            from ({{ _opened_by(mart, impact, publication['number'] + 1) }}) as opened
            where true {{ on_periods }}
                {%- endif %}
        ) as expected
        full outer join (
            {{ figures_with_denominators(mart, _over_periods(mart, periods), periods) }}
        ) as recomputed on {{ same_figure(mart, 'expected', 'recomputed') }}
        where expected.{{ grain[0] }} is null
            or recomputed.{{ grain[0] }} is null
            {%- for column in values %}
            {#- What an earlier version published as null is 0. -#}
            {%- set is_sum = column not in mart.config.meta.mart.get('constants', []) %}
            or not (
                {{ sum_or_zero('expected.' ~ column) if is_sum else 'expected.' ~ column }}
                <=> {{ sum_or_zero('recomputed.' ~ column) if is_sum else 'recomputed.' ~ column }}
            )
            {%- endfor %}
    {%- endset %}
    select
        '{{ mart.name }}' as mart,
        concat_ws(', ', {% for column in grain %}cast({{ column }} as string){{ ", " if not loop.last }}{% endfor %})
            as figure,
        expected,
        recomputed
    from ({{ with_held(mart, differing) }}) as differing
    where not is_held
{%- endmacro %}
