{#-
    A mart or dimension as readers saw it at an instant, or at a publication: what did we believe
    then? A query in brackets, for models, analyses and notebooks:

        select * from {{ as_of('dim_channel', '2026-03-01 12:00') }} as channel
        where {{ holds_on('channel', "date '2026-02-15'") }}

    Instants are UTC. Before the first publication there are no rows.
-#}
{% macro as_of(name, instant=none, publication=none) -%}
    {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ name) -%}
    {%- set known -%}
        {{ publications_relation() }} as publication
        where {{ 'publication.number = ' ~ publication if publication is not none
            else "publication.published_at <= cast('" ~ instant ~ "' as timestamp)" }}
    {%- endset -%}
    {%- if not execute -%}
        {{- return('(select 1 as not_yet_known)') -}}
    {%- elif node and node.config.materialized == 'versioned' -%}
        {%- set number = '(select max(publication.number) from ' ~ known ~ ')' -%}
        (
            select {{ _mart_view_columns(node) }}
            from {{ versions_relation(node) }} as version
            where {{ published_in(number) }}
        )
    {%- elif node and node.config.materialized == 'dimension' -%}
        {%- set cut = '(select max(publication.snapshot_cut) from ' ~ known ~ ')' -%}
        (
            select * from {{ dimension_versions_relation(node) }}
            where {{ known_at(cut) }}
        )
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            name ~ " is no mart and no dimension whose past is kept."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- For `foreview as-of`: the same as a view of this session. -#}
{% macro create_as_of_view(name, instant=none, publication=none) -%}
    {%- call statement('as_of') -%}
        create or replace temporary view foreview_as_of as
        select * from {{ as_of(name, instant, publication) }} as believed
    {%- endcall -%}
{%- endmacro %}

{#- All rows of a dimension that were ever known, each with `known_from` and `known_to`. -#}
{% macro dimension_versions_relation(node) -%}
    {{- return(api.Relation.create(
        database=(target.database or none), schema=node.schema, identifier=node.alias ~ '__versions', type='view'
    )) -}}
{%- endmacro %}
