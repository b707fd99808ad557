{#-
    Figures that another system delivered of our marts, in a room of their own: one table a mart, with
    its grain and measures, the system, and the publication of ours that they are to be compared with.
    A delivery of a day holds until the next one of that day, so what a system had delivered when a
    publication was compared stays.
-#}
{% macro track_relation(name) -%}
    {%- set mart = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {{- return(api.Relation.create(
        database=(target.database or none),
        schema=target.schema ~ '_tracks',
        identifier=mart.alias,
        type='table'
    )) -}}
{%- endmacro %}

{#-
    For `foreview load-track`: replaces the figures that a system delivered for a publication and
    some days by those of the session's view `foreview_delivery`, in one commit.
    `columns` are the mart's grain and measures, each with its type.
-#}
{% macro load_track(name, columns, system, publication, days) -%}
    {%- set relation = track_relation(name) -%}
    {%- set delivered = {'system': "'" ~ system ~ "'", 'publication': publication} -%}
    {%- do adapter.create_schema(relation) -%}
    {%- call statement('create_track') -%}
        create table if not exists {{ relation }} (
            {%- for column, type in columns.items() %}
            {{ column }} {{ type }},
            {%- endfor %}
            system string, publication int
        ) {{ in_table_format() }}
    {%- endcall -%}
    {%- set present = column_types(relation) -%}
    {%- for column, type in present.items() if columns.get(column, type) != type -%}
        {{ exceptions.raise_compiler_error(
            relation ~ " has " ~ column ~ " as " ~ type ~ ", and the mart as " ~ columns[column]
            ~ ": drop the table, and load what is still needed."
        ) }}
    {%- endfor -%}
    {%- do add_columns(relation, columns, present) -%}
    {%- set added = columns.keys() | reject('in', present) | list -%}
    {%- call statement('load_track') -%}
        insert into {{ relation }}
        replace where system = '{{ system }}' and publication = {{ publication }}
        {{ and_on_days(days, columns.keys() | first) }}
        select
            {%- for column in present | list + added %}
            {%- if column in columns %}
            {{ column }}
            {%- else %}
            {{ delivered.get(column, 'null') }} as {{ column }}
            {%- endif %}{{ "," if not loop.last }}
            {%- endfor %}
        from foreview_delivery
    {%- endcall -%}
{%- endmacro %}

{#- For `foreview drop-track`: what a system delivered before for the days holds again. -#}
{% macro drop_track(name, system, publication) -%}
    {%- call statement('drop_track') -%}
        delete from {{ track_relation(name) }}
        where system = '{{ system }}' and publication = {{ publication }}
    {%- endcall -%}
{%- endmacro %}

{#-
    For `foreview compare-track`: a view of this session, `foreview_track`, with what a system had
    delivered of each day up to a publication: the newest delivery of the day.
-#}
{% macro create_track_view(name, day, system, publication) -%}
    {%- call statement('track_view') -%}
        create or replace temporary view foreview_track as
        select delivered.*
        from (
            select *, max(publication) over (partition by {{ day }}) as newest
            from {{ track_relation(name) }}
            where system = '{{ system }}' and publication <= {{ publication }}
        ) as delivered
        where delivered.publication = delivered.newest
    {%- endcall -%}
{%- endmacro %}
