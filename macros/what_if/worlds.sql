{#-
    The two worlds of a scenario. Before: what readers see, the published dimensions. After: the
    shadow dimensions, that is the approved rows with the scenario's edits folded in; while a
    promotion prepares its figures, the promoted dimensions themselves.
-#}

{#-
    A dimension or mart as the newest publication shows it, as a query with literal numbers: the
    published views look the newest publication up each time they are read.
-#}
{% macro published_dimension(name, publication) -%}
    {%- set cut -%}
        cast('{{ publication['cut'] }}' as timestamp)
    {%- endset -%}
    (
        select * from ({{ render_over('dim_' ~ name, {}) }}) as versions
        where {{ known_at(cut) }}
    )
{%- endmacro %}

{% macro published_mart(mart, publication) -%}
    {%- set number = publication['number'] -%}
    (
        select * from {{ versions_relation(mart) }}
        where {{ published_in(number) }}
    )
{%- endmacro %}

{#- The scenario's change set ids, a list. -#}
{% macro scenario_ids() -%}
    {%- set ids = run_var('change_sets', []) -%}
    {{- return([ids] if ids is string else ids) -}}
{%- endmacro %}

{#- They as literals; the empty text, which no id is, when none is named. -#}
{% macro scenario_literals() -%}
    {%- for id in scenario_ids() or [''] -%}{{ text_literal(id) }}{{ ", " if not loop.last }}{%- endfor -%}
{%- endmacro %}

{#-
    A model's own SQL over other inputs: each `ref('x')` becomes `inputs.x`, or the relation that
    x was built as; an ephemeral x becomes its own SQL over the same inputs. It needs no second
    spelling of the model, and sqlfluff sees the one there is. Columns may be named by a model's name,
    so what stands for it is called by that name where the SQL gives it no other.
-#}
{% macro render_over(name, inputs) -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {%- set pattern = ref_pattern() -%}
    {%- set rendered = namespace(
        text=render(modules.re.sub(pattern, '@@\\1@@', node.raw_code))
    ) -%}
    {%- for ref_name in modules.re.findall(pattern, node.raw_code) | unique -%}
        {%- set replacement = inputs.get(ref_name)
            or (_inlined(ref_name, inputs) if is_ephemeral(ref_name) else none) -%}
        {%- if replacement -%}
            {%- set rendered.text = modules.re.sub(
                '@@' ~ ref_name ~ '@@\\s*\\.\\s*', ref_name ~ '.', rendered.text
            ) -%}
            {%- set rendered.text = modules.re.sub(
                '@@' ~ ref_name ~ '@@' ~ _no_alias(), '@@' ~ ref_name ~ '@@ as ' ~ ref_name, rendered.text
            ) -%}
        {%- endif -%}
        {%- set rendered.text = rendered.text
            | replace('@@' ~ ref_name ~ '@@', replacement or _built_relation(ref_name)) -%}
    {%- endfor -%}
    {{- return(rendered.text) -}}
{%- endmacro %}

{#- What does not follow a table that has another name, as a regular expression. -#}
{% macro _no_alias() -%}
    {%- set blank = "(?:\\s|--[^\\n]*\\n|/\\*.*?\\*/)" -%}
    {{- return(
        "(?is:(?!" ~ blank ~ "+as\\b)(?!" ~ blank ~ "+(?!(?:" ~ sql_words() | join('|')
        ~ ")\\b)[a-z_`]))"
    ) -}}
{%- endmacro %}

{#- What `ref()` of a model looks like in a model's raw SQL, as a regular expression. -#}
{% macro ref_pattern(name='(\\w+)') -%}
    {{- return("\\{\\{-?\\s*ref\\(\\s*['\"]" ~ name ~ "['\"]\\s*\\)\\s*-?\\}\\}") -}}
{%- endmacro %}

{#- An ephemeral model between dimensions and mart, over the same inputs. -#}
{% macro _inlined(name, inputs) -%}
    ({{ render_over(name, inputs) }})
{%- endmacro %}

{% macro is_ephemeral(name) -%}
    {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ name) -%}
    {{- return(node and node.config.materialized == 'ephemeral') -}}
{%- endmacro %}

{% macro _built_relation(name) -%}
    {%- for kind in ('model', 'seed', 'snapshot') -%}
        {%- set node = graph.nodes.get(kind ~ '.' ~ project_name ~ '.' ~ name) -%}
        {%- if node -%}{{- return(node.relation_name) -}}{%- endif -%}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error("There is no model named " ~ name ~ ".") }}
{%- endmacro %}

{#- The rows of a dimension in the after-world, as a query. -#}
{% macro shadow_dimension(name) -%}
    {%- if not execute -%}
        select 1
    {%- elif run_var('promoting') -%}
        select * from {{ _built_relation('dim_' ~ name) }}
    {%- else -%}
        {{ render_over('dim_' ~ name, {name ~ '_history': '(' ~ shadow_history(name) ~ ')'}) }}
    {%- endif -%}
{%- endmacro %}

{#-
    A dimension's rows in both worlds, side by side, as a query. What follows reads it many times,
    and planning a scan of a Delta table costs more than these few rows.
-#}
{% macro both_worlds(name) -%}
    {%- if not execute -%}{%- do ref('shadow_dim_' ~ name) -%}{%- endif -%}
    {%- if not execute or not is_edited(name) -%}
        {{ not_edited() }}
    {%- else -%}
        {%- do refuse_conflicting_edits(name) -%}
        select 'before' as world, published.*
        from {{ published_dimension(name, publication_compared_with()) }} as published
        union all
        select 'after' as world, shadow.*
        from {{ ref('shadow_dim_' ~ name) }} as shadow
    {%- endif -%}
{%- endmacro %}

{#- The query of a dimension that the scenario does not edit; nothing is built of it. -#}
{% macro not_edited() -%}
    select 1 as not_edited
    where false
{%- endmacro %}

{#-
    A dimension in one world, `before`, `after`, or `both` for each row of either, as a query. One
    that the scenario does not edit is the published one in both.
-#}
{% macro in_world(name, world, scenario) -%}
    {%- if reach()[name].latest_of -%}
        {{ _latest_in_world(name, world, scenario) }}
    {%- else -%}
        {%- set rows -%}
            {%- if name not in scenario.edited -%}
                {{ published_dimension(name, scenario.publication) }}
            {%- elif world == 'both' -%}
                (select * from {{ ref('both_worlds_' ~ name) }})
            {%- else -%}
                (select * from {{ ref('both_worlds_' ~ name) }} where world = '{{ world }}')
            {%- endif -%}
        {%- endset -%}
        {{- _as_illustrated(name, rows)
            if run_var('illustrate').day and not reach()[name].during else rows -}}
    {%- endif -%}
{%- endmacro %}

{#-
    An illustration of edits that begin after the newest viewing: each dimension is on the days from
    `first_day` to before `end_day` as it will be on a later `day`, in either world. A channel code
    that is another one by then keeps its last row: `ended_codes`, by the day on which they end.
-#}
{% macro _as_illustrated(name, rows) -%}
    {%- set ended = run_var('illustrate').get('ended_codes', {}) if name == 'channel' else {} -%}
    (
        select
            illustrated.* except (valid_from, valid_to),
            {{ day_literal(run_var('illustrate').first_day) }} as valid_from,
            {{ day_literal(run_var('illustrate').end_day) }} as valid_to
        from {{ rows }} as illustrated
        where {{ holds_on('illustrated', day_literal(run_var('illustrate').day)) }}
            {%- for day, codes in ended.items() %}
            or illustrated.valid_to = {{ day_literal(day) }}
                {{ and_in_channels(codes, 'illustrated.channel_id') }}
            {%- endfor %}
    )
{%- endmacro %}

{#- The last rows of a dimension's keys in one world, or in each. -#}
{% macro _latest_in_world(name, world, scenario) -%}
    {%- if world == 'both' and name in scenario.edited -%}
    (
        {%- for one in ('before', 'after') %}
        select '{{ one }}' as world, {{ one }}_rows.*
        from {{ _latest_in_world(name, one, scenario) }} as {{ one }}_rows
        {{ "union all" if not loop.last }}
        {%- endfor %}
    )
    {%- else -%}
    {%- set recorded = recorded_dimension(name) -%}
    (
        {{ render_over('dim_' ~ name, {'dim_' ~ recorded: in_world(recorded, world, scenario)}) }}
    )
    {%- endif -%}
{%- endmacro %}

{#- Tells dbt, when it parses, that a model may read any dimension in both worlds. -#}
{% macro depend_on_both_worlds() -%}
    {%- for name in reach() if recorded_dimension(name) == name -%}
        {%- do ref('both_worlds_' ~ name) -%}
    {%- endfor -%}
{%- endmacro %}

{#- What the schema of a scenario's models ends with: its kind and its change sets. -#}
{% macro scenario_name() -%}
    {%- set ids = scenario_ids() -%}
    {%- if ids -%}
        {%- set scenario = ids[0] if ids | length == 1 else local_md5(ids | sort | join(','))[:16] -%}
        {%- set kind = 'promotion' if run_var('promoting')
            else 'illustration' if run_var('illustrate').day else 'what_if' -%}
        {{- return(kind ~ '_' ~ scenario) -}}
    {%- endif -%}
{%- endmacro %}
