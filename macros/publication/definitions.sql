{#-
    The hash of all text that says what a mart's figures are: its SQL and declaration, the SQL of the
    models before it up to viewing and dimensions, the project's macros that they call, and the
    variables that these read. Two runs of one project give the same: neither an engine's SQL nor
    anything of a run is in it. Dimensions are not: their rows are compared one by one, and a column
    may be added to them without a figure being another. Asked often, so kept for a command, in `graph`.
-#}
{% macro mart_definition(mart) -%}
    {%- set known = graph.setdefault('mart_definition', {}) -%}
    {%- if mart.unique_id not in known -%}
        {%- set texts = [mart.raw_code, tojson(mart.config.meta)] -%}
        {%- set used = {} -%}
        {%- do _collect_macros(mart.depends_on.macros, used) -%}
        {%- for unique_id in _models_of_definition(mart) -%}
            {%- do texts.append(graph.nodes[unique_id].raw_code) -%}
            {%- do _collect_macros(graph.nodes[unique_id].depends_on.macros, used) -%}
        {%- endfor -%}
        {%- for unique_id in used | sort -%}{%- do texts.append(used[unique_id]) -%}{%- endfor -%}
        {%- set text = texts | join('\n') -%}
        {%- set values = {} -%}
        {%- for name in modules.re.findall("\\bvar\\(\\s*['\"](\\w+)['\"]", text) | unique -%}
            {%- do values.update({name: var(name, none)}) -%}
        {%- endfor -%}
        {%- do known.update({
            mart.unique_id: local_md5(text ~ tojson(values, sort_keys=true))
        }) -%}
    {%- endif -%}
    {{- return(known[mart.unique_id]) -}}
{%- endmacro %}

{#- The models before a mart whose SQL is part of what it says: ids, sorted. -#}
{% macro _models_of_definition(node) -%}
    {%- set found = [] -%}
    {%- for unique_id in node.depends_on.nodes -%}
        {%- set input = graph.nodes.get(unique_id) -%}
        {%- if input and input.resource_type == 'model' and input.package_name == project_name
            and not dimension_of(input.name) and input.name != 'fct_viewing' -%}
            {%- do found.extend([unique_id] + _models_of_definition(input)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found | unique | sort) -}}
{%- endmacro %}

{#- Adds the SQL of the project's macros of these ids, and of those that they call, to a dict. -#}
{% macro _collect_macros(unique_ids, used) -%}
    {%- for unique_id in unique_ids
        if unique_id.startswith('macro.' ~ project_name ~ '.') and unique_id not in used -%}
        {%- set macro = context[unique_id.split('.') | last].macro -%}
        {%- do used.update({unique_id: macro.macro_sql}) -%}
        {%- do _collect_macros(macro.depends_on.macros, used) -%}
    {%- endfor -%}
{%- endmacro %}

{#-
    Refuses a what-if while a mart is defined otherwise than when its published figures were computed:
    differences between the two definitions would look like the edit's.
-#}
{% macro refuse_unbuilt_marts(publication) -%}
    {%- set published = (publication['definitions'] if publication else '').split(';') -%}
    {%- for mart in versioned_marts()
        if mart.name ~ '=' ~ mart_definition(mart) not in published -%}
        {{ exceptions.raise_compiler_error(
            "mart-not-built: " ~ mart.name ~ " is new or defined otherwise than its published figures "
            ~ "(its SQL or declaration, a model or macro that it uses, or a setting that these read)."
        ) }}
    {%- endfor -%}
{%- endmacro %}

{#-
    Refuses a what-if of plain dbt while viewing or devices are loaded that the published figures are
    without, as `foreview what-if` does.
-#}
{% macro refuse_unpublished_loads(publication) -%}
    {%- if publication and env_var('FOREVIEW_RUN_VARS', '{}') == '{}' and (
        newest_batch(viewing_relation()) > publication['load_batch'] or has_other_devices(publication)
    ) -%}
        {{ exceptions.raise_compiler_error(
            "load-not-published: viewing or devices are loaded that the published figures are without; a "
            ~ "load was interrupted, or something in it failed. Publish them first: dbt build."
        ) }}
    {%- endif -%}
{%- endmacro %}
