{#-
    A dimension over its snapshot, as three views: all rows that were ever known (`..__versions`),
    the newest ones, on which marts are built, and beside the published marts the rows that the
    newest publication was built on. The model selects `known_from` and `known_to`, its rows'
    recorded interval.
-#}
{% materialization dimension, default %}
    {%- set published = published_relation(model.alias) -%}
    {{ run_hooks(pre_hooks) }}
    {%- set versions = dimension_versions_relation(model) -%}
    {%- do put_view(versions, sql) -%}
    {%- do put_view(this, 'select * from ' ~ versions ~ ' where known_to is null') -%}
    {%- do adapter.create_schema(published) -%}
    {%- do put_view(published, 'select * from ' ~ versions ~ ' where ' ~ known_at(shown_cut())) -%}
    {%- call noop_statement('main', 'OK', 'OK') -%}
        {{ sql }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}

{#- The instant at which the publication that readers see cut the snapshots. -#}
{% macro shown_cut() -%}
    {{- return(adapter.dispatch('shown_cut')()) -}}
{%- endmacro %}

{% macro default__shown_cut() -%}
    (select snapshot_cut from {{ shown_relation() }})
{%- endmacro %}
