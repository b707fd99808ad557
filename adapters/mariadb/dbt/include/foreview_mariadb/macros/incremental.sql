{# Incremental models: dbt's own materialization with MariaDB's statements. #}

{% materialization incremental, adapter='foreview_mariadb' %}
    {{ return(materialization_incremental_default()) }}
{% endmaterialization %}

{% macro foreview_mariadb__get_incremental_default_sql(arg_dict) %}
    {% if arg_dict['unique_key'] %}
        {{ return(get_incremental_merge_sql(arg_dict)) }}
    {% endif %}
    {{ return(get_incremental_append_sql(arg_dict)) }}
{% endmacro %}

{% macro foreview_mariadb__get_delete_insert_merge_sql(
    target, source, unique_key, dest_columns, incremental_predicates
) -%}
    {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
    {#- A delete by another name needs a schema to be in use, whichever. -#}
    use {{ adapter.quote(target.schema) }};
    start transaction;
    {% if unique_key -%}
        {%- set keys = unique_key if unique_key is string else unique_key | join(', ') %}
        delete DBT_INTERNAL_DEST
        from {{ target }} as DBT_INTERNAL_DEST
        where ({{ keys }}) in (select {{ keys }} from {{ source }})
            {%- for predicate in incremental_predicates or [] %} and {{ predicate }}{% endfor %};
    {% endif -%}
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ source }}
{%- endmacro %}

{% macro foreview_mariadb__get_merge_sql(
    target, source, unique_key, dest_columns, incremental_predicates=none
) -%}
    {#- There is no MERGE; a key that is unique in the table is not asked for, as
        `on duplicate key update` would. -#}
    {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
    {%- set updated = get_merge_update_columns(
        config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns
    ) -%}
    {%- set condition = key_condition(unique_key, incremental_predicates) -%}
    start transaction;
    {% if unique_key -%}
        {{ refuse_ambiguous_keys(source, unique_key) }}
        {% if updated -%}
            update {{ target }} as DBT_INTERNAL_DEST
            inner join {{ source }} as DBT_INTERNAL_SOURCE on {{ condition }}
            set
                {% for column in updated -%}
                    DBT_INTERNAL_DEST.{{ column }} = DBT_INTERNAL_SOURCE.{{ column }}
                    {{- ', ' if not loop.last }}
                {% endfor -%};
        {% endif -%}
        insert into {{ target }} ({{ columns }})
        select {{ columns }}
        from {{ source }} as DBT_INTERNAL_SOURCE
        where not exists (
            select 1 from {{ target }} as DBT_INTERNAL_DEST where {{ condition }}
        )
    {%- else -%}
        insert into {{ target }} ({{ columns }})
        select {{ columns }} from {{ source }}
    {%- endif %}
{%- endmacro %}

{% macro key_condition(unique_key, incremental_predicates) -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key or [] -%}
    {%- set conditions = [] -%}
    {%- for key in keys -%}
        {%- do conditions.append('DBT_INTERNAL_SOURCE.' ~ key ~ ' = DBT_INTERNAL_DEST.' ~ key) -%}
    {%- endfor -%}
    {{ (conditions + (incremental_predicates or [])) | join(' and ') }}
{%- endmacro %}

{% macro refuse_ambiguous_keys(source, unique_key) -%}
    {%- set keys = unique_key if unique_key is string else unique_key | join(', ') -%}
    {%- set twice = run_query(
        'select ' ~ keys ~ ' from ' ~ source ~ ' group by ' ~ keys ~ ' having count(*) > 1 limit 1'
    ) -%}
    {%- if twice.rows -%}
        {{ exceptions.raise_compiler_error(
            'Merge into ' ~ this ~ ': the model has several rows of ' ~ keys ~ ' = '
            ~ twice.rows[0].values() | join(', ')
            ~ '. Make its rows unique by unique_key, or use incremental_strategy delete+insert.'
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro foreview_mariadb__get_incremental_microbatch_sql(arg_dict) %}
    {%- set event_time = config.get('event_time') -%}
    {%- set target_relation = arg_dict['target_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set conditions = [] -%}
    {%- if model.batch.event_time_start -%}
        {%- do conditions.append(event_time ~ ' >= ' ~ instant_literal(model.batch.event_time_start)) -%}
    {%- endif -%}
    {%- if model.batch.event_time_end -%}
        {%- do conditions.append(event_time ~ ' < ' ~ instant_literal(model.batch.event_time_end)) -%}
    {%- endif -%}
    start transaction;
    delete from {{ target_relation }} where {{ conditions | join(' and ') }};
    insert into {{ target_relation }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{% macro instant_literal(instant) -%}
    cast('{{ instant.strftime('%Y-%m-%d %H:%M:%S.%f') }}' as datetime(6))
{%- endmacro %}
