{#- The reference store on MariaDB: dimensions without viewing, and publications of its own. -#}
{% macro foreview_mariadb__create_landing_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'test', 'run-operation') -%}
        {%- do adapter.create_schema(publications_relation()) -%}
        {%- for source in _store_loads() -%}
            {%- set relation = _store_load(source) -%}
            {%- do adapter.create_schema(relation) -%}
            {%- do run_query('create table if not exists ' ~ relation ~ _text_columns(source.columns)) -%}
        {%- endfor -%}
        {%- do run_query(
            'create table if not exists ' ~ publications_relation() ~ ' (number int primary key, '
            ~ adapter.quote('release') ~ ' int, snapshot_cut datetime(6), published_at datetime(6))'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- The sources that approved rows are loaded to: of tables too large for a seed. -#}
{% macro _store_loads() -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values()
        if node.config.get('meta', {}).get('contract', {}).get('storage') == 'delta' -%}
        {%- set name = node.name | replace('stg_', '') -%}
        {%- do found.append(graph.sources['source.' ~ project_name ~ '.landing.' ~ name]) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro _store_load(source, suffix='') -%}
    {{- return(api.Relation.create(
        schema=source.schema, identifier=source.name ~ suffix, type='table'
    )) -}}
{%- endmacro %}

{% macro _text_columns(names) -%}
    {%- set columns = [] -%}
    {%- for name in names -%}{%- do columns.append(adapter.quote(name) ~ ' longtext') -%}{%- endfor -%}
    {{- return(
        ' (' ~ columns | join(', ') ~ ') default character set utf8mb4 collate ' ~ target.collation
    ) -}}
{%- endmacro %}

{#- Replaces loads by files of approved rows, each at once: `{channel: /path/channel.csv}`. -#}
{% macro load_store(files) -%}
    {%- do create_landing_tables() -%}
    {%- for source in _store_loads() if source.name in files -%}
        {%- set now, next, last = _store_load(source), _store_load(source, '__next'), _store_load(source, '__last') -%}
        {%- do run_query('drop table if exists ' ~ next ~ ', ' ~ last) -%}
        {%- do run_query('create table ' ~ next ~ _text_columns(source.columns)) -%}
        {%- do adapter.load_csv(next, files[source.name], source.columns | list) -%}
        {%- do run_query('rename table ' ~ now ~ ' to ' ~ last ~ ', ' ~ next ~ ' to ' ~ now) -%}
        {%- do run_query('drop table ' ~ last) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Seeds are text, as for Spark; dbt's own way would take a code such as 007 for a number. -#}
{% macro foreview_mariadb__create_csv_table(model, agate_table) -%}
    {%- call statement('_') -%}
        create table {{ this.render() }} {{ _text_columns(agate_table.column_names) }}
    {%- endcall -%}
    {{ return('') }}
{%- endmacro %}

{% macro foreview_mariadb__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
    {%- set present = adapter.get_columns_in_relation(old_relation) | map(attribute='name') | list -%}
    {%- if full_refresh or present != agate_table.column_names | list -%}
        {%- do adapter.drop_relation(old_relation) -%}
        {%- do create_csv_table(model, agate_table) -%}
    {%- else -%}
        {%- do run_query('delete from ' ~ old_relation) -%}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{% macro foreview_mariadb__load_csv_rows(model, agate_table) -%}
    {%- set path = model.root_path ~ '/' ~ model.original_file_path -%}
    {{ return(adapter.load_csv(this, path, agate_table.column_names | list)) }}
{%- endmacro %}

{#- What is promoted is in the seeds already: `foreview store` asks the registry before it builds. -#}
{% macro foreview_mariadb__refuse_while_promoting() -%}{%- endmacro %}

{% macro foreview_mariadb__shown_cut() -%}
    (select max(publication.snapshot_cut) from {{ publications_relation() }} as publication)
{%- endmacro %}

{#- At the end of a whole build without failure: what was built is what readers see from now on. -#}
{% macro foreview_mariadb__publish_after_build(results) -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set ended = outcome_of_run(results, 'dimension') -%}
        {%- if ended.failed -%}
            {%- do log('Not published: ' ~ ended.failed | join(', ') ~ ' failed.', info=true) -%}
        {%- elif ended.built | length < models_materialized('dimension') | length -%}
            {%- do log('Not published: not all dimensions were built.', info=true) -%}
        {%- elif _store_has_moved() -%}
            {%- call statement('publish', auto_begin=False) -%}
                insert into {{ publications_relation() }}
                select
                    coalesce(max(number), 0) + 1,
                    {{ run_var('release', none) or 'null' }},
                    now(6),
                    now(6)
                from {{ publications_relation() }}
            {%- endcall -%}
            {%- do log('Published.', info=true) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Whether there are other rows than in the newest publication, or it is of another release. -#}
{% macro _store_has_moved() -%}
    {%- set newest = newest_publication() -%}
    {{- return(
        newest is none
        or newest['release'] != run_var('release', newest['release'])
        or dimensions_changed_since(newest) | length > 0
    ) -}}
{%- endmacro %}
