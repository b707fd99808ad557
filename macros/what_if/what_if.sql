{#-
    The impact of a scenario on a mart: each figure that moves, before, after and by how much.
    The mart's own SQL runs twice over the viewing that decides the moved figures, with the
    published and with the shadow dimensions; the difference is added to the published figure.
    A moved denominator moves every figure under it, so those are read from the mart.
-#}
{% macro what_if(mart_name) -%}
    {%- set inputs = {'fct_viewing': ref('what_if_viewing')} -%}
    {%- set before = {} -%}
    {%- set after = {} -%}
    {%- for dimension in editable_dimensions() -%}
        {%- do before.update({dimension: in_world(dimension, 'before')}) -%}
        {%- do after.update({dimension: in_world(dimension, 'after')}) -%}
    {%- endfor -%}
    {%- set touched = ref('touched_keys') -%}
    {%- if not execute -%}{{- return('select 1') -}}{%- endif -%}
    {%- set mart = graph.nodes['model.' ~ project_name ~ '.' ~ mart_name] -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set is_touched = is_mart_touched(mart, touched) -%}
    {%- set days = run_query(
        'select distinct viewing_date from ' ~ ref('what_if_viewing')
    ).columns[0].values() | list if is_touched else [] -%}
    {#- Keys without viewing move nothing: no need to run the mart's SQL over no record. -#}
    {%- set is_touched = days | length > 0 -%}
    {%- set ratios = _ratios_of_sums(rules) -%}
    with before_figures as (

        {{ _world(mart_name, dict(inputs, **before), is_touched) }}

    ),

    after_figures as (

        {{ _world(mart_name, dict(inputs, **after), is_touched) }}

    ),

    published as (

        select * from {{ published_mart(mart) }} as mart
        where {{ 'true' if days else 'false' }} {{ and_on_days(days) if days }}

    ),

    signed as (

        {{ _signed_figures(rules, ratios) }}

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

{#- The mart's figures in a world; none when the mart reads nothing of what differs. -#}
{% macro _world(mart_name, inputs, is_touched) -%}
    {%- if is_touched -%}
        {{ render_over(mart_name, inputs) }}
    {%- else -%}
        select * from {{ _built_relation(mart_name) }} where false
    {%- endif -%}
{%- endmacro %}

{#- Ratios whose denominator is a sum over other figures, and so can move under a figure. -#}
{% macro _ratios_of_sums(rules) -%}
    {%- set found = {} -%}
    {%- for name, ratio in rules.get('ratios', {}).items() if ratio.within is defined -%}
        {%- do found.update({name: ratio}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- One row per figure and source: as published; minus what it was; plus what it would be. -#}
{% macro _signed_figures(rules, ratios) -%}
    {%- for world, sign in (('published', none), ('before_figures', '-'), ('after_figures', '+')) %}
    select
        {{ rules.grain | join(', ') }}
        {%- for measure in rules.measures %},
        {{ measure if sign is none else 'null' }} as before_{{ measure }},
        {{ 0 if sign is none else sign ~ measure }} as {{ measure }}_difference
        {%- endfor %}
        {%- for constant in rules.get('constants', []) %},
        {{ constant }}
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
        max({{ constant }}) as {{ constant }}
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
        {{ constant }}
        {%- endfor %}
        {%- for name in ratios %},
        {{ name }}_denominator_before as before_{{ name }}_denominator,
        coalesce({{ name }}_denominator_before, 0) + {{ name }}_denominator_difference
            as after_{{ name }}_denominator
        {%- endfor %}
    from with_denominators
    where
        {%- for measure in rules.measures %}
        {{ measure }}_difference != 0{{ " or" if not loop.last or ratios }}
        {%- endfor %}
        {%- for name in ratios %}
        {{ name }}_denominator_difference != 0{{ " or" if not loop.last }}
        {%- endfor %}
{%- endmacro %}
