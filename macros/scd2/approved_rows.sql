{#-
    The approved rows of the current model's contract: cast, with key and hash, nothing else.
    The columns are those of the model's properties file, the contract.
-#}
{% macro approved_rows(relation) -%}
    {%- set columns = contract_columns(model) -%}
    {%- set key = model.config.meta.contract.key if execute else [] -%}
    with source as (

        select * from {{ relation }}

    ),

    renamed as (

        select
            {%- for column in columns %}
            {{ cast_to(column.name, column.data_type) }} as {{ column.name }},
            {%- endfor %}
            {{ cast_to('change_set_id', 'string') }} as change_set_id,
            {{ row_key(key + ['valid_from']) }} as row_key,
            {{ row_hash(columns | map(attribute='name') | list) }} as row_hash
        from source

    )

    select * from renamed
{%- endmacro %}

{#- The contract's business columns and interval of a staging node, in order. -#}
{% macro contract_columns(node) -%}
    {%- set found = [] -%}
    {%- for column in node.columns.values() -%}
        {%- if column.name not in ('change_set_id', 'row_key', 'row_hash') -%}
            {%- do found.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- `--empty` would close every row of a snapshot that invalidates hard deletes. -#}
{% macro refuse_empty_snapshot() -%}
    {%- if flags.EMPTY -%}
        {{ exceptions.raise_compiler_error(
            "--empty would retire every row of " ~ this ~ ". Leave snapshots out of an --empty run."
        ) }}
    {%- endif -%}
{%- endmacro %}
