{# Schemas, tables, views, columns and their comments. #}

{% macro foreview_mariadb__create_schema(relation) -%}
    {%- call statement('create_schema') -%}
        create schema if not exists {{ relation.without_identifier() }}
        character set utf8mb4 collate {{ target.collation }}
    {%- endcall -%}
{%- endmacro %}

{% macro foreview_mariadb__list_schemas(database) %}
    {{ return(run_query('select schema_name from information_schema.schemata')) }}
{% endmacro %}

{% macro foreview_mariadb__list_relations_without_caching(schema_relation) %}
    {% call statement('list_relations_without_caching', fetch_result=True) -%}
        select
            null as `database`,
            table_name as name,
            table_schema as `schema`,
            case table_type when 'VIEW' then 'view' else 'table' end as table_type
        from information_schema.tables
        where table_schema = {{ adapter.text_literal(schema_relation.schema) }}
            and table_type != 'SEQUENCE'
    {%- endcall %}
    {{ return(load_result('list_relations_without_caching').table) }}
{% endmacro %}

{% macro foreview_mariadb__get_columns_in_relation(relation) %}
    {# Temporary tables are not in information_schema. #}
    {% call statement('get_columns_in_relation', fetch_result=True) %}
        show full columns from {{ relation.render() }}
    {% endcall %}
    {{ return(adapter.columns_from(load_result('get_columns_in_relation').table)) }}
{% endmacro %}

{% macro foreview_mariadb__get_or_create_relation(database, schema, identifier, type) %}
    {{ return(default__get_or_create_relation(none, schema, identifier, type)) }}
{% endmacro %}

{% macro foreview_mariadb__drop_relation(relation) -%}
    {% call statement('drop_relation', auto_begin=False) -%}
        drop {{ relation.type }} if exists {{ relation.render() }}
    {%- endcall %}
{%- endmacro %}

{% macro foreview_mariadb__rename_relation(from_relation, to_relation) -%}
    {% call statement('rename_relation') -%}
        rename table {{ from_relation.render() }} to {{ to_relation.render() }}
    {%- endcall %}
{%- endmacro %}

{% macro foreview_mariadb__create_table_as(temporary, relation, sql) -%}
    {%- set contract = config.get('contract') -%}
    {{ config.get('sql_header') or '' }}
    create {{ 'temporary ' if temporary }}table {{ relation.render() }}
    {% if contract and contract.enforced and not temporary -%}
        {# Two statements: in one, MariaDB knows no constraint over a column of the query. #}
        {{ get_assert_columns_equivalent(sql) }}
        {{ get_table_columns_and_constraints() }}
        default character set utf8mb4 collate {{ target.collation }};
        insert into {{ relation.render() }} ({{ get_quoted_csv(model['columns'].values() | map(attribute='name')) }})
        {{ get_select_subquery(sql) }}
    {%- else -%}
        default character set utf8mb4 collate {{ target.collation }}
        as {{ sql }}
    {%- endif %}
{%- endmacro %}

{% macro foreview_mariadb__create_view_as(relation, sql) -%}
    {%- set contract = config.get('contract') -%}
    {{ config.get('sql_header') or '' }}
    create view {{ relation.render() }}
    {% if contract and contract.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
    as {{ sql }}
{%- endmacro %}

{% macro foreview_mariadb__get_empty_schema_sql(columns) %}
    {# MariaDB casts to few types, but a table may have them all. #}
    {%- set declared = [] -%}
    {%- set untyped = [] -%}
    {%- for column in columns.values() -%}
        {%- if column['data_type'] is not defined -%}
            {%- do untyped.append(column['name']) -%}
        {%- else -%}
            {%- do declared.append(adapter.quote(column['name']) ~ ' ' ~ column['data_type']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if untyped -%}{{ exceptions.column_type_missing(column_names=untyped) }}{%- endif -%}
    {%- set empty = this.incorporate(path={'identifier': '__dbt_contract'}) -%}
    {%- do run_query(
        'create or replace temporary table ' ~ empty.render() ~ ' (' ~ declared | join(', ') ~ ')'
    ) -%}
    select * from {{ empty.render() }}
{% endmacro %}

{% macro foreview_mariadb__alter_column_type(relation, column_name, new_column_type) -%}
    {% do run_query(
        'alter table ' ~ relation.render() ~ ' modify column ' ~ adapter.quote(column_name)
        ~ ' ' ~ new_column_type
    ) %}
{%- endmacro %}

{% macro foreview_mariadb__get_create_index_sql(relation, index_dict) -%}
    create {{ 'unique ' if index_dict.get('unique') }}index
    {{ adapter.quote('dbt_' ~ local_md5(index_dict['columns'] | join(' '))) }}
    on {{ relation.render() }} ({{ get_quoted_csv(index_dict['columns']) }})
{%- endmacro %}

{% macro foreview_mariadb__persist_docs(relation, model, for_relation, for_columns) -%}
    {# MariaDB keeps no comment on a view. #}
    {% if not relation.is_view %}
        {{ default__persist_docs(relation, model, for_relation, for_columns) }}
    {% endif %}
{%- endmacro %}

{% macro foreview_mariadb__alter_relation_comment(relation, relation_comment) -%}
    alter table {{ relation.render() }} comment = {{ adapter.text_literal(relation_comment[:2048]) }}
{%- endmacro %}

{% macro foreview_mariadb__alter_column_comment(relation, column_dict) -%}
    {# A comment is part of a column's definition, which has to be written whole. #}
    {%- set lower = {} -%}
    {%- for name in column_dict -%}{%- do lower.update({name | lower: column_dict[name]}) -%}{%- endfor -%}
    {%- set changes = [] -%}
    {%- for row in run_query(column_definitions_sql(relation)) -%}
        {%- set column = lower.get(row['name'] | lower) -%}
        {%- if column and column['description'][:1024] != row['comment'] -%}
            {%- do changes.append(
                'modify column ' ~ adapter.quote(row['name']) ~ ' ' ~ row['definition'] ~ ' comment '
                ~ adapter.text_literal(column['description'][:1024]) ~ row['check_clause']
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if changes -%}alter table {{ relation.render() }} {{ changes | join(', ') }}{%- endif -%}
{%- endmacro %}

{% macro column_definitions_sql(relation) -%}
    select
        columns.column_name as name,
        columns.column_comment as `comment`,
        concat(
            columns.column_type,
            if(columns.collation_name is null, '', concat(' collate ', columns.collation_name)),
            if(columns.is_nullable = 'YES', ' null', ' not null'),
            if(columns.column_default is null, '', concat(' default ', columns.column_default)),
            ' ', columns.extra
        ) as definition,
        coalesce(concat(' check (', checks.check_clause, ')'), '') as check_clause
    from information_schema.columns as columns
    left join information_schema.check_constraints as checks
        on checks.constraint_schema = columns.table_schema
        and checks.table_name = columns.table_name
        and checks.constraint_name = columns.column_name
        and checks.level = 'Column'
    where columns.table_schema = {{ adapter.text_literal(relation.schema) }}
        and columns.table_name = {{ adapter.text_literal(relation.identifier) }}
        and columns.generation_expression is null
{%- endmacro %}
