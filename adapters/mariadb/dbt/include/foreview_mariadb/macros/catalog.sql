{# What `dbt docs generate` shows. #}

{% macro foreview_mariadb__get_catalog(information_schema, schemas) -%}
    {%- set names = [] -%}
    {%- for schema in schemas -%}{%- do names.append(adapter.text_literal(schema)) -%}{%- endfor -%}
    {{ return(run_query(catalog_sql('tables.table_schema in (' ~ names | join(', ') ~ ')'))) }}
{%- endmacro %}

{% macro foreview_mariadb__get_catalog_relations(information_schema, relations) -%}
    {%- set names = [] -%}
    {%- for relation in relations -%}
        {%- do names.append(
            '(' ~ adapter.text_literal(relation.schema) ~ ', '
            ~ adapter.text_literal(relation.identifier) ~ ')'
        ) -%}
    {%- endfor -%}
    {{ return(run_query(
        catalog_sql('(tables.table_schema, tables.table_name) in (' ~ names | join(', ') ~ ')')
    )) }}
{%- endmacro %}

{% macro catalog_sql(condition) -%}
    select
        null as table_database,
        tables.table_schema,
        tables.table_name,
        if(tables.table_type = 'VIEW', 'view', 'table') as table_type,
        nullif(if(tables.table_type = 'VIEW', '', tables.table_comment), '') as table_comment,
        columns.column_name,
        columns.ordinal_position as column_index,
        columns.column_type,
        nullif(columns.column_comment, '') as column_comment,
        null as table_owner
    from information_schema.tables as tables
    inner join information_schema.columns as columns
        on columns.table_schema = tables.table_schema
        and columns.table_name = tables.table_name
    where {{ condition }}
    order by tables.table_schema, tables.table_name, columns.ordinal_position
{%- endmacro %}
