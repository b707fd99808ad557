{# Seeds, loaded from a file by LOAD DATA. #}

{% macro foreview_mariadb__create_csv_table(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set columns = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
        {%- do columns.append(adapter.quote(name) ~ ' ' ~ type) -%}
    {%- endfor -%}
    {% set sql %}
        create table {{ this.render() }} ({{ columns | join(', ') }})
        default character set utf8mb4 collate {{ target.collation }}
    {% endset %}
    {% call statement('_') %}{{ sql }}{% endcall %}
    {{ return(sql) }}
{% endmacro %}

{% macro foreview_mariadb__load_csv_rows(model, agate_table) %}
    {{ return(adapter.load_rows(this, agate_table, model['config'].get('column_types') or {})) }}
{% endmacro %}
