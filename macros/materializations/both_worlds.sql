{#- A table of a dimension in both worlds; none for one that the scenario does not edit. -#}
{% materialization both_worlds, default %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if sql | trim == not_edited() | trim -%}
        {%- do adapter.drop_relation(relation) -%}
        {%- call noop_statement('main', 'OK', 'OK') -%}
            {{ sql }}
        {%- endcall -%}
    {%- else -%}
        {%- do create_as(relation, sql, 'main') -%}
        {%- do refuse_overlapping_rows(model.name | replace('both_worlds_', '', 1), relation) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [] if sql | trim == not_edited() | trim else [relation]}) }}
{% endmaterialization %}
