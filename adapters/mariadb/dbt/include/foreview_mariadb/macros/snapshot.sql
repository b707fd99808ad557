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
    {# The query runs once, and is joined with the history once; only deletions need it again. #}
    {% set compared_relation = make_temp_relation(target_relation, '__dbt_compared') %}
    {% set staging_relation = make_temp_relation(target_relation) %}
    {% set compared = compared_rows(strategy, sql, target_relation) %}
    {% call statement('build_snapshot_compared_relation') %}
        create or replace temporary table {{ compared_relation.render() }} engine = aria as
        {{ compared }}
    {% endcall %}
    {% set compared = 'select * from ' ~ compared_relation.render() %}
    {% call statement('build_snapshot_staging_relation') %}
        create or replace temporary table {{ staging_relation.render() }} as
        {{ staged_rows(strategy, sql, compared, target_relation) }}
    {% endcall %}
    {# It is as large as the history, and would stay as long as the session. #}
    {% call statement('drop_snapshot_compared_relation') %}
        drop temporary table {{ compared_relation.render() }}
    {% endcall %}
    {# An update of joined tables takes no hash join: without a key it looks at all pairs of rows. #}
    {% set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() %}
    {% call statement('index_snapshot_staging_relation') %}
        alter table {{ staging_relation.render() }} add index ({{ columns.dbt_scd_id }}(32))
    {% endcall %}
    {% do return(staging_relation) %}
{% endmacro %}

{% macro foreview_mariadb__create_indexes(relation) %}
    {# dbt asks for the indexes of new tables only. A history is looked up by key and by version. #}
    {% if model.resource_type == 'snapshot' %}
        {% set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() %}
        {% set keys = config.get('unique_key') %}
        {% set keys = [keys] if keys is string else keys %}
        {% set parts = [] %}
        {% for column in adapter.get_columns_in_relation(relation) if column.name in keys %}
            {% do parts.append(column.quoted ~ ('(64)' if column.is_string() and column.char_size > 64)) %}
        {% endfor %}
        {% call statement('index_history') %}
            alter table {{ relation.render() }} add index ({{ columns.dbt_scd_id }}(32))
            {%- if parts | length == keys | length %}, add index ({{ parts | join(', ') }}){% endif %}
        {% endcall %}
    {% endif %}
{% endmacro %}

{% macro foreview_mariadb__post_snapshot(staging_relation) %}
    {% call statement('drop_snapshot_staging_relation') %}
        drop temporary table if exists {{ staging_relation.render() }}
    {% endcall %}
{% endmacro %}

{% macro foreview_mariadb__snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {%- set compared = compared_rows(strategy, source_sql, target_relation) -%}
    {{ staged_rows(strategy, source_sql, compared, target_relation) }}
{%- endmacro %}

{% macro compared_rows(strategy, source_sql, target_relation) -%}
    {#- Each row of the query with its current version's id, and whether it differs from that. -#}
    {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set keys = strategy.unique_key -%}
    select
        source_data.*,
        snapshotted_data.{{ columns.dbt_scd_id }} as dbt_known_scd_id,
        {%- if strategy.hard_deletes == 'new_record' %}
        snapshotted_data.{{ columns.dbt_is_deleted }} as dbt_known_is_deleted,
        {%- endif %}
        ({{ strategy.row_changed }}
        {%- if strategy.hard_deletes == 'new_record' %}
            or snapshotted_data.{{ columns.dbt_is_deleted }} = 'True'
        {%- endif %}) as dbt_is_changed
    from (
        select
            *,
            {{ unique_key_fields(keys) }}
        from (
            {{ source_sql }}
        ) as snapshot_query
    ) as source_data
    left join {{ current_versions(keys, target_relation, columns) }}
        on {{ unique_key_join_on(keys, 'snapshotted_data', 'source_data') }}
{%- endmacro %}

{% macro current_versions(keys, target_relation, columns) -%}
    (
        select
            *,
            {{ unique_key_fields(keys) }}
        from {{ target_relation }}
        where {{ is_current_version('', columns) }}
    ) as snapshotted_data
{%- endmacro %}

{% macro staged_rows(strategy, source_sql, compared_sql, target_relation) -%}
    {#- The rows of dbt's own: 'insert' for a new version, 'update' and 'delete' for one to close. -#}
    {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set keys = strategy.unique_key -%}
    {%- set new_record = strategy.hard_deletes == 'new_record' -%}
    {%- set deletes = strategy.hard_deletes in ['invalidate', 'new_record'] and not flags.EMPTY -%}
    {%- set names = get_columns_in_query(source_sql) -%}
    {%- set key_fields = ['dbt_unique_key'] -%}
    {%- if keys is not string -%}
        {%- set key_fields = [] -%}
        {%- for _ in keys -%}{%- do key_fields.append('dbt_unique_key_' ~ loop.index) -%}{%- endfor -%}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for name in names -%}{%- do rows.append(adapter.quote(name)) -%}{%- endfor -%}
    {%- set rows = (rows + key_fields) | join(', ') -%}
    with compared_data as (
        {{ compared_sql }}
    )

    select
        'insert' as dbt_change_type,
        {{ rows }},
        {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
        {{ get_dbt_valid_to_current(strategy, columns) }},
        {{ strategy.scd_id }} as {{ columns.dbt_scd_id }}
        {%- if new_record %}, 'False' as {{ columns.dbt_is_deleted }}{% endif %}
    from compared_data
    where dbt_known_scd_id is null or dbt_is_changed

    union all

    select
        'update' as dbt_change_type,
        {{ rows }},
        {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_to }},
        dbt_known_scd_id as {{ columns.dbt_scd_id }}
        {%- if new_record %}, dbt_known_is_deleted as {{ columns.dbt_is_deleted }}{% endif %}
    from compared_data
    where dbt_known_scd_id is not null and dbt_is_changed
    {%- if deletes %}
    {%- set kept = get_list_of_column_names(get_columns_in_relation(target_relation)) -%}
    {%- set old_rows = [] -%}
    {%- for name in names -%}
        {%- do old_rows.append('snapshotted_data.' ~ adapter.quote(name) if name in kept else 'null') -%}
    {%- endfor -%}
    {%- for name in key_fields -%}{%- do old_rows.append('snapshotted_data.' ~ name) -%}{%- endfor -%}
    {#- None are looked for where each current version has its row. -#}
    {%- set gone -%}
        from {{ current_versions(keys, target_relation, columns) }}
        left join compared_data
            on snapshotted_data.{{ columns.dbt_scd_id }} = compared_data.dbt_known_scd_id
        where compared_data.dbt_known_scd_id is null
            and (select count(distinct dbt_known_scd_id) from compared_data)
            < (select count(*) from {{ target_relation }} where {{ is_current_version('', columns) }})
            {%- if new_record %} and snapshotted_data.{{ columns.dbt_is_deleted }} != 'True'{% endif %}
    {%- endset %}

    union all

    select
        'delete' as dbt_change_type,
        {{ old_rows | join(', ') }},
        {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
        {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
        {{ snapshot_get_time() }} as {{ columns.dbt_valid_to }},
        snapshotted_data.{{ columns.dbt_scd_id }}
        {%- if new_record %}, snapshotted_data.{{ columns.dbt_is_deleted }}{% endif %}
    {{ gone }}
    {%- if new_record %}

    union all

    select
        'insert' as dbt_change_type,
        {{ old_rows | join(', ') }},
        {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
        {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
        snapshotted_data.{{ columns.dbt_valid_to }},
        {{ snapshot_hash_arguments(['snapshotted_data.' ~ columns.dbt_scd_id, snapshot_get_time()]) }}
            as {{ columns.dbt_scd_id }},
        'True' as {{ columns.dbt_is_deleted }}
    {{ gone }}
    {%- endif %}
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
