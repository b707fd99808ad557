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
    {%- set beside_moved -%}
        select {{ broadcast_hint('moved', taken.touched_records) }}
            figure.*,
            figure.{{ measure }} > moved.highest as is_above
        from {{ published_mart(mart, scenario.publication) }} as figure
        inner join (
            select
                {{ within }},
                max(greatest(before_{{ measure }}, after_{{ measure }})) as highest
            from {{ impact }}
            where {{ measure }}_difference != 0 or change != 'modified'
            group by {{ within }}
        ) as moved
            on {{ same_columns(rules.ranks_within, 'figure', 'moved') }}
        where true {{ and_on_days(periods, 'figure.' ~ period_column(mart)) }}
    {%- endset -%}
    select
        '{{ mart.name }}' as mart,
        array(
            {%- for column in rules.grain -%}
                cast({{ column }} as {{ dbt.type_string() }}){{ ", " if not loop.last }}
            {%- endfor -%}
        ) as grain,
        rank_before,
        rank_after
    from (
        select {{ broadcast_hint('above', taken.touched_records) }}
            {%- for column in rules.grain %}
            figures.{{ column }},
            {%- endfor %}
            {%- for side in ('before', 'after') %}
            case
                when {{ side }}_value is not null
                    then cast(coalesce(above.figures, 0) + rank() over (
                        partition by
                            {%- for column in rules.ranks_within %}
                            figures.{{ column }}{{ "," if not loop.last }}
                            {%- endfor %}
                        order by {{ side }}_value desc nulls last
                    ) as int)
            end as rank_{{ side }}{{ "," if not loop.last }}
            {%- endfor %}
        from (
            select {{ broadcast_hint('impact', taken.touched_records) }}
                {%- for column in rules.grain %}
                beside.{{ column }},
                {%- endfor %}
                beside.{{ measure }} as before_value,
                case
                    when impact.change = 'removed' then null
                    when impact.change is null then beside.{{ measure }}
                    else impact.after_{{ measure }}
                end as after_value
            from ({{ beside_moved }}) as beside
            left join {{ impact }} as impact on {{ same_figure(mart, 'beside', 'impact') }}
            where not beside.is_above
            union all
            select
                {{ rules.grain | join(', ') }},
                cast(null as bigint) as before_value,
                after_{{ measure }} as after_value
            from {{ impact }}
            where change = 'added'
        ) as figures
        left join (
            select
                {{ within }},
                count(*) as figures
            from ({{ beside_moved }}) as beside
            where is_above
            group by {{ within }}
        ) as above
            on {{ same_columns(rules.ranks_within, 'figures', 'above') }}
        where coalesce(above.figures, 0) < {{ var('most_ranks') }}
    ) as ranked
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
    {{ query }}
    union all
    {% endfor %}
    select
        '' as mart,
        array('') as grain,
        cast(null as int) as rank_before,
        cast(null as int) as rank_after
    where false
{%- endmacro %}
