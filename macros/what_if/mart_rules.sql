{#-
    What a mart reads, found in its own SQL and that of ephemeral models before it: for each
    dimension (`channel` for `dim_channel`) the columns that decide its figures, all of them where the
    SQL does not say. Keys and intervals are left out: a row that appears, moves or disappears is a
    difference in any case. Asked often, so it is kept for a command, in `graph`.
-#}
{% macro mart_reads(mart) -%}
    {%- set known = graph.setdefault('mart_reads', {}) -%}
    {%- if mart.unique_id not in known -%}
        {%- set found = {} -%}
        {%- for other in _ephemerals_before(mart) -%}
            {%- for name, columns in mart_reads(other).items() -%}
                {%- do found.update({name: (found.get(name, []) + columns) | unique | list}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set sql = mart_sql(mart) -%}
        {%- for name in reach() -%}
            {%- set aliases = _aliases(sql, name) -%}
            {%- if aliases is not none -%}
                {%- set columns = _columns_of_aliases(sql, name, aliases) -%}
                {%- do found.update({name: (found.get(name, []) + columns) | unique | list}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do known.update({mart.unique_id: found}) -%}
    {%- endif -%}
    {{- return(known[mart.unique_id]) -}}
{%- endmacro %}

{#-
    The columns of viewing that these marts can need: those that are named anywhere in their SQL, or
    in an ephemeral model's before them, and those that the what-if itself needs. All of them where
    the SQL compares whole rows.
-#}
{% macro viewing_columns(marts) -%}
    {%- set columns = graph.nodes['model.' ~ project_name ~ '.fct_viewing'].columns | list -%}
    {%- set found = ['viewing_date', 'device_id', 'channel_id', 'seconds'] -%}
    {%- for mart in marts -%}
        {%- set sql = _rendered_with_ephemerals(mart) -%}
        {%- if modules.re.search(
            "(?i)\\bdistinct\\s+(\\w+\\.)?\\*|(?<!count)\\(\\s*\\*|\\b(except|intersect)\\b|\\bunion\\s+(?!all\\b)",
            sql
        ) -%}
            {{- return(columns) -}}
        {%- endif -%}
        {%- for column in columns if modules.re.search("(?i)\\b" ~ column ~ "\\b", sql) -%}
            {%- do found.append(column) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(columns | select('in', found) | list) -}}
{%- endmacro %}

{% macro _rendered_with_ephemerals(node) -%}
    {%- set texts = [render(modules.re.sub(ref_pattern(), '\\1', node.raw_code))] -%}
    {%- for other in _ephemerals_before(node) -%}
        {%- do texts.append(_rendered_with_ephemerals(other)) -%}
    {%- endfor -%}
    {{- return(texts | join(' ')) -}}
{%- endmacro %}

{#- The ephemeral models that a model reads, but for dimensions. -#}
{% macro _ephemerals_before(node) -%}
    {%- set found = [] -%}
    {%- for name in modules.re.findall("ref\\(\\s*['\"](\\w+)['\"]", node.raw_code) | unique
        if is_ephemeral(name) and not dimension_of(name) -%}
        {%- do found.append(graph.nodes['model.' ~ project_name ~ '.' ~ name]) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#-
    The names that a mart's SQL (`mart_sql`) gives to a dimension: those of its joins. None when the
    mart does not read it; an empty list when it reads it in another way than by an import CTE that is
    only joined.
-#}
{% macro _aliases(sql, name) -%}
    {{- return(_aliases_of(sql, '@@dim_' ~ name ~ '@@')) -}}
{%- endmacro %}

{% macro _aliases_of(sql, reference) -%}
    {%- set findall = modules.re.findall -%}
    {%- if reference not in sql -%}{{- return(none) -}}{%- endif -%}
    {%- set imports = findall("(\\w+) as ?\\( ?select \\* from " ~ reference ~ " ?\\)", sql) -%}
    {%- if imports | length != sql.count(reference)
        or findall("\\bnatural\\b|\\busing ?\\(", sql) -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for import in imports -%}
        {%- set joined = findall(
            "\\bjoin " ~ import ~ "\\b(?! ?\\.)(?: as (\\w+)| (?!(?:" ~ sql_words() | join('|')
            ~ ")\\b)(\\w+))?( ?\\()?", sql
        ) -%}
        {#- A step that selects from the import, or takes its rows as values, names no columns. -#}
        {%- set names = namespace(count=1) -%}
        {%- for with_as, without_as, parenthesis in joined -%}
            {%- set alias = with_as or without_as or import -%}
            {%- set names.count = names.count + (2 if import in (with_as, without_as) else 1) -%}
            {%- do found.append(alias if not parenthesis else '') -%}
        {%- endfor -%}
        {%- set named = findall("(?<![\\w.@])" ~ import ~ "(?![\\w.@])", sql) -%}
        {%- if not joined or '' in found or named | length != names.count -%}
            {{- return([]) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found | unique | list) -}}
{%- endmacro %}

{#- All columns count where one that is named without its table may be of the dimension. -#}
{% macro _columns_of_aliases(sql, name, aliases) -%}
    {%- set staging = 'model.' ~ project_name ~ '.stg_' ~ recorded_dimension(name) -%}
    {%- set known = contract_columns(graph.nodes[staging])
        | map(attribute='name') | list -%}
    {%- set found = [] if aliases else ['*'] -%}
    {%- for alias in aliases -%}
        {%- do found.extend(modules.re.findall("\\b" ~ alias ~ "\\.(\\w+|\\*)", sql)) -%}
        {%- for step in sql_steps(sql)
            if modules.re.search("\\bjoin (?:\\w+ (?:as )?)?" ~ alias ~ "\\b", step.body)
            and unqualified_names(step.body, known) -%}
            {%- do found.append('*') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(
        (known if '*' in found else found)
        | unique | reject('in', [reach()[name].key, 'valid_from', 'valid_to']) | sort
    ) -}}
{%- endmacro %}

{#- The columns of a dimension that at least one mart reads; none when no mart reads it. -#}
{% macro columns_read(name) -%}
    {%- set found = namespace(columns=none) -%}
    {%- for mart in versioned_marts() -%}
        {%- set reads = mart_reads(mart) -%}
        {%- if name in reads -%}
            {%- set found.columns = ((found.columns or []) + reads[name]) | unique | list -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found.columns) -}}
{%- endmacro %}

{#-
    The attribute of the channel by which a mart's figures share no record, found in its SQL: a
    column of the grain that is made by `attribute` of a dimension reached through the channel, or
    the channel's code itself (`dimension` is none). Figures that differ in it have different
    channels. None when the grain has no such column, or when a figure may be the sum of others.
-#}
{% macro channel_attribute(mart) -%}
    {%- if modules.re.search("\\b(?:rollup|cube|grouping sets|union)\\b", mart_sql(mart)) -%}
        {{- return(none) -}}
    {%- endif -%}
    {#- Not one that a later step makes anew: figures may share channels then. -#}
    {%- for column in mart.config.meta.mart.grain
        if modules.re.findall("\\bas " ~ column ~ "\\b", mart.raw_code) | length == 1 -%}
        {%- for dimension, alias, value in modules.re.findall(
            "attribute\\(\\s*'(\\w+)',\\s*'\\w+',\\s*'(?:coalesce\\()?(\\w+)\\.(\\w+)"
            ~ "(?:, viewing\\.channel_id\\))?'\\s*\\)\\s*\\}\\}\\s*as " ~ column ~ "\\b",
            mart.raw_code
        ) -%}
            {%- if alias in (_aliases(mart_sql(mart), alias) or [])
                and reach()[_way_to(alias)[0]].from == 'viewing' -%}
                {{- return({'holder': dimension, 'dimension': alias, 'column': value}) -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if 'channel_id' in mart.config.meta.mart.grain
        and modules.re.findall("viewing\\.channel_id,\\n", mart.raw_code)
        and not modules.re.findall("\\bas channel_id\\b", mart.raw_code) -%}
        {{- return({'dimension': none}) -}}
    {%- endif -%}
    {{- return(none) -}}
{%- endmacro %}

{#- The dimensions on the way from the viewing to one, itself last. -#}
{% macro _way_to(name) -%}
    {%- set nearer = reach()[name].from -%}
    {{- return((_way_to(nearer) if nearer in reach() else []) + [name]) -}}
{%- endmacro %}

{#- The marts that read anything of what differs between the two worlds, with one query. -#}
{% macro touched_marts(touched) -%}
    {%- set query -%}
        select distinct
            dimension,
            changed_columns,
            has_row_before != has_row_after as is_other_row
        from {{ touched }}
    {%- endset -%}
    {%- set rows = run_query(query).rows -%}
    {%- set found = [] -%}
    {%- for mart in versioned_marts() if _reads_any(mart_reads(mart), rows) -%}
        {%- do found.append(mart) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro _reads_any(reads, rows) -%}
    {%- for row in rows if row['dimension'] in reads -%}
        {%- if row['is_other_row'] -%}{{- return(true) -}}{%- endif -%}
        {%- for column in row['changed_columns'].split(',') if column in reads[row['dimension']] -%}
            {{- return(true) -}}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(false) -}}
{%- endmacro %}

{#-
    The marts whose figures move: those that are touched, but for one whose figures differ by an
    attribute at the end of a chain (channel -> network -> network group) that is the same in both
    worlds for all touched viewing. A station that moves between two networks of one group, or of
    none, touches the group's mart and moves nothing in it.
-#}
{% macro moved_marts(touched) -%}
    {%- set found = [] -%}
    {%- for mart in touched_marts(touched) -%}
        {%- set by = channel_attribute(mart) -%}
        {%- set way = _way_to(by.dimension) if by and by.dimension else [] -%}
        {%- if way | length < 2 or not _reads_only_at_end(mart, by, way)
            or run_query(_viewing_that_resolves_otherwise(mart, by, way)).rows -%}
            {%- do found.append(mart) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- Whether a mart reads nothing that can be edited but an attribute, and the way there. -#}
{% macro _reads_only_at_end(mart, by, way) -%}
    {%- set reads = mart_reads(mart) -%}
    {%- if reads | length != way | length or by.holder != by.dimension -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- for name in way -%}
        {%- set column = by.column if loop.last else reach()[loop.nextitem].by -%}
        {#- Link and key stand once in the SQL: in the join. -#}
        {%- set links = modules.re.findall("\\b" ~ name ~ "\\." ~ column ~ "\\b", mart.raw_code) -%}
        {%- set keys = modules.re.findall(
            "\\b" ~ name ~ "\\." ~ reach()[name].key ~ "\\b", mart.raw_code
        ) -%}
        {#- An inner join would drop the record with the row. -#}
        {%- if _aliases(mart_sql(mart), name) != [name] or reads.get(name) != [column]
            or not modules.re.search("\\bleft (?:outer )?join " ~ name ~ "\\b", mart_sql(mart))
            or reach()[name].during or keys | length != 1
            or not loop.last and links | length != 1 -%}
            {{- return(false) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(true) -}}
{%- endmacro %}

{#- A touched channel and day on which the attribute is another in the after-world, if any. -#}
{% macro _viewing_that_resolves_otherwise(mart, by, way) -%}
    {%- set scenario = current_scenario() -%}
    with viewing as (

        select distinct channel_id, viewing_date
        from {{ ref(touched_viewing_name(period_of(mart))) }}

    )
    {%- for world in ('before', 'after') %},

    resolved_{{ world }} as (

        select
            viewing.*,
            {{ attribute(by.dimension, reach()[by.dimension].key, by.dimension ~ '.' ~ by.column) }} as resolved
        from viewing
        {%- for name in way %}
        left join {{ in_world(name, world, scenario) }} as {{ name }}
            on {{ reach()[name].from }}.{{ reach()[name].by }} = {{ name }}.{{ reach()[name].key }}
                and {{ holds_on(name, 'viewing.viewing_date') }}
        {%- endfor %}

    )
    {%- endfor %}

    select 1
    from resolved_before
    inner join resolved_after
        on resolved_before.channel_id = resolved_after.channel_id
            and resolved_before.viewing_date = resolved_after.viewing_date
    where resolved_before.resolved != resolved_after.resolved
    limit 1
{%- endmacro %}
