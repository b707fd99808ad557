{#-
    How a viewing record reaches each dimension: `by` names the column on the side of `from`, which
    is the viewing, the device of a record, or another dimension, nearer to the viewing; `key` is the
    dimension's own. A dimension comes before those that are reached through it. A macro and not
    meta, since the graph is empty when dbt parses.
-#}
{% macro reach() -%}
    {{- return({
        'channel': {'from': 'viewing', 'by': 'channel_id', 'key': 'channel_id'},
        'channel_key': {'from': 'viewing', 'by': 'channel_id', 'key': 'channel_id'},
        'area': {'from': 'device', 'by': 'area_id', 'key': 'area_id'},
        'network': {'from': 'channel', 'by': 'network_id', 'key': 'network_id'},
        'owner': {'from': 'channel', 'by': 'primary_owner_id', 'key': 'owner_id'},
        'category': {'from': 'channel', 'by': 'primary_category_id', 'key': 'category_id'},
        'country': {'from': 'channel', 'by': 'country_id', 'key': 'country_id'},
        'market': {'from': 'area', 'by': 'market_id', 'key': 'market_id'},
        'network_group': {'from': 'network', 'by': 'network_group_id', 'key': 'network_group_id'},
    }) -}}
{%- endmacro %}

{#- The dimensions that the scenario edits, in the order of `reach`: one small query. -#}
{% macro edited_dimensions() -%}
    {%- set names = run_query(
        _promoted_dimensions() if var('promoting') else _proposed_dimensions()
    ).columns[0].values() | list -%}
    {{- return(reach() | select('in', names) | list) -}}
{%- endmacro %}

{% macro _proposed_dimensions() -%}
    {%- if not var('change_sets', []) -%}
        {{ exceptions.raise_compiler_error(
            "No change set is named. Call dbt with --vars '{change_sets: [ID]}'."
        ) }}
    {%- endif -%}
    select distinct dimension
    from {{ _built_relation('stg_pending_edits') }}
    where change_set_id in ({{ scenario_literals() }})
{%- endmacro %}

{#-
    While a promotion prepares its figures: the dimensions whose recorded rows moved since the newest
    publication. Its check must not rest on the staged edits that it checks.
-#}
{% macro _promoted_dimensions() -%}
    {%- set cut -%}
        cast('{{ newest_publication()['snapshot_cut'] }}' as timestamp)
    {%- endset -%}
    {%- for name in reach() %}
    select distinct '{{ name }}' as dimension
    from {{ _built_relation(name ~ '_history') }}
    where dbt_valid_from > {{ cut }} or dbt_valid_to > {{ cut }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
