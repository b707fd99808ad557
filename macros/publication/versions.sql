{#-
    Marts are kept as versions: table `<mart>__versions` with `published_from` and `published_to`
    (publication numbers). To publish N: rows that changed get `published_to = N`, new ones come
    in with `published_from = N`, and row N of `publications` makes both visible at once.
-#}
{% macro versions_relation(mart) -%}
    {{- return(api.Relation.create(
        database=(target.database or none), schema=mart.schema, identifier=mart.alias ~ '__versions', type='table'
    )) -}}
{%- endmacro %}

{#- Columns of a mart's versions, in order: grain, measures, constants, ratio denominators. -#}
{% macro version_columns(mart) -%}
    {%- set rules = mart.config.meta.mart -%}
    {{- return(
        rules.grain + rules.measures | list + rules.get('constants', []) + denominators(mart)
    ) -}}
{%- endmacro %}

{#- Denominators that are kept with each figure: those that are sums over other figures. -#}
{% macro denominators(mart) -%}
    {%- set found = [] -%}
    {%- for name, ratio in mart.config.meta.mart.get('ratios', {}).items() -%}
        {%- if ratio.within is defined -%}
            {%- do found.append(name ~ '_denominator') -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- A sum over no record is 0: what is added to it must not be lost. -#}
{% macro sum_or_zero(sum) -%}
    coalesce({{ sum }}, 0)
{%- endmacro %}

{#- A mart's figures with their denominators, from the mart's SQL; all periods, or some. -#}
{% macro figures_with_denominators(mart, sql, periods=none) -%}
    select
        {%- for column in mart.config.meta.mart.grain + mart.config.meta.mart.measures | list
            + mart.config.meta.mart.get('constants', []) %}
        {{ sum_or_zero('figures.' ~ column) if column in mart.config.meta.mart.measures
            else 'figures.' ~ column }} as {{ column }}{{ "," if not loop.last or denominators(mart) }}
        {%- endfor %}
        {%- for name, ratio in mart.config.meta.mart.get('ratios', {}).items()
            if ratio.within is defined %}
        {{ sum_or_zero(
            'sum(figures.' ~ ratio.numerator ~ ') over (partition by ' ~ ratio.within | join(', ') ~ ')'
        ) }} as {{ name }}_denominator{{ "," if not loop.last }}
        {%- endfor %}
    from (
        {{ sql }}
    ) as figures
    where true {{ and_on_days(periods, 'figures.' ~ period_column(mart)) }}
{%- endmacro %}

{#- The columns of a mart's versions whose values are summed; a measure that came later is the last. -#}
{% macro summed_columns(types) -%}
    {{- return(types | reject('eq', 'published_to') | list) -}}
{%- endmacro %}

{#-
    Adds the columns that a mart's declaration has and its versions lack, null in what was published
    before; a column that it no longer has stays, null in what comes. Another grain, or another type of
    a column, would be another past: refused.
-#}
{% macro match_version_columns(mart, versions, next) -%}
    {%- set present, wanted, problems = column_types(versions), column_types(next), [] -%}
    {%- for column, type in present.items() if wanted.get(column, type) != type -%}
        {%- do problems.append(
            column ~ " is " ~ type ~ " in what is published, and would be " ~ wanted[column]
            ~ ": cast it in the SQL of the mart"
        ) -%}
    {%- endfor -%}
    {%- set grain = mart.config.meta.mart.grain -%}
    {%- set gone = present | reject('in', wanted) | reject('in', ['published_from', 'published_to']) | list -%}
    {%- if grain | reject('in', present) | list or gone and run_query(
        'select 1 from ' ~ versions ~ ' where published_to is null group by ' ~ grain | join(', ')
        ~ ' having count(*) > 1 limit 1'
    ).rows -%}
        {%- do problems.append(
            "what is published has another grain than " ~ grain | join(', ') ~ ": give the mart another name"
        ) -%}
    {%- endif -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error(mart.name ~ ": " ~ problems | join('; ') ~ ".") }}
    {%- endif -%}
    {%- do add_columns(versions, wanted, present) -%}
{%- endmacro %}

{#- Takes back what an unpublished number left behind. -#}
{% macro undo_unpublished(versions, newest_number) -%}
    {%- if load_relation(versions) is none -%}{{- return('') -}}{%- endif -%}{#- a mart not built yet -#}
    {%- set leftovers = run_query(
        'select 1 from ' ~ versions ~ ' where published_from > ' ~ newest_number
        ~ ' or published_to > ' ~ newest_number ~ ' limit 1'
    ).rows -%}
    {%- if leftovers | length == 0 -%}{{- return('') -}}{%- endif -%}
    {%- call statement('reopen') -%}
        update {{ versions }} set published_to = null where published_to > {{ newest_number }}
    {%- endcall -%}
    {%- call statement('forget') -%}
        delete from {{ versions }} where published_from > {{ newest_number }}
    {%- endcall -%}
{%- endmacro %}

{#-
    Opens and closes versions so that the figures of the periods are those of relation `next`, but for
    those that are held.
-#}
{% macro mark_versions(mart, versions, next, number, periods) -%}
    {%- set columns = version_columns(mart) | join(', ') -%}
    {%- set on_periods = and_on_days(periods, period_column(mart)) -%}
    {%- set opened -%}
        select {{ columns }} from {{ next }}
        except
        select {{ columns }} from {{ versions }}
        where published_to is null {{ on_periods }}
    {%- endset -%}
    {%- set closed -%}
        select {{ columns }} from {{ versions }}
        where published_to is null and published_from < {{ number }} {{ on_periods }}
        except
        select {{ columns }} from {{ next }}
    {%- endset -%}
    {%- call statement('open_versions') -%}
        insert into {{ versions }} ({{ columns }}, published_from, published_to)
        select {{ columns }}, {{ number }} as published_from, cast(null as int) as published_to
        from ({{ not_held(mart, opened) }}) as opened
    {%- endcall -%}
    {%- do close_versions(mart, not_held(mart, closed), number, periods) -%}
{%- endmacro %}

{#- Closes the open versions of the figures in a query, which has the mart's grain. -#}
{% macro close_versions(mart, query, number, periods) -%}
    {%- call statement('close_versions') -%}
        merge into {{ versions_relation(mart) }} as version
        using ({{ query }}) as closed
        on {{ same_figure(mart, 'version', 'closed') }}
            and version.published_to is null
            and version.published_from < {{ number }}
            {{ and_on_days(periods, 'version.' ~ period_column(mart)) }}
        when matched then update set published_to = {{ number }}
    {%- endcall -%}
{%- endmacro %}

{% macro same_figure(mart, left, right) -%}
    {{- same_columns(mart.config.meta.mart.grain, left, right) -}}
{%- endmacro %}

{% macro same_columns(columns, left, right) -%}
    {%- for column in columns -%}
        {{ left }}.{{ column }} <=> {{ right }}.{{ column }}{{ " and " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- A view over a mart's versions, with its ratios: those of the working state, or of a publication. -#}
{% macro mart_versions_where(mart, condition) -%}
    select {{ _mart_view_columns(mart) }} from {{ versions_relation(mart) }} as version where {{ condition }}
{%- endmacro %}

{#-
    The views that readers have of the marts. They follow the declarations, so they change after the
    publication that has figures by them.
-#}
{% macro put_published_views(marts) -%}
    {%- do adapter.create_schema(published_relation('marts')) -%}
    {%- for mart in marts -%}
        {%- do put_view(published_relation(mart.alias), mart_versions_where(mart, shown_now())) -%}
    {%- endfor -%}
{%- endmacro %}

{#- The condition for the versions of a mart that a publication shows. -#}
{% macro published_in(number) -%}
    published_from <= {{ number }} and (published_to is null or published_to > {{ number }})
{%- endmacro %}

{#- The same for the publication that readers see. -#}
{% macro shown_now() -%}
    {{- published_in('(select number from ' ~ shown_relation() ~ ')') -}}
{%- endmacro %}

{#- The condition for the rows of a dimension that were known at an instant. -#}
{% macro known_at(instant) -%}
    known_from <= {{ instant }} and (known_to is null or known_to > {{ instant }})
{%- endmacro %}

{% macro published_relation(identifier) -%}
    {{- return(api.Relation.create(
        database=(target.database or none), schema=target.schema ~ '_published', identifier=identifier, type='view'
    )) -}}
{%- endmacro %}

{% macro newest_number() -%}
    (select coalesce(max(publication.number), 0) from {{ publications_relation() }} as publication)
{%- endmacro %}

{% macro _mart_view_columns(mart) -%}
    {%- for column in version_columns(mart) -%}
        version.{{ column }},
    {%- endfor -%}
    {%- for name, ratio in mart.config.meta.mart.get('ratios', {}).items() -%}
        cast(
            cast(version.{{ ratio.numerator }} as decimal(28, 4))
            / nullif(cast(version.{{ ratio.denominator | default(name ~ '_denominator') }} as decimal(28, 4)), 0)
            as decimal(28, {{ ratio.scale }})
        ) as {{ name }},
    {%- endfor -%}
    version.published_from
{%- endmacro %}
