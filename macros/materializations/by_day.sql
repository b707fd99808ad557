{#-
    A table whose days are replaced as a whole when a load touched them. Dynamic partition
    overwrite would keep a day that became empty; `replace where` with literal days does not.
-#}
{% materialization by_day, default %}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing is none -%}
        {%- call statement('main') -%}
            create table {{ this }} {{ in_table_format() }}
            partitioned by ({{ config.require('partition_by') }}) as
            {{ sql }}
        {%- endcall -%}
    {%- else -%}
        {%- set days = days_loaded_since(newest_publication()) -%}
        {%- call statement('main') -%}
            insert into {{ this }}
            replace where {{ 'true' if days is none else 'false' if not days else 'true ' ~ and_on_days(days) }}
            select * from ({{ sql }}) as fresh
            where {{ 'true' if days is none else 'false' if not days else 'true ' ~ and_on_days(days) }}
        {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{% endmaterialization %}
