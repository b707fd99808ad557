{#-
    Refuses a run, before anything is built, when a mart can't be rehearsed for a reason that takes
    the whole project to see: it is not declared, it reads a dimension in a way that the what-if can't
    replace, or what its macros render to keeps records from counting by themselves.
-#}
{% macro refuse_wrong_marts() -%}
    {%- if execute -%}
        {%- for mart in versioned_marts() -%}
            {%- set problems = mart_problems(mart) -%}
            {%- if problems -%}{%- do refuse_mart(mart, problems) -%}{%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro mart_problems(mart) -%}
    {%- set found = _declaration_problems(mart) + _input_problems(mart, []) -%}
    {%- if not found -%}
        {%- set rules = mart.config.meta.mart -%}
        {%- do found.extend(sql_problems(mart_sql(mart), rules) + _join_problems(mart)) -%}
        {%- for body in steps_apart(mart_sql(mart), reach() | list)
            if modules.re.search(_rows_together(), body) -%}
            {%- do found.append(
                "It adds up rows of a dimension apart from the viewing, so that an edit would move figures "
                ~ "that nobody watched whom it touches. Only devices by themselves may be added up so."
            ) -%}
        {%- endfor -%}
        {%- for name in identifying_columns(mart_sql(mart), rules.grain) -%}
            {%- do found.append(
                "Its grain has devices or households, as " ~ name ~ ": a figure of one of them may not leave "
                ~ "in a report."
            ) -%}
        {%- endfor -%}
        {%- if latest_read(mart) and rules.get('period', 'day') != 'day' -%}
            {%- do found.append("It reads a dimension as it is now, so its period must be day.") -%}
        {%- endif -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{#- dbt asks no macro about a model that no properties file names. -#}
{% macro _declaration_problems(mart) -%}
    {%- set path = (mart.patch_path or '') | replace('\\', '/') -%}
    {%- set in_sql = (mart.get('config_call_dict') or {}).get('meta', {}) -%}
    {{- return([] if mart.config.meta.get('mart') and '://models/audience/' in path
        and 'mart' not in in_sql else [
        "No properties file in models/audience declares it: its grain and measures belong there, "
        ~ "under config: meta: mart, for instance in audience.yml."
    ]) -}}
{%- endmacro %}

{#- What in SQL makes a row of several ones, or dependent on them. -#}
{% macro _rows_together() -%}
    {{- return(
        "\\b(?:group by|over ?\\(|distinct\\b(?! from\\b)"
        ~ "|(?:count|sum|max|min|any_value|bool_\\w+|every|some|collect_\\w+|array_agg) ?\\()"
    ) -}}
{%- endmacro %}

{#-
    What an ephemeral model must not do with a dimension's rows: one that depends on other rows, or on
    when rows begin or end, changes on days on which nothing of its own was edited. The project's
    `schedule` does: of which events are touched knows the macro `touched_events`.
-#}
{% macro _row_problems(node) -%}
    {%- set sql = mart_sql(node) -%}
    {%- set found = [] -%}
    {%- if node.name != 'schedule' -%}
        {%- if modules.re.search(_rows_together(), sql) -%}
            {%- do found.append("its rows depend on others. List columns and filter; group in the mart.") -%}
        {%- endif -%}
        {%- if modules.re.findall("@@dim_\\w+@@", sql) | unique | list | length > 1 -%}
            {%- do found.append("it joins dimensions. Join each in the mart, by holds_on of the viewing's day.") -%}
        {%- endif -%}
        {%- if modules.re.search("(?<!\\bas )\\bis_current\\b|\\bwhere\\b(?:(?!\\) ?select\\b|\\bas ?\\( ?select\\b|\\bunion\\b|\\border by\\b).)*\\bvalid_(?:from|to)\\b"
            ~ "|\\bas valid_(?:from|to)\\b", sql) -%}
            {%- do found.append(
                "it asks which rows are current, or when they begin or end: list valid_from and valid_to, "
                ~ "and join by holds_on in the mart."
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{#-
    What a mart, or an ephemeral model on the way to it, reads so that an edit would move nothing in
    it: each dimension must be named by a plain `ref` in SQL that the what-if can run in both worlds.
-#}
{% macro _input_problems(node, way) -%}
    {%- set found = [] -%}
    {%- set through = way + [node.name] -%}
    {%- for problem in _reference_problems(node) + _row_problems(node) if way -%}
        {%- do found.append("Through " ~ node.name ~ ": " ~ problem) -%}
    {%- endfor -%}
    {%- for unique_id in node.depends_on.nodes if not found -%}
        {%- set input = graph.nodes.get(unique_id) or graph.sources[unique_id] -%}
        {%- set told = "It reads " ~ (through[1:] + [input.name]) | join(", which reads ") -%}
        {%- if dimension_of(input.name) and input.resource_type == 'model' -%}
            {%- if '@@' ~ input.name ~ '@@' not in mart_sql(node) -%}
                {%- do found.append(
                    told ~ ", but no plain reference to it is in the SQL of " ~ node.name
                    ~ ". Take it out, or write {{ ref('" ~ input.name ~ "') }} where it is read."
                ) -%}
            {%- endif -%}
        {%- elif input.name == 'fct_viewing' and not way -%}
        {%- elif input.resource_type == 'model' and input.config.materialized == 'ephemeral' -%}
            {%- do found.extend(_input_problems(input, through)) -%}
        {%- else -%}
            {%- set edited = edited_upstream(unique_id) -%}
            {%- if edited == 'fct_viewing' -%}
                {%- do found.append(
                    told ~ ", which has viewing, and all of it in both worlds. Read fct_viewing once, "
                    ~ "in the mart itself."
                ) -%}
            {%- elif edited and input.name.startswith('dim_') -%}
                {%- do found.append(
                    told ~ ", which is not listed in macro reach (macros/what_if/reach.sql): say there "
                    ~ "how viewing reaches it."
                ) -%}
            {%- elif edited -%}
                {%- do found.append(
                    told ~ ", which has rows of " ~ edited ~ " as they are, in both worlds. Read dim_"
                    ~ edited ~ " in the mart, or make the model between them ephemeral, with "
                    ~ "{{ config(materialized='ephemeral') }}."
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#-
    What of that people edit, or that holds viewing, a model or source is made of: a dimension,
    `fct_viewing`, or none.
-#}
{% macro edited_upstream(unique_id) -%}
    {%- set known = graph.setdefault('edited_upstream', {}) -%}
    {%- if unique_id not in known -%}
        {%- set node = graph.nodes.get(unique_id) or graph.sources[unique_id] -%}
        {%- set found = namespace(name=_inputs_of_contracts().get(unique_id)) -%}
        {%- if node.name == 'fct_viewing' -%}{%- set found.name = node.name -%}{%- endif -%}
        {%- for parent in node.get('depends_on', {}).get('nodes', []) if not found.name -%}
            {%- set found.name = edited_upstream(parent) -%}
        {%- endfor -%}
        {%- do known.update({unique_id: found.name}) -%}
    {%- endif -%}
    {{- return(known[unique_id]) -}}
{%- endmacro %}

{#- Staging models that have a contract, what they read, and seeds: the dimension of each. -#}
{% macro _inputs_of_contracts() -%}
    {%- if 'inputs_of_contracts' not in graph -%}
        {%- set found = {} -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.config.meta.get('contract') -%}
            {%- set name = node.name | replace('stg_', '', 1) -%}
            {%- set seed = 'seed.' ~ node.package_name ~ '.' ~ name -%}
            {%- for unique_id in [node.unique_id, seed] + node.depends_on.nodes -%}
                {%- do found.update({unique_id: name}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- do graph.update({'inputs_of_contracts': found}) -%}
    {%- endif -%}
    {{- return(graph['inputs_of_contracts']) -}}
{%- endmacro %}

{#-
    What a mart calls a dimension that it joins directly, or imports with a list of columns; nothing
    where it reads it in yet another way.
-#}
{% macro _aliases_of_other_imports(sql, reference) -%}
    {%- set findall = modules.re.findall -%}
    {%- set name = "(?: as)? (?!(?:" ~ sql_words() | join('|') ~ ")\\b)(\\w+)" -%}
    {%- set found = findall("\\bjoin " ~ reference ~ name, sql) -%}
    {%- set imports = findall("(\\w+) as ?\\( ?select [^()]*? from " ~ reference ~ " ?\\)", sql) -%}
    {%- if found | length + imports | length != sql.count(reference) or findall("\\busing ?\\(", sql) -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- for import in imports -%}
        {%- do found.extend(findall("\\bjoin " ~ import ~ "\\b" ~ name, sql) or [import]) -%}
    {%- endfor -%}
    {{- return(found | unique | list) -}}
{%- endmacro %}

{#- SQL without the conditions that `holds_on` renders for a name. -#}
{% macro _without_holds_on(sql, alias) -%}
    {%- set of = "\\b" ~ alias ~ "\\." -%}
    {{- return(modules.re.sub(
        of ~ "valid_from <= (.+?) and \\( ?" ~ of ~ "valid_to is null or " ~ of ~ "valid_to > \\1 ?\\)", "", sql
    )) -}}
{%- endmacro %}

{#- The ephemeral models from which a mart has a dimension's rows. -#}
{% macro _ephemerals_of(mart, name) -%}
    {%- set found = [] -%}
    {%- for node in _ephemerals_before(mart) if node.name != 'schedule'
        and ('@@dim_' ~ name ~ '@@' in mart_sql(node) or _ephemerals_of(node, name)) -%}
        {%- do found.append(node.name) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro _is_through_event(name) -%}
    {%- set nearer = reach().get(reach()[name].from) -%}
    {{- return(
        false if nearer is none else nearer.during is defined or _is_through_event(reach()[name].from)
    ) -}}
{%- endmacro %}

{#-
    Joins of a dimension by another column than viewing reaches it by, by that of another table, or
    without its days: an edit would move figures of viewing that the what-if does not look at.
-#}
{% macro _join_problems(mart) -%}
    {%- set sql = mart_sql(mart) -%}
    {%- set found = [] -%}
    {%- if '@@schedule@@' in sql and not modules.re.search(
        "\\bcontent_at < \\w+\\.ends_at\\b|\\b\\w+\\.ends_at > \\w+\\.content_at\\b", sql
    ) -%}
        {%- do found.append(
            "It joins schedule otherwise than by when the content was on: add and "
            ~ "viewing.content_at < schedule.ends_at."
        ) -%}
    {%- endif -%}
    {%- for name, way in reach().items() if not way.during -%}
        {%- set nearer = _aliases(sql, way.from) if way.from in reach() else [] -%}
        {%- if nearer is none and _ephemerals_before(mart) -%}{%- set nearer = [] -%}{%- endif -%}
        {%- set of = "\\w+" if nearer == [] else "(?:" ~ (nearer or ["(?!)"]) | join("|") ~ ")" -%}
        {#- What is reached through an event is touched with it, whenever it is watched. -#}
        {%- set day = 'schedule.broadcast_date' if _is_through_event(name) else 'viewing.viewing_date' -%}
        {%- set aliases = [] -%}
        {%- for source in ['dim_' ~ name] + _ephemerals_of(mart, name) -%}
            {%- set reference = '@@' ~ source ~ '@@' -%}
            {%- set of_source = _aliases_of(sql, reference) -%}
            {%- if of_source == [] -%}
                {%- set of_source = _aliases_of_other_imports(sql, reference) -%}
                {%- if not of_source -%}
                    {%- do found.append(
                        "It reads " ~ source ~ " in a way in which its joins can't be looked at: import it in "
                        ~ "a step of its own, " ~ name ~ " as (select * from ...), and join that by on."
                    ) -%}
                {%- endif -%}
            {%- endif -%}
            {%- do aliases.extend(of_source or []) -%}
        {%- endfor -%}
        {%- for alias in aliases -%}
            {%- set near, far = "\\b" ~ of ~ "\\." ~ way.by ~ "\\b", "\\b" ~ alias ~ "\\." ~ way.key ~ "\\b" -%}
            {%- if not modules.re.search(near ~ " = " ~ far ~ "|" ~ far ~ " = " ~ near, sql) -%}
                {%- do found.append(
                    "It joins dim_" ~ name ~ " (as " ~ alias ~ ") otherwise than as viewing reaches it: "
                    ~ "join it on " ~ way.from ~ "." ~ way.by ~ " = " ~ alias ~ "." ~ way.key ~ "."
                ) -%}
            {%- elif not way.latest_of and not modules.re.search(
                "\\b" ~ alias ~ "\\.valid_from <= \\w+\\." ~ day.split('.')[1] ~ "(?= and\\b)", sql
            ) -%}
                {%- do found.append(
                    "It joins dim_" ~ name ~ " (as " ~ alias ~ ") without the "
                    ~ ("day of the broadcast" if _is_through_event(name) else "viewing's day")
                    ~ ": add and {{ holds_on('" ~ alias ~ "', '" ~ day ~ "') }}."
                ) -%}
            {%- elif not way.latest_of and modules.re.search(
                "\\b" ~ alias ~ "\\.valid_(?:from|to)\\b", _without_holds_on(sql, alias)
            ) -%}
                {%- do found.append(
                    "It asks when rows of dim_" ~ name ~ " (as " ~ alias ~ ") begin or end, which changes on "
                    ~ "days on which nothing else of them does: join them by holds_on alone."
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}
