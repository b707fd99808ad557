{#-
    The full path of models that are no marts: any model downstream of an edited dimension or a mart
    is built twice into the scenario's schema, `before_<model>` and `after_<model>`, and compared as
    bags of rows into `difference_<model>`; the table `other_models` counts them. A mart that it reads
    is the published one, with the impact applied in the after-world. A model with `meta: {what_if: false}` is left out.
-#}
{% macro build_other_models(scenario, impact_relations) -%}
    {%- set counts = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.package_name == project_name
        and node.config.materialized in ('table', 'view', 'incremental')
        and 'what_if' not in node.tags and not node.name.startswith('dim_')
        and node.config.meta.get('what_if', true)
        and _reads_edited(node.unique_id, scenario, impact_relations) -%}
        {%- set tables = {} -%}
        {%- for world in ('before', 'after') -%}
            {%- do tables.update({world: this.incorporate(
                path={'identifier': world ~ '_' ~ node.name}, type='table'
            )}) -%}
            {%- do create_as(tables[world], _in_world(node, world, scenario, impact_relations)) -%}
        {%- endfor -%}
        {%- set difference -%}
            select 'before' as world, before_rows.*
            from (select * from {{ tables.before }} except all select * from {{ tables.after }})
                as before_rows
            union all
            select 'after' as world, after_rows.*
            from (select * from {{ tables.after }} except all select * from {{ tables.before }})
                as after_rows
        {%- endset -%}
        {%- do tables.update({'difference': this.incorporate(
            path={'identifier': 'difference_' ~ node.name}, type='table'
        )}) -%}
        {%- do create_as(tables.difference, difference) -%}
        {%- set count -%}
            select
                '{{ node.name }}' as model,
                (select count(*) from {{ tables.before }}) as rows_before,
                (select count(*) from {{ tables.after }}) as rows_after,
                count_if(world = 'before') as removed,
                count_if(world = 'after') as added
            from {{ tables.difference }}
        {%- endset -%}
        {%- do counts.append(count) -%}
    {%- endfor -%}
    {%- do counts.append(
        "select '' as model, 0L as rows_before, 0L as rows_after, 0L as removed, 0L as added where false"
    ) -%}
    {%- do create_as(
        this.incorporate(path={'identifier': 'other_models'}, type='table'), counts | join(' union all ')
    ) -%}
{%- endmacro %}

{#- Whether a model's rows can differ between the worlds: through a dimension or a touched mart. -#}
{% macro _reads_edited(unique_id, scenario, impact_relations) -%}
    {%- set node = graph.nodes.get(unique_id) -%}
    {%- if not node or node.resource_type != 'model' -%}{{- return(false) -}}{%- endif -%}
    {%- if node.config.materialized == 'versioned' -%}
        {{- return(node.name in impact_relations) -}}
    {%- elif dimension_of(node.name) -%}
        {{- return(dimension_of(node.name) in scenario.edited) -}}
    {%- endif -%}
    {%- for parent in node.depends_on.nodes if _reads_edited(parent, scenario, impact_relations) -%}
        {{- return(true) -}}
    {%- endfor -%}
    {{- return(false) -}}
{%- endmacro %}

{#- A model's own SQL in one world, with all that differs before it in that world too. -#}
{% macro _in_world(node, world, scenario, impact_relations) -%}
    {%- set inputs = {} -%}
    {%- for unique_id in node.depends_on.nodes
        if _reads_edited(unique_id, scenario, impact_relations) -%}
        {%- set parent = graph.nodes[unique_id] -%}
        {%- if parent.config.materialized == 'versioned' -%}
            {%- set query = _mart_with_impact(parent, world, scenario, impact_relations[parent.name]) -%}
        {%- elif dimension_of(parent.name) -%}
            {%- set query = in_world(dimension_of(parent.name), world, scenario) -%}
        {%- else -%}
            {%- set query = '(' ~ _in_world(parent, world, scenario, impact_relations) ~ ')' -%}
        {%- endif -%}
        {%- do inputs.update({parent.name: query}) -%}
    {%- endfor -%}
    {{- render_over(node.name, inputs) -}}
{%- endmacro %}

{#- A mart as its readers would see it in one world. -#}
{% macro _mart_with_impact(mart, world, scenario, impact) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set columns = version_columns(mart) -%}
    (
        select {{ _mart_view_columns(mart) }}
        from (
            select
                {%- for column in columns %}
                published.{{ column }},
                {%- endfor %}
                cast(null as int) as published_from
            from {{ published_mart(mart, scenario.publication) }} as published
            {%- if world == 'after' %}
            left anti join {{ impact }} as impact on {{ same_figure(mart, 'published', 'impact') }}
            union all
            select
                {%- for column in columns %}
                {{ column if column in rules.grain else 'after_' ~ column }},
                {%- endfor %}
                cast(null as int) as published_from
            from {{ impact }}
            where change != 'removed'
            {%- endif %}
        ) as version
    )
{%- endmacro %}
