{#-
    Publishes a promotion: marks the versions of the figures in each `impact_*` table, and inserts
    the publication's row. Can be run again: marks that were never published are taken back first.
-#}
{% macro publish_promotion(release, number) -%}
    {%- set marts = versioned_marts() -%}
    {%- set newest = newest_publication() -%}
    {%- if newest['number'] >= number -%}
        {{- return('') -}}
    {%- endif -%}
    {%- for mart in marts -%}
        {%- set versions = versions_relation(mart) -%}
        {%- do undo_unpublished(versions, newest['number']) -%}
        {%- do mark_impact(mart, versions, impact_relation(mart), number) -%}
    {%- endfor -%}
    {%- do insert_publication(number, release, newest['definitions']) -%}
{%- endmacro %}

{#- Closes the versions of the figures that an impact moves and opens their new ones. -#}
{% macro mark_impact(mart, versions, impact, number) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set column = period_column(mart) -%}
    {%- set periods = run_query('select distinct ' ~ column ~ ' from ' ~ impact).columns[0].values()
        | list if load_relation(impact) is not none else [] -%}
    {%- if periods -%}
        {%- call statement('open_versions') -%}
            insert into {{ versions }}
            select
                {%- for name in version_columns(mart) %}
                {{ 'after_' if name not in rules.grain }}{{ name }},
                {%- endfor %}
                {{ number }} as published_from,
                cast(null as int) as published_to
            from {{ impact }}
            where change != 'removed'
        {%- endcall -%}
        {%- call statement('close_versions') -%}
            merge into {{ versions }} as version
            using (select * from {{ impact }} where change != 'added') as impact
            on {{ same_figure(mart, 'version', 'impact') }}
                and version.published_to is null
                and version.published_from < {{ number }}
                {{ and_on_days(periods, 'version.' ~ column) }}
            when matched then update set published_to = {{ number }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
