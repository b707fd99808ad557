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
        {%- do mark_impact(mart, versions, _built_relation('impact_' ~ mart.name), number) -%}
    {%- endfor -%}
    {%- do insert_publication(number, release, newest['definitions']) -%}
{%- endmacro %}

{#- Closes the versions of the figures that an impact moves and opens their new ones. -#}
{% macro mark_impact(mart, versions, impact, number) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set days = run_query('select distinct viewing_date from ' ~ impact).columns[0].values() | list -%}
    {%- if days -%}
        {%- call statement('open_versions') -%}
            insert into {{ versions }}
            select
                {%- for column in version_columns(mart) %}
                {{ 'after_' if column in rules.measures or column in denominators(mart) }}{{ column }},
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
                {{ and_on_days(days, 'version.viewing_date') }}
            when matched then update set published_to = {{ number }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
