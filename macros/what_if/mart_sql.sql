{#-
    A model's SQL as the rules about marts look at it: rendered, each `ref` as `@@name@@`, without
    comments and without what is in strings, in lower case, one blank between words.
-#}
{% macro mart_sql(node) -%}
    {%- set known = graph.setdefault('mart_sql', {}) -%}
    {%- if node.unique_id not in known -%}
        {%- set sql = render(modules.re.sub(ref_pattern(), '@@\\1@@', node.raw_code)) -%}
        {%- do known.update({node.unique_id: plain_sql(sql)}) -%}
    {%- endif -%}
    {{- return(known[node.unique_id]) -}}
{%- endmacro %}

{#- The same of SQL that can't be rendered yet: what is in other Jinja expressions is left out. -#}
{% macro unrendered_sql(raw_code) -%}
    {%- set sql = modules.re.sub(ref_pattern(), '@@\\1@@', without_jinja_comments(raw_code)) -%}
    {{- return(plain_sql(modules.re.sub("(?s)\\{\\{.*?\\}\\}|\\{%.*?%\\}", " jinja ", sql))) -}}
{%- endmacro %}

{% macro without_jinja_comments(raw_code) -%}
    {{- return(modules.re.sub("(?s)\\{#.*?#\\}", " ", raw_code)) -}}
{%- endmacro %}

{% macro without_comments(sql) -%}
    {{- return(modules.re.sub("(?s)" ~ _string_pattern() ~ "|--[^\\n]*|/\\*.*?\\*/", "\\1 ", sql)) -}}
{%- endmacro %}

{% macro plain_sql(sql) -%}
    {%- set text = modules.re.sub("(?s)" ~ _string_pattern(), "''", without_comments(sql)) -%}
    {%- set text = modules.re.sub("\\s+", " ", text | replace("`", "") | lower) -%}
    {{- return(modules.re.sub("\\s*\\.\\s*(?=[a-z_*])", ".", text) | trim) -}}
{%- endmacro %}

{% macro _string_pattern() -%}
    {{- return("('(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\")") -}}
{%- endmacro %}

{#-
    The steps of a query as `plain_sql` gives it: name and body of each CTE, and at last the query
    itself, without a name.
-#}
{% macro sql_steps(text) -%}
    {%- set head = "(\\w+) ?(?:\\([^()]*\\) ?)?as ?(?:not materialized |materialized )?$" -%}
    {%- set found = [] -%}
    {%- set at = namespace(depth=0, step=none, body='', last='') -%}
    {%- for token in modules.re.findall("[()]|[^()]+", text) -%}
        {%- if token == ')' -%}{%- set at.depth = at.depth - 1 -%}{%- endif -%}
        {%- set names = modules.re.findall(head, at.last) if token == '(' and at.depth == 0 else [] -%}
        {%- if names -%}
            {%- set at.step = names[0] -%}
            {%- set at.body = '' -%}
            {%- set at.last = modules.re.sub(head, '', at.last) -%}
        {%- elif at.step is none -%}
            {%- set at.last = at.last ~ token -%}
        {%- elif at.depth == 0 -%}
            {%- do found.append({'step': at.step, 'body': at.body}) -%}
            {%- set at.step = none -%}
        {%- else -%}
            {%- set at.body = at.body ~ token -%}
        {%- endif -%}
        {%- if token == '(' -%}{%- set at.depth = at.depth + 1 -%}{%- endif -%}
    {%- endfor -%}
    {%- do found.append({'step': none, 'body': at.last}) -%}
    {{- return(found) -}}
{%- endmacro %}

{#- What a select lists, split at its commas; what follows the list is part of the last ones. -#}
{% macro select_items(body) -%}
    {%- set found = [] -%}
    {%- set at = namespace(depth=0, item='') -%}
    {%- for token in modules.re.findall("[(),]|[^(),]+", body) -%}
        {%- set at.depth = at.depth + {'(': 1, ')': -1}.get(token, 0) -%}
        {%- if token == ',' and at.depth == 0 -%}
            {%- do found.append(at.item) -%}
            {%- set at.item = '' -%}
        {%- else -%}
            {%- set at.item = at.item ~ token -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found + [at.item]) -}}
{%- endmacro %}

{#-
    A select's list and what follows its `from`, which is not one within brackets: `extract(hour from
    x)`. Of a query that is all in brackets it is the first one.
-#}
{% macro split_at_from(body) -%}
    {%- set at = namespace(depth=0, list='', rest=none) -%}
    {%- for token in modules.re.findall("[()]|\\bfrom\\b|(?:(?!\\bfrom\\b)[^()])+", body) -%}
        {%- set at.depth = at.depth + {'(': 1, ')': -1}.get(token, 0) -%}
        {%- if at.rest is not none -%}
            {%- set at.rest = at.rest ~ token -%}
        {%- elif token == 'from' and at.depth == 0 -%}
            {%- set at.rest = '' -%}
        {%- else -%}
            {%- set at.list = at.list ~ token -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return([at.list, at.rest] if at.rest is not none else modules.re.split("\\bfrom\\b", body, 1)) -}}
{%- endmacro %}

{#-
    The names in a step that say no table, so that they may be columns of any that it joins; `*` for
    all columns of all of them.
-#}
{% macro unqualified_names(body, columns) -%}
    {%- set sub = modules.re.sub -%}
    {%- set text = sub("\\bcount ?\\( ?\\* ?\\)", " ", body) -%}
    {%- if modules.re.search("(?:\\bselect|\\bdistinct|\\ball|,) ?\\*", text) -%}{{- return(['*']) -}}{%- endif -%}
    {%- set text = sub("\\w+\\.(?:\\w+|\\*)(?:\\.\\w+)*", " ", text) -%}
    {%- set text = sub("\\bas [\\w@]+", " ", text) -%}
    {%- set text = sub(
        "\\b(?:from|join) [\\w@]+(?: (?!(?:" ~ sql_words() | join('|') ~ ")\\b)\\w+)?", " ", text
    ) -%}
    {%- set text = sub("\\w+ ?\\(", " ", text) -%}
    {%- set found = [] -%}
    {%- for word in modules.re.findall("(?<![\\w@])[a-z_]\\w*", text) | unique
        if word not in sql_words() or word in columns -%}
        {%- do found.append(word) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- Words of SQL that are no columns, nor names that a table gets without `as`. -#}
{% macro sql_words() -%}
    {{- return((
        "all and anti any as asc between bigint boolean both by case cast cluster cross cube current date "
        "day days decimal desc distinct distribute div double else end escape except exists explode false "
        "first float following for from full group grouping having hour hours ilike in inner int integer "
        "intersect interval is join last lateral leading left like limit minus minute minutes month not "
        "null nulls offset on or order outer over partition pivot preceding qualify range rlike right "
        "rollup row rows second seconds select semi sets smallint some sort string tablesample then "
        "timestamp tinyint to trailing true unbounded union unpivot using values view week weeks when where "
        "window with year"
    ).split(' ')) -}}
{%- endmacro %}
