{#- A text of an approved row as a value of its column's type. -#}
{% macro cast_to(text, data_type) -%}
    {{- return(adapter.dispatch('cast_to')(text, data_type)) -}}
{%- endmacro %}

{% macro default__cast_to(text, data_type) -%}
    cast({{ text }} as {{ data_type }})
{%- endmacro %}

{#- MariaDB casts to fewer types than it has, and takes the text `true` for 0. -#}
{% macro foreview_mariadb__cast_to(text, data_type) -%}
    {%- if data_type == 'string' -%}
        {{ text }}
    {%- elif data_type == 'boolean' -%}
        ({{ text }} = 'true')
    {%- else -%}
        cast({{ text }} as {{ adapter.cast_type(data_type) }})
    {%- endif -%}
{%- endmacro %}

{#- A query of the values `item` in the cells of a column that hold lists. -#}
{% macro items_of(relation, column) -%}
    {{- return(adapter.dispatch('items_of')(relation, column)) -}}
{%- endmacro %}

{% macro default__items_of(relation, column) -%}
    select item
    from {{ relation }}
    lateral view explode(split({{ column }}, ';')) as item
{%- endmacro %}

{% macro foreview_mariadb__items_of(relation, column) -%}
    select cell.item collate {{ target.collation }} as item
    from {{ relation }}
    cross join json_table(
        concat('[', replace(json_quote({{ column }}) collate {{ target.collation }}, ';', '","'), ']'),
        '$[*]' columns (item longtext path '$')
    ) as cell
{%- endmacro %}
