{#- Number of rows and the sum of their hashes (MD5 as hex), a text; in halves, so that none overflows. -#}
{% macro sum_of_hashes(hash) -%}
    concat_ws(
        ':', cast(count(*) as {{ dbt.type_string() }})
        {%- for first in (1, 16) -%}
            , cast(
                sum(cast(conv(substr({{ hash }}, {{ first }}, 15), 16, 10) as decimal(20, 0)))
                as {{ dbt.type_string() }}
            )
        {%- endfor -%}
    )
{%- endmacro %}

{#-
    The same of many rows at less cost: of 64-bit hashes, to which a column that is null adds nothing.
-#}
{% macro sum_of_row_hashes(columns) -%}
    concat_ws(
        ':', cast(count(*) as {{ dbt.type_string() }}),
        cast(
            sum(cast(xxhash64({{ columns | join(', ') }}) as decimal(20, 0)))
            as {{ dbt.type_string() }}
        )
    )
{%- endmacro %}
