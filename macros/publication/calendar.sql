{#-
    The publication calendar: figures of days that are published are held, each with the version that
    readers have. `foreview close-period` and `reopen-period` write it.
-#}
{% macro calendar_relation() -%}
    {{- return(landing_relation('publication_calendar')) -}}
{%- endmacro %}

{#- Whether any day of a mart is published; asked once a run. -#}
{% macro holds_figures(mart) -%}
    {%- if 'products_with_held_days' not in graph -%}
        {%- do graph.update({'products_with_held_days': run_query(
            'select distinct product from ' ~ calendar_relation() ~ ' where is_held'
        ).columns[0].values() | list}) -%}
    {%- endif -%}
    {{- return(mart.name in graph['products_with_held_days']) -}}
{%- endmacro %}

{#-
    Figures of a mart with `is_held`: whether readers keep what they have. The last entry about a market
    counts before the product's. Spans of a product and market never overlap, so no figure is doubled.
-#}
{% macro with_held(mart, query) -%}
    {%- set day = period_column(mart) -%}
    {%- set has_market = 'market_id' in mart.config.meta.mart.grain -%}
    {%- if not holds_figures(mart) -%}
        select figures.*, false as is_held
        from ({{ query }}) as figures
    {%- else -%}
        select
            figures.*,
            coalesce({{ "market.is_held, " if has_market }}product.is_held, false) as is_held
        from ({{ query }}) as figures
        left join {{ calendar_relation() }} as product
            on product.product = '{{ mart.name }}'
            and product.market = '*'
            and figures.{{ day }} between product.first_day and product.last_day
        {%- if has_market %}
        left join {{ calendar_relation() }} as market
            on market.product = '{{ mart.name }}'
            and market.market = figures.market_id
            and figures.{{ day }} between market.first_day and market.last_day
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The figures of a query over a mart's columns that are not held. -#}
{% macro not_held(mart, query) -%}
    {%- if not holds_figures(mart) -%}
        {{- query -}}
    {%- else -%}
        select {{ version_columns(mart) | join(', ') }}
        from ({{ with_held(mart, query) }}) as figures
        where not is_held
    {%- endif -%}
{%- endmacro %}
