{#-
    How a viewing record reaches each dimension: `by` names the column on the side of `from`, which
    is the viewing, the device of a record, or another dimension, nearer to the viewing; `key` is the
    dimension's own. `during` names the instants between which an event was on: it is reached by the
    content that was viewed then. `latest_of` names the dimension of which this one is the last row
    of each key, for figures as it is now (docs/decisions/0013-as-it-is-now.md). A dimension comes
    before those that are reached through it. A macro and not meta, since the graph is empty when dbt
    parses.
-#}
{% macro reach() -%}
    {{- return({
        'channel': {'from': 'viewing', 'by': 'channel_id', 'key': 'channel_id'},
        'channel_key': {'from': 'viewing', 'by': 'channel_id', 'key': 'channel_id'},
        'current_channel': {
            'from': 'viewing', 'by': 'channel_id', 'key': 'channel_id', 'latest_of': 'channel',
        },
        'area': {'from': 'device', 'by': 'area_id', 'key': 'area_id'},
        'current_area': {
            'from': 'device', 'by': 'area_id', 'key': 'area_id', 'latest_of': 'area',
        },
        'airing': {
            'from': 'viewing', 'by': 'channel_id', 'key': 'airing_id',
            'during': ['starts_at', 'ends_at'],
        },
        'network': {'from': 'channel', 'by': 'network_id', 'key': 'network_id'},
        'owner': {'from': 'channel', 'by': 'primary_owner_id', 'key': 'owner_id'},
        'category': {'from': 'channel', 'by': 'primary_category_id', 'key': 'category_id'},
        'country': {'from': 'channel', 'by': 'country_id', 'key': 'country_id'},
        'market': {'from': 'area', 'by': 'market_id', 'key': 'market_id'},
        'programme': {'from': 'airing', 'by': 'programme_id', 'key': 'programme_id'},
        'network_group': {'from': 'network', 'by': 'network_group_id', 'key': 'network_group_id'},
        'genre': {'from': 'programme', 'by': 'genre_id', 'key': 'genre_id'},
    }) -}}
{%- endmacro %}

{#-
    Whether the scenario edits a dimension. While a promotion prepares its figures: whether its
    recorded rows moved since the newest publication, because the check of a promotion must not rest
    on the staged edits that it checks.
-#}
{% macro is_edited(name) -%}
    {%- if not run_var('promoting') and not run_var('change_sets', []) -%}
        {{ exceptions.raise_compiler_error(
            "No change set is named. Call dbt with --vars '{change_sets: [ID]}'."
        ) }}
    {%- endif -%}
    {%- set query -%}
        {%- if run_var('promoting') -%}
            {%- set cut = publication_compared_with()['cut'] -%}
            select 1 from {{ _built_relation(name ~ '_history') }}
            where dbt_valid_from > cast('{{ cut }}' as timestamp)
                or dbt_valid_to > cast('{{ cut }}' as timestamp)
        {%- else -%}
            select 1 from {{ _built_relation('stg_pending_edits') }}
            where dimension = '{{ name }}' and change_set_id in ({{ scenario_literals() }})
        {%- endif %}
        limit 1
    {%- endset -%}
    {{- return(run_query(query).rows | length > 0) -}}
{%- endmacro %}

{#- The dimension that a model is, or none. -#}
{% macro dimension_of(model_name) -%}
    {%- set name = model_name[4:] -%}
    {{- return(name if model_name.startswith('dim_') and name in reach() else none) -}}
{%- endmacro %}

{#- The dimension whose rows are edited: itself, but for the last rows of another. -#}
{% macro recorded_dimension(name) -%}
    {{- return(reach()[name].get('latest_of', name)) -}}
{%- endmacro %}

{#- The dimensions that the scenario edits: those that were built in both worlds. -#}
{% macro edited_dimensions() -%}
    {%- set found = [] -%}
    {%- for name in reach()
        if load_cached_relation(ref('both_worlds_' ~ recorded_dimension(name))) is not none -%}
        {%- do found.append(name) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- What the models after `both_worlds_*` need to know: the newest publication, and what is edited. -#}
{% macro current_scenario() -%}
    {{- return({'publication': publication_compared_with(), 'edited': edited_dimensions()}) -}}
{%- endmacro %}

{#-
    The newest publication, looked up once for all models of one what-if. `graph` is the one thing
    that models of a dbt command share; a command makes it anew.
-#}
{% macro publication_compared_with() -%}
    {%- if 'publication_compared_with' not in graph -%}
        {%- do graph.update({'publication_compared_with': newest_publication()}) -%}
    {%- endif -%}
    {{- return(graph['publication_compared_with']) -}}
{%- endmacro %}
