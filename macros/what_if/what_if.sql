{#-
    The impact of a scenario on a mart: each figure that moves, before, after and by how much.
    The mart's own SQL runs twice over the viewing that decides the moved figures, with the
    published and with the shadow dimensions; the difference is added to the published figure.
    A moved denominator moves every figure under it, so those are read from the mart. On the full
    path it runs once over all viewing of the periods, and the published figures are the other world.
-#}
{% macro what_if(mart, scenario, taken) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set is_full = taken.path == 'full' -%}
    {%- set periods = periods_of_days(period_of(mart), taken.days) -%}
    {#- An illustration has no published figures: the before-world is what is subtracted. -#}
    {%- set is_illustration = var('illustrate').day is not none -%}
    {%- set ratios = {} if is_illustration else _ratios_of_sums(rules) -%}
    {%- set viewing = _all_viewing(mart, periods) if is_full
        else ref(what_if_viewing_name(taken.viewing_of)) -%}
    {%- set devices = none if is_full else ref('what_if_device') -%}
    with
    {%- if not is_full %}
    before_figures as (

        {{ _mart_in_world(mart, 'before', scenario, viewing, devices) }}

    ),
    {%- endif %}

    after_figures as (

        select * from (
            {{ _mart_in_world(mart, 'after', scenario, viewing, devices) }}
        ) as figures
        {%- if is_full %}
        where true {{ and_on_days(periods, period_column(mart)) }}
        {%- endif %}

    ),

    published as (
        {% if is_illustration %}
        select * from before_figures
        {%- else %}
        select mart.*
        from {{ published_mart(mart, scenario.publication) }} as mart
        {%- if not ratios and not is_full %}
        left semi join (
            select {{ rules.grain | join(', ') }} from before_figures
            union all
            select {{ rules.grain | join(', ') }} from after_figures
        ) as moved
            on {{ same_figure(mart, 'mart', 'moved') }}
        {%- endif %}
        where true {{ and_on_days(periods, 'mart.' ~ period_column(mart)) }}
        {%- endif %}

    ),

    signed as (

        {{ _signed_figures(rules, ratios, is_full or is_illustration) }}

    ),

    figures as (

        {{ _summed_figures(rules, ratios) }}

    ),

    with_denominators as (

        select
            figures.*
            {%- for name, ratio in ratios.items() %},
            sum({{ ratio.numerator }}_difference) over (
                partition by {{ ratio.within | join(', ') }}
            ) as {{ name }}_denominator_difference,
            max(before_{{ name }}_denominator) over (
                partition by {{ ratio.within | join(', ') }}
            ) as {{ name }}_denominator_before
            {%- endfor %}
        from figures

    )

    {{ _impact_rows(rules, ratios) }}
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
    {%- if devices and _aliases(mart.raw_code, 'device') -%}
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

{#-
    One row per figure and source: as published; minus what it was; plus what it would be. On the
    full path what it was is what is published.
-#}
{% macro _signed_figures(rules, ratios, is_full) -%}
    {%- set sources = [('published', none), ('before_figures', '-'), ('after_figures', '+')] -%}
    {%- for world, sign in sources if not is_full or world != 'before_figures' %}
    select
        {{ rules.grain | join(', ') }}
        {%- for measure in rules.measures %},
        {{ measure if sign is none else 'null' }} as before_{{ measure }},
        {{ ('-' ~ measure if is_full else 0) if sign is none else sign ~ measure }}
            as {{ measure }}_difference
        {%- endfor %}
        {%- for constant in rules.get('constants', []) %},
        {{ constant if world != 'after_figures' else 'null' }} as before_{{ constant }},
        {{ constant if world == 'after_figures' else 'null' }} as after_{{ constant }}
        {%- endfor %}
        {%- for name in ratios %},
        {{ name ~ '_denominator' if sign is none else 'null' }} as before_{{ name }}_denominator
        {%- endfor %}
    from {{ world }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro _summed_figures(rules, ratios) -%}
    select
        {{ rules.grain | join(', ') }}
        {%- for measure in rules.measures %},
        max(before_{{ measure }}) as before_{{ measure }},
        sum({{ measure }}_difference) as {{ measure }}_difference
        {%- endfor %}
        {%- for constant in rules.get('constants', []) %},
        max(before_{{ constant }}) as before_{{ constant }},
        coalesce(max(after_{{ constant }}), max(before_{{ constant }})) as after_{{ constant }}
        {%- endfor %}
        {%- for name in ratios %},
        max(before_{{ name }}_denominator) as before_{{ name }}_denominator
        {%- endfor %}
    from signed
    group by {{ rules.grain | join(', ') }}
{%- endmacro %}

{% macro _impact_rows(rules, ratios) -%}
    select
        {{ rules.grain | join(', ') }},
        case
            when before_records is null then 'added'
            when before_records + records_difference = 0 then 'removed'
            else 'modified'
        end as change
        {%- for measure in rules.measures %},
        before_{{ measure }},
        {{ measure }}_difference,
        coalesce(before_{{ measure }}, 0) + {{ measure }}_difference as after_{{ measure }}
        {%- endfor %}
        {%- for constant in rules.get('constants', []) %},
        before_{{ constant }},
        after_{{ constant }}
        {%- endfor %}
        {%- for name in ratios %},
        {{ name }}_denominator_before as before_{{ name }}_denominator,
        coalesce({{ name }}_denominator_before, 0) + {{ name }}_denominator_difference
            as after_{{ name }}_denominator
        {%- endfor %}
    from with_denominators
    where false
        {%- for measure in rules.measures %}
        or {{ measure }}_difference != 0
        {%- endfor %}
        {%- for constant in rules.get('constants', []) %}
        or before_{{ constant }} != after_{{ constant }}
        {%- endfor %}
        {%- for name in ratios %}
        or {{ name }}_denominator_difference != 0
        {%- endfor %}
{%- endmacro %}
