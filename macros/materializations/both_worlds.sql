{#- A table of a dimension in both worlds; none for one that the scenario does not edit. -#}
{% materialization both_worlds, adapter='spark' %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- do adapter.drop_relation(relation) -%}
    {%- if sql | trim == not_edited() | trim -%}
        {%- call noop_statement('main', 'OK', 'OK') -%}
            {{ sql }}
        {%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%}
            create table {{ relation }} using parquet as
            {{ sql }}
        {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [] if sql | trim == not_edited() | trim else [relation]}) }}
{% endmaterialization %}
