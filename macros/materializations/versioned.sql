{#-
    A mart that keeps its versions. Brings the figures up to the newest load and dimensions as the
    next publication; the run's end publishes it (macro `publish_after_build`).
-#}
{% materialization versioned, default %}
    {%- set versions = versions_relation(model) -%}
    {%- set newest = newest_publication() -%}
    {%- set number = (newest['number'] if newest else 0) + 1 -%}
    {%- set exists = adapter.get_relation(
        (target.database or none), versions.schema, versions.identifier
    ) is not none -%}
    {%- set next = versions.incorporate(path={'identifier': model.alias ~ '__next'}) -%}

    {{ run_hooks(pre_hooks) }}

    {%- if exists -%}
        {%- do undo_unpublished(versions, number - 1) -%}
        {%- set periods = periods_to_recompute(model, newest) -%}
    {%- else -%}
        {%- set periods = [] -%}
        {%- call statement('create_versions') -%}
            create table {{ versions }} {{ in_table_format() }}
            partitioned by ({{ period_column(model) }})
            as
            select *, {{ number }} as published_from, cast(null as int) as published_to
            from ({{ figures_with_denominators(model, sql) }}) as figures
        {%- endcall -%}
    {%- endif -%}

    {%- if periods is none or periods | length > 0 -%}
        {%- call statement('recompute') -%}
            create or replace table {{ next }} {{ in_table_format() }} as
            {{ figures_with_denominators(
                model, sql if periods is none else _over_periods(model, periods), periods
            ) }}
        {%- endcall -%}
        {%- if periods is none -%}{#- as after another declaration -#}
            {%- do match_version_columns(model, versions, next) -%}
        {%- endif -%}
        {%- do mark_versions(model, versions, next, number, periods) -%}
        {%- do adapter.drop_relation(next) -%}
    {%- endif -%}
    {%- call noop_statement('main', 'OK', 'OK') -%}
        {{ sql }}
    {%- endcall -%}
    {%- do put_view(this, mart_versions_where(model, 'published_to is null')) -%}

    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}

{#- The mart's SQL over the viewing of some periods only: literal days, so that files are skipped. -#}
{% macro _over_periods(mart, periods) -%}
    {%- set viewing -%}
        (
            select * from {{ viewing_relation() }}
            where true {{ and_on_days(days_of_periods(period_of(mart), periods)) }}
        )
    {%- endset -%}
    {{- return(render_over(mart.name, {'fct_viewing': viewing})) -}}
{%- endmacro %}

{#- Periods whose figures may differ from the newest publication's: a list, or none for all. -#}
{% macro periods_to_recompute(mart, newest) -%}
    {%- if newest is none or mart.name ~ '=' ~ mart_definition(mart) not in newest['definitions']
        or dimensions_changed_since(newest) or _rows_came_to_hold_since(mart, newest) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set days = days_loaded_since(newest) -%}
    {%- if days is none -%}{{- return(none) -}}{%- endif -%}
    {{- return((periods_of_days(period_of(mart), days) + _reopened_periods(mart)) | unique | list) -}}
{%- endmacro %}

{#- The periods of a mart that were reopened: held figures may have fallen behind in them. -#}
{% macro _reopened_periods(mart) -%}
    {%- set found = [] -%}
    {%- for day in run_var('reopened', {}).get(mart.name, []) -%}
        {%- set date = modules.datetime.date.fromisoformat(day) -%}
        {%- if period_of(mart) != 'week' or date.weekday() == 0 -%}
            {%- do found.append(date) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#-
    Whether a row of a dimension that the mart reads as it is now has begun since the newest
    publication: newer viewing then makes it the last one of its key, on all days.
-#}
{% macro _rows_came_to_hold_since(mart, newest) -%}
    {%- for name in latest_read(mart) -%}
        {%- set query -%}
            select 1 from {{ _built_relation('dim_' ~ recorded_dimension(name)) }}
            where valid_from > {{ day_literal(newest['last_day']) if newest['last_day'] else 'null' }}
                and valid_from <= {{ last_viewing_day() }}
            limit 1
        {%- endset -%}
        {%- if run_query(query).rows -%}{{- return(true) -}}{%- endif -%}
    {%- endfor -%}
    {{- return(false) -}}
{%- endmacro %}
