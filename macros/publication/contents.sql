{#-
    What each publication opened and closed, as sums: for each mart and dimension the number of rows
    and the sum of their hashes, which does not depend on their order. Recorded when a publication
    comes out, over the rows that it marked, so its cost does not grow with the mart; worked out
    again by `foreview verify`, for all publications at once. (Sums of hashes as a set's hash:
    Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing", 1997. It finds what was
    changed by mistake or by hand; the log of events keeps a digest of it.)

    Of viewing and devices each load is summed once, by the first build that publishes it, and
    `foreview verify --loads` reads all of them.
-#}
{% macro contents_relation(suffix='') -%}
    {{- return(publications_relation().incorporate(
        path={'identifier': 'publication_contents' ~ suffix}
    )) -}}
{%- endmacro %}

{% macro create_contents_table() -%}
    {%- if adapter.get_relation((target.database or none), target.schema, 'publication_contents') is none -%}
        {%- call statement('create_contents') -%}
            create table if not exists {{ contents_relation() }} (
                number int, table_name string, side string, contents string
            ) {{ in_table_format() }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{#-
    Records the contents of the publication that is being prepared; again, if it was killed. Only of
    marts that were marked and of dimensions that were touched: the others opened and closed nothing.
-#}
{% macro record_contents(number, newest, cut, marts, with_loads) -%}
    {%- set publications -%}
        (
            select
                {{ number }} as number,
                cast('{{ cut }}' as timestamp) as cut,
                cast('{{ newest['cut'] if newest else '1900-01-01' }}' as timestamp) as previous_cut
        )
    {%- endset -%}
    {%- set parts = [] -%}
    {%- for mart in marts -%}
        {%- do parts.append(_figures_marked(mart.name, versions_relation(mart), number)) -%}
    {%- endfor -%}
    {%- for name in snapshots_touched_since(newest) -%}
        {%- do parts.append(_rows_marked(name, publications)) -%}
    {%- endfor -%}
    {%- for table in loaded_tables() if with_loads -%}
        {%- set last = last_load_recorded(table, number - 1) -%}
        {#- Batches come in order, so that files are left unread; loads of devices need not. -#}
        {%- set later = table.load ~ ' > ' ~ last ~ ' and ' if last and table.is_ordered else '' -%}
        {%- do parts.append(contents_of_loads(
            table, later ~ 'not ' ~ recorded_loads(table, number - 1), number
        )) -%}
    {%- endfor -%}
    {%- call statement('record_contents') -%}
        insert into {{ contents_relation() }}
        replace where number >= {{ number }}
        {{ parts | join(' union all ') if parts
            else 'select * from ' ~ contents_relation() ~ ' where false' }}
    {%- endcall -%}
{%- endmacro %}

{#-
    Works the contents of all publications out again, into a table beside the recorded ones; those of
    loads, and of what readers see of the marts, as if of a publication 0.
-#}
{% macro find_contents(with_loads) -%}
    {%- set publications -%}
        (
            select
                number,
                snapshot_cut as cut,
                coalesce(
                    lag(snapshot_cut) over (order by number), cast('1900-01-01' as timestamp)
                ) as previous_cut
            from {{ publications_relation() }}
        )
    {%- endset -%}
    {%- set parts = [] -%}
    {%- for mart in versioned_marts() -%}
        {%- do parts.append(_figures_marked(mart.name, versions_relation(mart))) -%}
        {%- do parts.extend(_figures_shown(mart)) -%}
    {%- endfor -%}
    {%- for name in dropped_marts() -%}
        {%- set versions = adapter.get_relation(
            (target.database or none), target.schema, name ~ '__versions'
        ) -%}
        {%- if versions -%}{%- do parts.append(_figures_marked(name, versions)) -%}{%- endif -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'snapshot' -%}
        {%- do parts.append(_rows_marked(node.name, publications)) -%}
    {%- endfor -%}
    {%- for table in loaded_tables() if with_loads -%}
        {%- set last = last_load_recorded(table, newest_number()) -%}
        {#- Batches come in order: one in between that was never recorded was not loaded by Foreview. -#}
        {%- set condition = 'coalesce(' ~ table.load ~ ' <= ' ~ last ~ ', true)'
            if last is not none and table.is_ordered else recorded_loads(table, newest_number()) -%}
        {%- do parts.append(contents_of_loads(table, condition, 0)) -%}
    {%- endfor -%}
    {%- call statement('find_contents') -%}
        create or replace table {{ contents_relation('_found') }} {{ in_table_format() }} as
        select found.*
        from ({{ parts | join(' union all ') }}) as found
        where found.number <= {{ newest_number() }}
    {%- endcall -%}
{%- endmacro %}

{#- The marts that have a past and are no longer in the project: their names. -#}
{% macro dropped_marts() -%}
    {%- set names = run_query(
        'select distinct table_name from ' ~ contents_relation() ~ " where side in ('opened', 'closed')"
        ~ " and not startswith(table_name, 'dim_')"
    ).columns[0].values() -%}
    {{- return(names | reject('in', versioned_marts() | map(attribute='name') | list) | list) -}}
{%- endmacro %}

{#- Readers no longer see a mart that nothing keeps up to date; its past stays, and is verified. -#}
{% macro drop_views_of_dropped_marts() -%}
    {%- set aliases = graph.nodes.values() | map(attribute='alias') | list -%}
    {%- for name in dropped_marts() if name not in aliases -%}
        {%- for schema in (target.schema ~ '_published', target.schema) -%}
            {%- set view = adapter.get_relation((target.database or none), schema, name) -%}
            {%- if view and view.is_view -%}{%- do adapter.drop_relation(view) -%}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- The figures that each publication, or one, opened and closed. No publication does both to one. -#}
{% macro _figures_marked(mart_name, versions, number=none) -%}
    {%- set hash = row_hash(summed_columns(column_types(versions))) -%}
    select number, '{{ mart_name }}' as table_name, side, {{ sum_of_hashes('hash') }} as contents
    from (
        {%- if number is none %}
        select marks.number, marks.side, hash
        from (select published_from, published_to, {{ hash }} as hash from {{ versions }})
        lateral view stack(2, published_from, 'opened', published_to, 'closed') marks as number, side
        where marks.number is not null
        {%- else %}
        select
            {{ number }} as number,
            case when published_from = {{ number }} then 'opened' else 'closed' end as side,
            {{ hash }} as hash
        from {{ versions }}
        where published_from = {{ number }} or published_to = {{ number }}
        {%- endif %}
    ) as hashed
    group by number, side
{%- endmacro %}

{#- What readers see of a mart, by its view and by its versions: two queries; none before it has a view. -#}
{% macro _figures_shown(mart) -%}
    {%- set database = (target.database or none) -%}
    {%- set view = published_relation(mart.alias) -%}
    {%- if adapter.get_relation(database, view.schema, view.identifier) is none
        or adapter.get_relation(database, shown_relation().schema, shown_relation().identifier) is none -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set columns = column_types(view) | select('in', column_types(versions_relation(mart))) | list -%}
    {%- set found = [] -%}
    {%- for side, rows in (
        ('by its view', view), ('by its versions', versions_relation(mart) ~ ' where ' ~ shown_now())
    ) -%}
        {%- do found.append(
            "select 0 as number, '" ~ mart.name ~ "' as table_name, 'shown " ~ side ~ "' as side, "
            ~ sum_of_row_hashes(columns) ~ ' as contents from ' ~ rows
        ) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- The rows of a dimension that each publication opened and closed. -#}
{% macro _rows_marked(snapshot, publications) -%}
    {%- set dimension = snapshot | replace('_history', '') -%}
    {%- set staged = graph.nodes['model.' ~ project_name ~ '.stg_' ~ dimension] -%}
    select number, 'dim_{{ dimension }}' as table_name, side, {{ sum_of_hashes('hash') }} as contents
    from (
        select
            publication.number,
            case when {{ _held_at('previous_cut') }} then 'closed' else 'opened' end as side,
            {{ row_hash(['row_key', 'change_set_id']
                + contract_columns(staged) | map(attribute='name') | list) }} as hash
        from {{ _built_relation(snapshot) }} as version
        inner join {{ publications }} as publication
            on {{ _held_at('cut') }} != {{ _held_at('previous_cut') }}
    ) as hashed
    group by number, side
{%- endmacro %}

{% macro _held_at(cut) -%}
    (
        version.dbt_valid_from <= publication.{{ cut }}
        and (version.dbt_valid_to is null or version.dbt_valid_to > publication.{{ cut }})
    )
{%- endmacro %}

{#- The tables that are loaded and not derived: what a row in them is, and which load it came with. -#}
{% macro loaded_tables() -%}
    {{- return([
        {'name': 'viewing', 'relation': viewing_relation(), 'load': 'load_batch', 'is_ordered': true},
        {'name': 'device', 'relation': device_relation(), 'load': 'load_date', 'is_ordered': false},
    ]) -}}
{%- endmacro %}

{#- The loads of a table whose sums a publication up to one recorded, as a query of texts. -#}
{% macro _loads_recorded(table, newest) -%}
    select substr(side, 11)
    from {{ contents_relation() }}
    where table_name = '{{ table.name }}' and side like 'loaded as %' and number <= {{ newest }}
{%- endmacro %}

{#- The greatest of them, as text for days and a number for batches; none when there is none. -#}
{% macro last_load_recorded(table, newest) -%}
    {%- set type = 'int' if table.is_ordered else 'string' -%}
    {{- return(run_query(
        'select max(cast(load as ' ~ type ~ ')) from (' ~ _loads_recorded(table, newest)
        ~ ') as recorded(load)'
    ).rows[0][0]) -}}
{%- endmacro %}

{#- The condition for rows of these loads. -#}
{% macro recorded_loads(table, newest) -%}
    cast({{ table.load }} as string) in ({{ _loads_recorded(table, newest) }})
{%- endmacro %}

{#- The contents of a table's loads, of the rows (`loaded`) for which a condition holds. -#}
{% macro contents_of_loads(table, condition, number) -%}
    {%- set source = graph.sources['source.' ~ project_name ~ '.landing.' ~ table.name] -%}
    select
        {{ number }} as number,
        '{{ table.name }}' as table_name,
        concat('loaded as ', coalesce(cast({{ table.load }} as {{ dbt.type_string() }}), 'none')) as side,
        {{ sum_of_row_hashes(source.columns | list | sort) }} as contents
    from {{ table.relation }} as loaded
    where {{ condition }}
    group by {{ table.load }}
{%- endmacro %}
