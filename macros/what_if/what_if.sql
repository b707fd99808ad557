{#-
    The impact of a scenario on a mart, from its `moved_figures`: each figure that moves, before, after
    and by how much. The difference is added to the published figure. A moved denominator moves every
    figure under it, so those are read from the mart. A figure moves through a touched record, so that
    few of these move few figures.
-#}
{% macro what_if(mart, scenario, taken, moved) -%}
    {%- set rules = mart.config.meta.mart -%}
    {#- An illustration has no published figures: the before-world is what is subtracted. -#}
    {%- set is_illustration = run_var('illustrate').day is not none -%}
    {%- set ratios = {} if is_illustration else _ratios_of_sums(rules) -%}
    with moved as (

        select * from {{ moved }}

    ),

    published as (

        {{ _before_figures(rules) if is_illustration else _published_figures(mart, scenario, taken) }}

    ),

    moved_as_published as (

        select {{ broadcast_hint('moved', taken.touched_records) }} published.*
        from published
        left semi join moved on {{ same_figure(mart, 'published', 'moved') }}

    ),

    {% for name, ratio in ratios.items() -%}
    {{ name }}_moves as (

        select
            {{ ratio.within | join(', ') }},
            sum({{ ratio.numerator }}_difference) as difference
        from moved
        group by {{ ratio.within | join(', ') }}

    ),

    {{ name }}_denominators as (

        select {{ broadcast_hint('moved', taken.touched_records) if ratios | length == 1 }}
            {{ ratio.within | join(', ') }},
            max(published.{{ name }}_denominator) as before_denominator
        from published
        {%- if ratios | length == 1 %}{# with several, a figure is here for another one's sum too #}
        left semi join {{ name }}_moves as moved on {{ same_columns(ratio.within, 'published', 'moved') }}
        {%- endif %}
        group by {{ ratio.within | join(', ') }}

    ),

    {% endfor -%}
    figures as (

        {{ _figures_before_and_after(mart, rules, ratios, taken) }}

    )

    {{ _impact_rows(rules, ratios) }}
{%- endmacro %}

{#-
    The figures of a mart that differ between the worlds, with the difference. The mart's own SQL runs
    twice over the viewing that decides them, with the published and with the shadow dimensions. On the
    full path it runs once over all viewing of the periods, and the published figures are the other
    world, unless some of them are held. A table of its own, since what follows reads it several times.
-#}
{% macro moved_figures(mart, scenario, taken) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set is_full = taken.path == 'full' -%}
    {%- set periods = periods_of_days(period_of(mart), taken.days) -%}
    {%- set viewing = _all_viewing(mart, periods) if is_full
        else ref(what_if_viewing_name(taken.viewing_of)) -%}
    {%- set devices = none if is_full else ref('what_if_device') -%}
    with before_figures as (

        {#- Held figures are not those of today's dimensions: then both worlds are computed. -#}
        {% if is_full and not holds_figures(mart) -%}
        {{ _published_figures(mart, scenario, taken) }}
        {%- else -%}
        select * from (
            {{ _mart_in_world(mart, 'before', scenario, viewing, devices) }}
        ) as figures
        where true {{ and_on_days(periods if is_full else none, period_column(mart)) }}
        {%- endif %}

    ),

    after_figures as (

        select * from (
            {{ _mart_in_world(mart, 'after', scenario, viewing, devices) }}
        ) as figures
        where true {{ and_on_days(periods if is_full else none, period_column(mart)) }}

    )

    {{ _signed_and_summed(rules) }}
{%- endmacro %}

{% macro _published_figures(mart, scenario, taken) -%}
    select mart.*
    from {{ published_mart(mart, scenario.publication) }} as mart
    where true {{ and_on_days(
        periods_of_days(period_of(mart), taken.days), 'mart.' ~ period_column(mart)
    ) }}
{%- endmacro %}

{#- The moved figures as the before-world alone has them. -#}
{% macro _before_figures(rules) -%}
    select
        {%- for column in rules.grain + rules.get('constants', []) %}
        {{ 'before_' if column not in rules.grain }}{{ column }} as {{ column }},
        {%- endfor %}
        {%- for measure in rules.measures %}
        before_{{ measure }} as {{ measure }}{{ "," if not loop.last }}
        {%- endfor %}
    from moved
    where before_records is not null
{%- endmacro %}

{% macro _all_viewing(mart, periods) -%}
    (
        select * from {{ _built_relation('fct_viewing') }}
        where true {{ and_on_days(days_of_periods(period_of(mart), periods)) }}
    )
{%- endmacro %}

{#- The mart's own SQL over some viewing and, where it only joins them, that viewing's devices. -#}
{% macro _mart_in_world(mart, world, scenario, viewing, devices) -%}
    {%- set inputs = {'fct_viewing': viewing} -%}
    {%- if devices and _aliases(mart_sql(mart), 'device') and not steps_apart(mart_sql(mart), ['device']) -%}
        {%- do inputs.update({'dim_device': devices}) -%}
    {%- endif -%}
    {%- for name in mart_reads(mart) -%}
        {%- do inputs.update({'dim_' ~ name: in_world(name, world, scenario)}) -%}
    {%- endfor -%}
    {{- render_over(mart.name, inputs) -}}
{%- endmacro %}

{#- Ratios whose denominator is a sum over other figures, and so can move under a figure. -#}
{% macro _ratios_of_sums(rules) -%}
    {%- set found = {} -%}
    {%- for name, ratio in rules.get('ratios', {}).items() if ratio.within is defined -%}
        {%- do found.update({name: ratio}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- Minus what figures were, plus what they would be. -#}
{% macro _signed_and_summed(rules) -%}
    {%- set constants = rules.get('constants', []) -%}
    select
        {{ rules.grain | join(', ') }}
        {%- for measure in rules.measures %},
        max(before_{{ measure }}) as before_{{ measure }},
        sum({{ measure }}_difference) as {{ measure }}_difference
        {%- endfor %}
        {%- for constant in constants %},
        max(before_{{ constant }}) as before_{{ constant }},
        max(after_{{ constant }}) as after_{{ constant }}
        {%- endfor %}
    from (
        {%- for world in ('before', 'after') %}
        select
            {{ rules.grain | join(', ') }}
            {%- for measure in rules.measures %},
            {{ sum_or_zero(measure) if world == 'before' else 'null' }} as before_{{ measure }},
            {{ '-' if world == 'before' }}{{ sum_or_zero(measure) }} as {{ measure }}_difference
            {%- endfor %}
            {%- for constant in constants %},
            {{ constant if world == 'before' else 'null' }} as before_{{ constant }},
            {{ constant if world == 'after' else 'null' }} as after_{{ constant }}
            {%- endfor %}
        from {{ world }}_figures
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ) as signed
    group by {{ rules.grain | join(', ') }}
    having false
        {%- for measure in rules.measures %}
        or sum({{ measure }}_difference) != 0
        {%- endfor %}
        {%- for constant in constants %}
        or max(before_{{ constant }}) != max(after_{{ constant }})
        {%- endfor %}
{%- endmacro %}

{#- The moved figures, and those that only a denominator moves, beside what is published. -#}
{% macro _figures_before_and_after(mart, rules, ratios, taken) -%}
    {%- set constants = rules.get('constants', []) -%}
    select
        {%- for column in rules.grain %}
        moved.{{ column }},
        {%- endfor %}
        {%- for measure in rules.measures %}
        moved.{{ measure }}_difference,
        moved_as_published.{{ measure }} as before_{{ measure }}{{ "," if not loop.last or constants }}
        {%- endfor %}
        {%- for constant in constants %}
        coalesce(moved.before_{{ constant }}, moved_as_published.{{ constant }}) as before_{{ constant }},
        coalesce(
            moved.after_{{ constant }}, moved.before_{{ constant }}, moved_as_published.{{ constant }}
        ) as after_{{ constant }}{{ "," if not loop.last }}
        {%- endfor %}
    from moved
    left join moved_as_published on {{ same_figure(mart, 'moved', 'moved_as_published') }}
    {%- for name, ratio in ratios.items() %}
    union
    select {{ broadcast_hint('moves, moved', taken.touched_records) }}
        {%- for column in rules.grain %}
        published.{{ column }},
        {%- endfor %}
        {%- for measure in rules.measures %}
        0 as {{ measure }}_difference,
        published.{{ measure }} as before_{{ measure }}{{ "," if not loop.last or constants }}
        {%- endfor %}
        {%- for constant in constants %}
        published.{{ constant }} as before_{{ constant }},
        published.{{ constant }} as after_{{ constant }}{{ "," if not loop.last }}
        {%- endfor %}
    from published
    left semi join (select * from {{ name }}_moves where difference != 0) as moves
        on {{ same_columns(ratio.within, 'published', 'moves') }}
    left anti join moved on {{ same_figure(mart, 'published', 'moved') }}
    {%- endfor %}
{%- endmacro %}

{% macro _impact_rows(rules, ratios) -%}
    select
        {%- for column in rules.grain %}
        figures.{{ column }},
        {%- endfor %}
        case
            when figures.before_records is null then 'added'
            when figures.before_records + figures.records_difference = 0 then 'removed'
            else 'modified'
        end as change
        {%- for measure in rules.measures %},
        figures.before_{{ measure }},
        figures.{{ measure }}_difference,
        coalesce(figures.before_{{ measure }}, 0) + figures.{{ measure }}_difference as after_{{ measure }}
        {%- endfor %}
        {%- for constant in rules.get('constants', []) %},
        figures.before_{{ constant }},
        figures.after_{{ constant }}
        {%- endfor %}
        {%- for name in ratios %},
        {{ name }}_denominators.before_denominator as before_{{ name }}_denominator,
        coalesce({{ name }}_denominators.before_denominator, 0)
            + coalesce({{ name }}_moves.difference, 0)
            as after_{{ name }}_denominator
        {%- endfor %}
    from figures
    {%- for name, ratio in ratios.items() %}
    left join {{ name }}_moves on {{ same_columns(ratio.within, 'figures', name ~ '_moves') }}
    left join {{ name }}_denominators on {{ same_columns(ratio.within, 'figures', name ~ '_denominators') }}
    {%- endfor %}
{%- endmacro %}
