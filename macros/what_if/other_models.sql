{#-
    The full path of models that are no marts: any model downstream of an edited dimension or a mart
    is built twice into the scenario's schema, `before_<model>` and `after_<model>`, and compared as
    bags of rows into `difference_<model>`; the table `other_models` counts them. A mart that it reads
    is the published one, with the impact applied in the after-world. A model with `meta: {what_if: false}` is left out; what
    can't be built from its SQL, a snapshot or a model of a package is counted with the reason.
-#}
{% macro build_other_models(scenario, impact_relations) -%}
    {%- set counts = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type in ('model', 'snapshot')
        and node.config.materialized not in _ways_of_our_own()
        and 'what_if' not in node.tags and not dimension_of(node.name)
        and node.config.meta.get('what_if', true)
        and _has_edited_input(node, scenario, impact_relations) -%}
        {%- set reason = _not_shown(node, scenario, impact_relations) -%}
        {%- if reason -%}
            {%- do counts.append(_counted_model(node.name, reason)) -%}
        {%- else -%}
            {%- do counts.append(_build_in_both_worlds(node, scenario, impact_relations)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do counts.append(_counted_model('', '') ~ ' where false') -%}
    {%- do create_as(
        this.incorporate(path={'identifier': 'other_models'}, type='table'), counts | join(' union all ')
    ) -%}
{%- endmacro %}

{#- How marts, dimensions and what is between them are materialized: what-ifs know those. -#}
{% macro _ways_of_our_own() -%}
    {{- return(['ephemeral', 'versioned', 'dimension', 'by_day', 'both_worlds', 'impact']) -}}
{%- endmacro %}

{#- What is downstream of an edit and never built in a scenario: the reason, or none. -#}
{% macro _not_built(node) -%}
    {%- set what = "a snapshot" if node.resource_type == 'snapshot'
        else "a model of the package " ~ node.package_name if node.package_name != project_name
        else "materialized as " ~ node.config.materialized
            if node.config.materialized not in ('table', 'view', 'incremental', 'ephemeral') -%}
    {{- return(node.name ~ " is " ~ what ~ ", which a preview does not build" if what else none) -}}
{%- endmacro %}

{#- A row of `other_models` about a model that is not built. -#}
{% macro _counted_model(name, reason) -%}
    select
        '{{ name }}' as model,
        cast(0 as bigint) as rows_before,
        cast(0 as bigint) as rows_after,
        cast(0 as bigint) as removed,
        cast(0 as bigint) as added,
        {{ text_literal(reason) }} as reason
{%- endmacro %}

{#- Builds a model in both worlds and their difference; its row of `other_models`, as a query. -#}
{% macro _build_in_both_worlds(node, scenario, impact_relations) -%}
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
            count_if(world = 'after') as added,
            '' as reason
        from {{ tables.difference }}
    {%- endset -%}
    {{- return(count) -}}
{%- endmacro %}

{#-
    Why a model can't be built in another world, or none: it is in Python or in a package, or it or a
    model before it names what differs otherwise than by a plain `ref`, so that no other rows can be
    put there.
-#}
{% macro _not_shown(node, scenario, impact_relations) -%}
    {%- set what = _not_built(node) -%}
    {%- if what -%}
        {{- return(what) -}}
    {%- elif node.language == 'python' -%}
        {{- return(node.name ~ " is in Python, which a preview can't run over other rows") -}}
    {%- endif -%}
    {%- set plain = modules.re.findall(ref_pattern(), without_jinja_comments(node.raw_code)) -%}
    {%- for unique_id in node.depends_on.nodes
        if _reads_edited(unique_id, scenario, impact_relations) -%}
        {%- set parent = graph.nodes[unique_id] -%}
        {%- if parent.name not in plain or _is_named_otherwise(node, parent) -%}
            {{- return(
                node.name ~ " does not name " ~ parent.name ~ " by {{ ref('" ~ parent.name
                ~ "') }} alone, so a preview can't put other rows there"
            ) -}}
        {%- elif parent.config.materialized != 'versioned' and not dimension_of(parent.name) -%}
            {%- set reason = _not_shown(parent, scenario, impact_relations) -%}
            {%- if reason -%}{{- return(reason) -}}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(none) -}}
{%- endmacro %}

{#- Whether a model also names another one where no other rows can be put, as in a macro's arguments. -#}
{% macro _is_named_otherwise(node, parent) -%}
    {%- for problem in _reference_problems(node) if parent.name in modules.re.findall("\\w+", problem) -%}
        {{- return(true) -}}
    {%- endfor -%}
    {{- return(false) -}}
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
    {{- return(_has_edited_input(node, scenario, impact_relations)) -}}
{%- endmacro %}

{% macro _has_edited_input(node, scenario, impact_relations) -%}
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
            {%- set query = _rows_in_world(dimension_of(parent.name), world, scenario) -%}
        {%- else -%}
            {%- set query = '(' ~ _in_world(parent, world, scenario, impact_relations) ~ ')' -%}
        {%- endif -%}
        {%- do inputs.update({parent.name: query}) -%}
    {%- endfor -%}
    {{- render_over(node.name, inputs) -}}
{%- endmacro %}

{#-
    An edited dimension in one world with its own columns. A row that no edit changes is recorded as it
    is in both, so that it is the same row; another one is recorded since the publication.
-#}
{% macro _rows_in_world(name, world, scenario) -%}
    {%- if recorded_dimension(name) != name -%}
        {{- return(in_world(name, world, scenario)) -}}
    {%- endif -%}
    {%- set columns = run_query(
        'select * from ' ~ ref('both_worlds_' ~ name) ~ ' limit 0'
    ).column_names | reject('equalto', 'world') | list -%}
    {{- return(rows_of_world(
        in_world(name, 'before', scenario), in_world(name, world, scenario), columns, world,
        scenario.publication
    )) -}}
{%- endmacro %}

{% macro rows_of_world(before, rows, columns, world, publication) -%}
    {%- set recorded = ['row_version_id', 'change_set_id', 'known_from', 'known_to'] -%}
    {%- if world == 'before' -%}
        (select {{ columns | join(', ') }} from {{ before }} as published)
    {%- else -%}
    (
        select
            {%- for column in columns %}
            {%- if column in recorded %}
            case
                when published.valid_from is null then {{ _cut_of(publication)
                    if column == 'known_from' else 'shadow.' ~ column }}
                else published.{{ column }}
            end as {{ column }}
            {%- else %}
            shadow.{{ column }}
            {%- endif %}
            {{- "," if not loop.last }}
            {%- endfor %}
        from {{ rows }} as shadow
        left join {{ before }} as published
            on shadow.valid_from = published.valid_from
            {%- for column in columns if column not in recorded + ['valid_from'] %}
                and shadow.{{ column }} <=> published.{{ column }}
            {%- endfor %}
    )
    {%- endif -%}
{%- endmacro %}

{#- A mart as its readers would see it in one world. -#}
{% macro _mart_with_impact(mart, world, scenario, impact) -%}
    {%- set rules = mart.config.meta.mart -%}
    {%- set columns = version_columns(mart) -%}
    {#- A sum of more digits would make other quotients. -#}
    {%- set types = column_types(versions_relation(mart)) if world == 'after' else {} -%}
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
                {{ column if column in rules.grain
                    else 'cast(after_' ~ column ~ ' as ' ~ types[column] ~ ')' }} as {{ column }},
                {%- endfor %}
                cast(null as int) as published_from
            from {{ impact }}
            where change != 'removed'
            {%- endif %}
        ) as version
    )
{%- endmacro %}
