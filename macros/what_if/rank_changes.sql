{#-
    Figures that gain or lose a place among those that they are compared with: those alike in the
    columns `ranks_within` of their mart, by its first measure over records, equals sharing a place.
    Also figures that do not move themselves. Only changes that touch the first `most_ranks` places.
-#}
{% macro rank_changes(mart, scenario, impact, periods) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set measure = main_measure(rules) -%}
    {%- set within = rules.ranks_within | join(', ') -%}
    {%- set group_moves -%}
        left semi join (select distinct {{ within }} from {{ impact }}) as moved
            on
            {%- for column in rules.ranks_within %}
            {{ "and " if not loop.first }}figure.{{ column }} = moved.{{ column }}
            {%- endfor %}
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
        select
            {{ rules.grain | join(', ') }}
            {%- for side in ('before', 'after') %},
            case
                when {{ side }}_value is not null
                    then rank() over (
                        partition by {{ within }}
                        order by {{ side }}_value desc nulls last
                    )
            end as rank_{{ side }}
            {%- endfor %}
        from (
            select
                {%- for column in rules.grain %}
                coalesce(mart.{{ column }}, impact.{{ column }}) as {{ column }},
                {%- endfor %}
                mart.{{ measure }} as before_value,
                case
                    when impact.change = 'removed' then null
                    when impact.change is null then mart.{{ measure }}
                    else impact.after_{{ measure }}
                end as after_value
            from (
                select figure.*
                from {{ published_mart(mart, scenario.publication) }} as figure
                {{ group_moves }}
                where true {{ and_on_days(periods, 'figure.' ~ period_column(mart)) }}
            ) as mart
            full outer join {{ impact }} as impact
                on {{ same_figure(mart, 'mart', 'impact') }}
        ) as both_sides
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
