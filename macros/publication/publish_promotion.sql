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
    {%- set versions = versions_relation(mart) -%}
    {%- set impact = impact_relation(mart) -%}
    {%- call statement('open_versions') -%}
        insert into {{ versions }} ({{ version_columns(mart) | join(', ') }}, published_from, published_to)
        {{ _opened_by(mart, impact, number) }}
    {%- endcall -%}
    {%- do close_versions(mart, 'select * ' ~ _closed_by(impact), number, periods) -%}
{%- endmacro %}

{#- The figures that an impact closes, for a select. -#}
{% macro _closed_by(impact) -%}
    from {{ impact }}
    where change != 'added' and not is_held
{%- endmacro %}

{#- The figures that an impact opens, with the columns of versions. -#}
{% macro _opened_by(mart, impact, number) -%}
    select
        {%- for name in version_columns(mart) %}
        {{ 'after_' ~ name ~ ' as ' if name not in mart.config.meta.mart.grain }}{{ name }},
        {%- endfor %}
        {{ number }} as published_from,
        cast(null as int) as published_to
    from {{ impact }}
    where change != 'removed' and not is_held
{%- endmacro %}

{#-
    Refuses to publish a promotion that marked other figures than those it moves: of what it opened
    the values are compared, by their hashes, of what it closed the number. So nothing outside of
    what was compared with the receipt gets to readers.
-#}
{% macro refuse_other_marks(number, marts) -%}
    {%- if not marts -%}{{- return('') -}}{%- endif -%}
    {%- set query -%}
        with moved as (
            {%- for mart in marts %}
            {%- set types = column_types(versions_relation(mart)) %}
            {%- set kept = version_columns(mart) + ['published_from'] %}
            select '{{ mart.name }}' as table_name, 'opened' as side, {{ sum_of_hashes('hash') }} as contents
            from (
                select {{ row_hash(summed_columns(types)) }} as hash
                from (
                    select {% for name, type in types.items() -%}
                        cast({{ name if name in kept else 'null' }} as {{ type }}) as {{ name }}{{ ", " if not loop.last }}
                    {%- endfor %}
                    from ({{ _opened_by(mart, impact_relation(mart), number) }}) as moved_figures
                ) as opened
            ) as hashed
            having count(*) > 0
            union all
            select '{{ mart.name }}' as table_name, 'closed' as side, cast(count(*) as string) as contents
            {{ _closed_by(impact_relation(mart)) }}
            having count(*) > 0
            {{ "union all" if not loop.last }}
            {%- endfor %}
        ),

        marked as (
            select
                table_name,
                side,
                case when side = 'closed' then substring_index(contents, ':', 1) else contents end
                    as contents
            from {{ contents_relation() }}
            where number = {{ number }} and side in ('opened', 'closed') and table_name in (
                {%- for mart in marts -%}
                    '{{ mart.name }}'{{ ", " if not loop.last }}
                {%- endfor -%}
            )
        )

        select coalesce(moved.table_name, marked.table_name) as table_name
        from moved
        full outer join marked
            on moved.table_name = marked.table_name and moved.side = marked.side
        where not (moved.contents <=> marked.contents)
        order by table_name
    {%- endset -%}
    {%- set others = run_query(query).columns[0].values() | unique | list -%}
    {%- if others -%}
        {{ exceptions.raise_compiler_error(
            "Not published: other figures of " ~ others | join(', ') ~ " were marked than the "
            ~ "promotion moves. Readers see what they saw. Give it up: foreview promote --abandon."
        ) }}
    {%- endif -%}
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

{#-
    Plain dbt does not build on rows of a promotion that is not finished: it would publish them. Nor by a
    calendar that is ahead of the registry's (number 0), unless it builds the days that are being reopened.
-#}
{% macro refuse_while_promoting() -%}
    {{- return(adapter.dispatch('refuse_while_promoting')()) -}}
{%- endmacro %}

{% macro default__refuse_while_promoting() -%}
    {%- if execute and not run_var('promoting') and run_var('release', none) is none
        and flags.WHICH in ('build', 'run', 'seed', 'snapshot') -%}
        {%- set source = graph.sources['source.' ~ project_name ~ '.landing.unfinished_promotion'] -%}
        {%- set release = run_query('select max(release) from ' ~ source.relation_name).rows[0][0] -%}
        {%- if release == 0 and not run_var('reopened', {}) -%}
            {{ exceptions.raise_compiler_error(
                "A period that was being closed or reopened is not recorded. If nobody is at it: foreview build "
                ~ "goes by what is recorded; then close it, or confirm the reopening, again."
            ) }}
        {%- elif release -%}
            {{ exceptions.raise_compiler_error(
                "The promotion to reference version " ~ release ~ " is not finished; its rows are not "
                ~ "readers' yet. Finish it (foreview promote --resume) or give it up (--abandon)."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
