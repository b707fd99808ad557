{#-
    Publishes a promotion: marks the versions of the figures in each `impact_*` table, and inserts
    the publication's row. Can be run again: marks that were never published are taken back first.
-#}
{% macro publish_promotion(release, number) -%}
    {%- set newest = newest_publication() -%}
    {%- if newest['number'] >= number -%}
        {%- do show_newest_publication() -%}
        {{- return('') -}}
    {%- endif -%}
    {%- do take_back_marks() -%}
    {%- set marked = [] -%}
    {%- for mart in versioned_marts() -%}
        {%- set periods = _periods_of_impact(mart) -%}
        {%- if periods -%}
            {%- do mark_impact(mart, periods, number) -%}
            {%- do marked.append(mart) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do insert_publication(number, release, newest['definitions'], marked, promoted=true) -%}
{%- endmacro %}

{#- Takes back what a number that was never published marked, in all marts. -#}
{% macro take_back_marks() -%}
    {%- for mart in versioned_marts() -%}
        {%- do undo_unpublished(versions_relation(mart), newest_publication()['number']) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _periods_of_impact(mart) -%}
    {%- set impact = impact_relation(mart) -%}
    {{- return(run_query('select distinct ' ~ period_column(mart) ~ ' from ' ~ impact).columns[0].values()
        | list if load_relation(impact) is not none else []) -}}
{%- endmacro %}

{#- Closes the versions of the figures that an impact moves and opens their new ones; not of held ones. -#}
{% macro mark_impact(mart, periods, number) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set versions = versions_relation(mart) -%}
    {%- set impact = impact_relation(mart) -%}
    {%- call statement('open_versions') -%}
        insert into {{ versions }}
        select
            {%- for name in version_columns(mart) %}
            {{ 'after_' if name not in rules.grain }}{{ name }},
            {%- endfor %}
            {{ number }} as published_from,
            cast(null as int) as published_to
        from {{ impact }}
        where change != 'removed' and not is_held
    {%- endcall -%}
    {%- set closed = 'select * from ' ~ impact ~ " where change != 'added' and not is_held" -%}
    {%- do close_versions(mart, closed, number, periods) -%}
{%- endmacro %}

{#-
    Refuses when a dimension that is not promoted has other rows than readers see: no row gets to
    readers without a change set.
-#}
{% macro refuse_other_changes(dimensions) -%}
    {%- set changed = dimensions_changed_since(newest_publication())
        | reject('in', dimensions) | list -%}
    {%- if changed -%}
        {{ exceptions.raise_compiler_error(
            "Not published: rows of " ~ changed | join(', ') ~ " changed since the newest "
            ~ "publication without being promoted. See foreview verify, and propose them as edits; "
            ~ "foreview build --restore puts the approved rows back."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- Plain dbt does not build on rows of a promotion that is not finished: it would publish them. -#}
{% macro refuse_while_promoting() -%}
    {{- return(adapter.dispatch('refuse_while_promoting')()) -}}
{%- endmacro %}

{% macro default__refuse_while_promoting() -%}
    {%- if execute and not run_var('promoting') and run_var('release', none) is none
        and flags.WHICH in ('build', 'run', 'seed', 'snapshot') -%}
        {%- set source = graph.sources['source.' ~ project_name ~ '.landing.unfinished_promotion'] -%}
        {%- set release = run_query('select max(release) from ' ~ source.relation_name).rows[0][0] -%}
        {%- if release is not none -%}
            {{ exceptions.raise_compiler_error(
                "The promotion to reference version " ~ release ~ " is not finished; its rows are not "
                ~ "readers' yet. Finish it (foreview promote --resume) or give it up (--abandon)."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
