{# Snapshots: dbt's own materialization with MariaDB's statements. #}

{% materialization snapshot, adapter='foreview_mariadb' %}
    {{ return(materialization_snapshot_default()) }}
{% endmaterialization %}

{% macro foreview_mariadb__current_timestamp() -%}
    utc_timestamp(6)
{%- endmacro %}

{% macro foreview_mariadb__snapshot_string_as_time(timestamp) -%}
    {{ return("cast('" ~ timestamp ~ "' as datetime(6))") }}
{%- endmacro %}

{% macro foreview_mariadb__snapshot_hash_arguments(args) -%}
    md5(concat_ws('|'{% for arg in args %}, coalesce(cast({{ arg }} as char), ''){% endfor %}))
{%- endmacro %}

{# Without a prefix, since dbt-mysql has these macros so, in place of dbt's own. #}

{% macro snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {{ return(foreview_mariadb__snapshot_staging_table(strategy, source_sql, target_relation)) }}
{%- endmacro %}

{% macro build_snapshot_staging_table(strategy, sql, target_relation) %}
    {# The query runs once; its rows are then compared several times. #}
    {% set source_relation = make_temp_relation(target_relation, '__dbt_source') %}
    {% set staging_relation = make_temp_relation(target_relation) %}
    {% set compared = 'select * from ' ~ source_relation.render() %}
    {% call statement('build_snapshot_source_relation') %}
        create or replace temporary table {{ source_relation.render() }} as {{ sql }}
    {% endcall %}
    {% call statement('build_snapshot_staging_relation') %}
        create or replace temporary table {{ staging_relation.render() }} as
        {{ snapshot_staging_table(strategy, compared, target_relation) }}
    {% endcall %}
    {# An update of joined tables takes no hash join: without a key it looks at all pairs of rows. #}
    {% set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() %}
    {% call statement('index_snapshot_staging_relation') %}
        alter table {{ staging_relation.render() }} add index ({{ columns.dbt_scd_id }}(32))
    {% endcall %}
    {% do return(staging_relation) %}
{% endmacro %}

{% macro foreview_mariadb__post_snapshot(staging_relation) %}
    {% call statement('drop_snapshot_staging_relation') %}
        drop temporary table if exists {{ staging_relation.render() }}
    {% endcall %}
{% endmacro %}

{% macro foreview_mariadb__snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {#- The rows of dbt's own: 'insert' for a new version, 'update' and 'delete' for one to close. -#}
    {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set keys = strategy.unique_key -%}
    {%- set new_record = strategy.hard_deletes == 'new_record' -%}
    {%- set deletes = strategy.hard_deletes in ['invalidate', 'new_record'] and not flags.EMPTY -%}
    {%- set is_deleted = "snapshotted_data." ~ columns.dbt_is_deleted ~ " = 'True'" -%}
    {%- set changed -%}
        ({{ strategy.row_changed }}{{ ' or ' ~ is_deleted if new_record }})
    {%- endset -%}
    with snapshot_query as (
        {{ source_sql }}
    ),

    snapshotted_data as (
        select *, {{ unique_key_fields(keys) }}
        from {{ target_relation }}
        where {{ is_current_version('', columns) }}
    ),

    source_data as (
        select
            *,
            {{ unique_key_fields(keys) }},
            {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
            {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
            {{ get_dbt_valid_to_current(strategy, columns) }},
            {{ strategy.scd_id }} as {{ columns.dbt_scd_id }}
        from snapshot_query
    ),

    closed_source_data as (
        select
            *,
            {{ unique_key_fields(keys) }},
            {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
            {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
            {{ strategy.updated_at }} as {{ columns.dbt_valid_to }}
        from snapshot_query
    )

    select
        'insert' as dbt_change_type,
        source_data.*
        {%- if new_record %}, 'False' as {{ columns.dbt_is_deleted }}{% endif %}
    from source_data
    left join snapshotted_data
        on {{ unique_key_join_on(keys, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(keys, 'snapshotted_data') }} or {{ changed }}

    union all

    select
        'update' as dbt_change_type,
        source_data.*,
        snapshotted_data.{{ columns.dbt_scd_id }}
        {%- if new_record %}, snapshotted_data.{{ columns.dbt_is_deleted }}{% endif %}
    from closed_source_data as source_data
    inner join snapshotted_data
        on {{ unique_key_join_on(keys, 'snapshotted_data', 'source_data') }}
    where {{ changed }}

    {%- if deletes %}

    union all

    select
        'delete' as dbt_change_type,
        source_data.*,
        {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
        {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
        {{ snapshot_get_time() }} as {{ columns.dbt_valid_to }},
        snapshotted_data.{{ columns.dbt_scd_id }}
        {%- if new_record %}, snapshotted_data.{{ columns.dbt_is_deleted }}{% endif %}
    from snapshotted_data
    left join (select *, {{ unique_key_fields(keys) }} from snapshot_query) as source_data
        on {{ unique_key_join_on(keys, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(keys, 'source_data') }}
        {%- if new_record %} and not {{ is_deleted }}{% endif %}
    {%- endif %}

    {%- if deletes and new_record %}

    union all

    select
        'insert' as dbt_change_type,
        {%- set kept = get_list_of_column_names(get_columns_in_relation(target_relation)) %}
        {%- for name in get_columns_in_query(source_sql) %}
        {{ 'snapshotted_data' if name in kept else 'source_data' }}.{{ adapter.quote(name) }},
        {%- endfor %}
        {%- if keys is string %}
        snapshotted_data.dbt_unique_key,
        {%- else %}
        {%- for _ in keys %}
        snapshotted_data.dbt_unique_key_{{ loop.index }},
        {%- endfor %}
        {%- endif %}
        {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
        {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
        snapshotted_data.{{ columns.dbt_valid_to }},
        {{ snapshot_hash_arguments(['snapshotted_data.' ~ columns.dbt_scd_id, snapshot_get_time()]) }}
            as {{ columns.dbt_scd_id }},
        'True' as {{ columns.dbt_is_deleted }}
    from snapshotted_data
    left join (select *, {{ unique_key_fields(keys) }} from snapshot_query) as source_data
        on {{ unique_key_join_on(keys, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(keys, 'source_data') }} and not {{ is_deleted }}
    {%- endif %}
{%- endmacro %}

{% macro is_current_version(prefix, columns) -%}
    {%- set valid_to = prefix ~ columns.dbt_valid_to -%}
    ({{ valid_to }} is null
    {%- if config.get('dbt_valid_to_current') %} or {{ valid_to }} = {{ config.get('dbt_valid_to_current') }}{% endif %})
{%- endmacro %}

{% macro foreview_mariadb__snapshot_merge_sql(target, source, insert_cols) -%}
    {#- Both or neither: what altered the table before has ended the transaction. -#}
    {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    start transaction;
    update {{ target.render() }} as dbt_internal_dest
    inner join {{ source.render() }} as dbt_internal_source
        on dbt_internal_source.{{ columns.dbt_scd_id }} = dbt_internal_dest.{{ columns.dbt_scd_id }}
    set dbt_internal_dest.{{ columns.dbt_valid_to }} = dbt_internal_source.{{ columns.dbt_valid_to }}
    where {{ is_current_version('dbt_internal_dest.', columns) }}
        and dbt_internal_source.dbt_change_type in ('update', 'delete');
    insert into {{ target.render() }} ({{ insert_cols | join(', ') }})
    select {{ insert_cols | join(', ') }}
    from {{ source.render() }}
    where dbt_change_type = 'insert'
{%- endmacro %}

{% macro snapshot_check_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
    {#- As dbt's, but a text has also changed where it differs in blanks at its end: collations such
        as utf8mb4_bin take these for equal. -#}
    {%- set updated_at = config.get('updated_at') or snapshot_get_time() -%}
    {%- set column_added, names = snapshot_check_all_get_existing_columns(
        node, target_exists, config.get('check_cols')
    ) -%}
    {%- set differs = [get_true_sql()] if column_added else [] -%}
    {%- set texts = [] -%}
    {%- if target_exists -%}
        {%- for column in adapter.get_columns_in_relation(this) if column.is_string() -%}{%- do texts.append(column.quoted) -%}{%- endfor -%}
    {%- endif -%}
    {%- for name in names or [] -%}
        {%- set old = snapshotted_rel ~ '.' ~ name -%}
        {%- set new = current_rel ~ '.' ~ name -%}
        {%- do differs.append('not (' ~ old ~ ' <=> ' ~ new ~ ')') -%}
        {%- if name in texts -%}
            {%- do differs.append('length(' ~ old ~ ') != length(' ~ new ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set hard_deletes = adapter.get_hard_deletes_behavior(config) -%}
    {%- do return({
        'unique_key': config.get('unique_key'),
        'updated_at': updated_at,
        'row_changed': '(' ~ (differs or ['false']) | join(' or ') ~ ')',
        'scd_id': snapshot_hash_arguments(api.Relation.scd_args(config.get('unique_key'), updated_at)),
        'invalidate_hard_deletes': hard_deletes == 'invalidate',
        'hard_deletes': hard_deletes,
    }) -%}
{% endmacro %}
