{#- A table of a dimension in both worlds; none for one that the scenario does not edit. -#}
{% materialization both_worlds, adapter='spark' %}
    {{ run_hooks(pre_hooks) }}
    {%- do adapter.drop_relation(this.incorporate(type='table')) -%}
    {%- if model.name | replace('both_worlds_', '') in edited_dimensions() -%}
        {%- call statement('main') -%}
            create table {{ this }} using parquet as
            {{ sql }}
        {%- endcall -%}
    {%- else -%}
        {%- call noop_statement('main', 'OK', 'OK') -%}
            {{ sql }}
        {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{% endmaterialization %}
