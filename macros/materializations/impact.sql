{#-
    The impact of a scenario on each mart that it touches, as a table `impact_<mart>`: every figure
    that moves, before, after and by how much, and whether it is held. One model for all marts, so
    that a new mart needs nothing else. The model's own table says how much viewing is touched.
-#}
{% materialization impact, default %}
    {%- set scenario = current_scenario() -%}
    {{ run_hooks(pre_hooks) }}
    {%- set paths = paths_taken() -%}
    {%- set ranks = [] -%}
    {%- set impact_relations = {} -%}
    {%- for mart in versioned_marts() -%}
        {%- set relation = impact_relation(mart) -%}
        {%- set taken = paths.get(period_of(mart)) -%}
        {#- Keys without viewing move nothing: no need to run the mart's SQL over no record. -#}
        {%- if not taken or mart.name not in taken.marts -%}
            {%- do adapter.drop_relation(relation) -%}
        {%- else -%}
            {%- set moved = this.incorporate(path={'identifier': 'moved_' ~ mart.name}, type='table') -%}
            {%- do create_as(moved, moved_figures(mart, scenario, taken)) -%}
            {%- set figures = what_if(mart, scenario, taken, moved) -%}
            {#- Held or not, an illustration shows the days that it borrows. -#}
            {%- do create_as(
                relation,
                'select *, false as is_held from (' ~ figures ~ ') as figures'
                if run_var('illustrate').day else with_held(mart, figures)
            ) -%}
            {%- set moving = '(select * from ' ~ relation ~ ' where not is_held)' -%}
            {%- do impact_relations.update({mart.name: moving}) -%}
            {%- if mart.config.meta.mart.ranks_within is defined -%}
                {%- do ranks.append(rank_changes(mart, scenario, moving, taken)) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if run_var('promoting') -%}
        {%- do create_as(
            this.incorporate(path={'identifier': 'unlike_whole_periods'}, type='table'),
            figures_unlike_whole_periods(scenario, paths)
        ) -%}
    {%- elif not run_var('illustrate').day -%}
        {%- do create_as(
            this.incorporate(path={'identifier': 'rank_changes'}, type='table'),
            all_rank_changes(ranks)
        ) -%}
        {%- do build_other_models(scenario, impact_relations) -%}
    {%- endif -%}
    {%- do create_as(this.incorporate(type='table'), sql, 'main') -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{% endmaterialization %}

{#- Tells dbt, when it parses, what the materialization reads. -#}
{% macro depend_on_what_if() -%}
    {%- do depend_on_both_worlds() -%}
    {%- do ref('what_if_paths') -%}
    {%- for period in periods() -%}
        {%- do ref(touched_viewing_name(period)) -%}
        {%- do ref(what_if_viewing_name(period)) -%}
    {%- endfor -%}
    {%- do ref('what_if_device') -%}
{%- endmacro %}

{#- A scenario's table, made anew. -#}
{% macro create_as(relation, query, name='create_as') -%}
    {%- do adapter.drop_relation(relation) -%}
    {%- call statement(name) -%}
        create table {{ relation }} using parquet as
        {{ query }}
    {%- endcall -%}
{%- endmacro %}

{#- The table of a scenario's impact on a mart; there is none when the mart is not touched. -#}
{% macro impact_relation(mart) -%}
    {%- set model = graph.nodes['model.' ~ project_name ~ '.impact'] -%}
    {{- return(api.Relation.create(
        database=(target.database or none),
        schema=model.schema,
        identifier='impact_' ~ mart.name,
        type='table',
    )) -}}
{%- endmacro %}
