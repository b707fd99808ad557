{#-
    Spark reads the seed file itself: dbt's own way turns every value into a literal of one INSERT,
    which a real table with quotes and backslashes does not survive. All columns are text; the
    staging model casts them.
-#}
{% macro spark__create_csv_table(model, agate_table) %}
    {%- call statement('_') -%}
        create table {{ this.include(database=false) }} (
            {%- for name in agate_table.column_names %}
            `{{ name }}` string{{ "," if not loop.last }}
            {%- endfor %}
        )
        {{ file_format_clause() }}
        {{ location_clause() }}
    {%- endcall -%}
{% endmacro %}

{% macro spark__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {#- Dropping a table that is read elsewhere leaves a gap: overwrite it instead. -#}
    {%- set present = adapter.get_columns_in_relation(old_relation) | map(attribute='name') | list -%}
    {%- if full_refresh or present != agate_table.column_names | list -%}
        {%- do adapter.drop_relation(old_relation) -%}
        {%- do return(create_csv_table(model, agate_table)) -%}
    {%- elif agate_table.rows | length == 0 -%}
        {%- do run_query('delete from ' ~ old_relation) -%}
    {%- endif -%}
    {{ return("") }}
{% endmacro %}

{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set path = model.root_path ~ '/' ~ model.original_file_path -%}
    {%- call statement('read_seed') -%}
        create or replace temporary view seed_file_{{ model.name }} (
            {%- for name in agate_table.column_names %}
            `{{ name }}` string{{ "," if not loop.last }}
            {%- endfor %}
        ) using csv options (
            path '{{ path }}', header 'true', mode 'FAILFAST', multiLine 'true', quote '"', escape '"',
            encoding 'UTF-8', enforceSchema 'false'
        )
    {%- endcall -%}
    {%- call statement('load_seed') -%}
        insert overwrite {{ this.include(database=false) }} select * from seed_file_{{ model.name }}
    {%- endcall -%}
    {{ return("seed_file_" ~ model.name) }}
{% endmacro %}
