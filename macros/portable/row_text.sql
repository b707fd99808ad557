{#- A key and its valid_from as one string; `changes.row_key` in Python spells it the same. -#}
{% macro row_key(columns) -%}
    concat_ws(
        '|'
        {%- for column in columns -%}
            , replace(replace(cast({{ column }} as {{ dbt.type_string() }}), '%', '%25'), '|', '%7C')
        {%- endfor -%}
    )
{%- endmacro %}

{#- MD5 of the non-null `name=value` pairs: a new, empty column changes no hash. -#}
{% macro row_hash(columns) -%}
    md5(concat_ws(
        '|'
        {%- for column in columns -%}
            , concat('{{ column }}=', replace(replace(cast({{ column }} as {{ dbt.type_string() }}), '%', '%25'), '|', '%7C'))
        {%- endfor -%}
    ))
{%- endmacro %}

{#- The first of the values in a cell that holds a list. -#}
{% macro first_in_list(column) -%}
    substring_index({{ column }}, ';', 1)
{%- endmacro %}
