{#-
    Figures that gain or lose a place among those that they are compared with: those alike in the
    columns `ranks_within` of their mart, by its first measure over records, equals sharing a place.
    Also figures that do not move themselves. Only changes that touch the first `most_ranks` places.
    Figures above all that move keep their places, so they are only counted.
-#}
{% macro rank_changes(mart, scenario, impact, taken) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set measure = main_measure(rules) -%}
    {%- set within = rules.ranks_within | join(', ') -%}
    {%- set periods = periods_of_days(period_of(mart), taken.days) -%}
    with moved as (

        select
            {{ within }},
            max(greatest(before_{{ measure }}, after_{{ measure }})) as highest
        from {{ impact }}
        where {{ measure }}_difference != 0 or change != 'modified'
        group by {{ within }}

    ),

    compared as (

        select {{ broadcast_hint('moved', taken.touched_records) }}
            figure.*,
            figure.{{ measure }} > moved.highest as is_above
        from {{ published_mart(mart, scenario.publication) }} as figure
        inner join moved on {{ same_columns(rules.ranks_within, 'figure', 'moved') }}
        where true {{ and_on_days(periods, 'figure.' ~ period_column(mart)) }}

    ),

    {#- Those above become one row with their number, before anything is sorted. -#}
    counted as (

        select
            {%- for column in rules.grain %}
            {{ column if column in rules.ranks_within
                else 'case when not is_above then ' ~ column ~ ' end as ' ~ column }},
            {%- endfor %}
            is_above,
            count(*) as figures,
            max(case when not is_above then {{ measure }} end) as before_value
        from compared
        group by
            {%- for column in rules.grain %}
            {{ column if column in rules.ranks_within
                else 'case when not is_above then ' ~ column ~ ' end' }},
            {%- endfor %}
            is_above

    ),

    both_values as (

        select {{ broadcast_hint('impact', taken.touched_records) }}
            counted.*,
            case
                when impact.change is null then counted.before_value
                when impact.change != 'removed' then impact.after_{{ measure }}
            end as after_value
        from counted
        left join {{ impact }} as impact
            on {{ same_figure(mart, 'counted', 'impact') }} and not counted.is_above
        union all
        select
            {{ rules.grain | join(', ') }},
            false as is_above,
            cast(1 as bigint) as figures,
            cast(null as bigint) as before_value,
            after_{{ measure }} as after_value
        from {{ impact }}
        where change = 'added'

    ),

    below as (

        select
            both_values.*,
            coalesce(max(case when is_above then figures end) over (partition by {{ within }}), 0)
                as above
        from both_values

    ),

    ranked as (

        select
            below.*
            {%- for side in ('before', 'after') %},
            case
                when {{ side }}_value is not null
                    then cast(above + rank() over (
                        partition by {{ within }}
                        order by {{ side }}_value desc nulls last
                    ) as int)
            end as rank_{{ side }}
            {%- endfor %}
        from below
        where not is_above and above < {{ var('most_ranks') }}

    )

    select
        '{{ mart.name }}' as mart,
        array(
            {%- for column in rules.grain -%}
                cast({{ column }} as {{ dbt.type_string() }}){{ ", " if not loop.last }}
            {%- endfor -%}
        ) as grain,
        rank_before,
        rank_after
    from ranked
    where not (rank_before <=> rank_after)
        and least(rank_before, rank_after) <= {{ var('most_ranks') }}
{%- endmacro %}

{#- The measure that figures are ranked by. -#}
{% macro main_measure(rules) -%}
    {%- for name, measure in rules.measures.items() if measure.over == 'records' -%}
        {{- return(name) -}}
    {%- endfor -%}
{%- endmacro %}

{#- The places that figures of all marts gain or lose, as a query. -#}
{% macro all_rank_changes(queries) -%}
    {%- for query in queries %}
    select * from (
        {{ query }}
    ) as changes
    union all
    {% endfor %}
    select
        '' as mart,
        array('') as grain,
        cast(null as int) as rank_before,
        cast(null as int) as rank_after
    where false
{%- endmacro %}
