{#-
    A dimension's history as it would be under the scenario, as a query with the snapshot's
    columns. Modified cells replace those of the approved row; removed rows go; added rows come,
    and the columns that an added row only copied follow the row that it continues, with the
    scenario's corrections.
-#}
{% macro shadow_history(name) -%}
    {%- set approved = 'stg_' ~ name -%}
    {%- set columns = contract_columns(graph.nodes['model.' ~ project_name ~ '.' ~ approved]) -%}
    {%- set names = columns | map(attribute='name') | list -%}
    with edits as (

        select
            change_set_id,
            change_kind,
            changed_columns,
            row_key,
            copied_from
            {%- for column in columns %},
            cast(row_values['{{ column.name }}'] as {{ column.data_type }}) as {{ column.name }}
            {%- endfor %}
        from {{ _built_relation('stg_pending_edits') }}
        where dimension = '{{ name }}' and change_set_id in ({{ scenario_literals() }})

    ),

    modified as (

        select
            row_key
            {%- for column in names %},
            max(case when {{ _is_changed(column) }} then 1 else 0 end) as has_{{ column }},
            max(case when {{ _is_changed(column) }} then {{ column }} end) as {{ column }}
            {%- endfor %}
        from edits
        where change_kind = 'modified'
        group by row_key

    ),

    folded as (

        select
            approved.row_key,
            approved.change_set_id
            {%- for column in names %},
            case
                when modified.has_{{ column }} = 1 then modified.{{ column }}
                else approved.{{ column }}
            end as {{ column }}
            {%- endfor %}
        from {{ _built_relation(approved) }} as approved
        left join modified on approved.row_key = modified.row_key

    ),

    {#- Two change sets may add the same row; other rows of one key are refused before. -#}
    added as (

        select
            edits.row_key,
            min(edits.change_set_id) as change_set_id
            {%- for column in names %},
            max(
                case
                    when folded.row_key is null or {{ _is_changed('edits.' ~ column, column) }}
                        then edits.{{ column }}
                    else folded.{{ column }}
                end
            ) as {{ column }}
            {%- endfor %}
        from edits
        left join folded on edits.copied_from = folded.row_key
        where edits.change_kind = 'added'
        group by edits.row_key

    ),

    kept as (

        select folded.*
        from folded
        left join edits
            on folded.row_key = edits.row_key and edits.change_kind = 'removed'
        where edits.row_key is null

    ),

    combined as (

        select * from kept
        union all
        select * from added

    )

    select
        combined.*,
        md5(concat('shadow|', combined.row_key)) as dbt_scd_id,
        cast(null as timestamp) as dbt_valid_from,
        cast(null as timestamp) as dbt_valid_to
    from combined
{%- endmacro %}

{% macro _is_changed(column, name=none, prefix='') -%}
    instr({{ prefix }}changed_columns, ',{{ name or column }},') > 0
{%- endmacro %}

{#-
    Refuses a scenario whose change sets edit one row in ways that can't both be, as `foreview what-if`
    does: other values of one cell, other rows of one key, a row that one removes and another edits,
    or that one ends on the day on which another splits it.
    Equal edits are one.
-#}
{% macro refuse_conflicting_edits(name) -%}
    {%- if scenario_ids() | unique | list | length > 1 and not run_var('promoting') -%}
        {%- for row in run_query(conflicting_edits(name)).rows -%}
            {{ exceptions.raise_compiler_error(
                "Change sets " ~ row['change_set_id'] ~ " and " ~ row['other_change_set_id']
                ~ " edit row " ~ row['row_key'] ~ " of " ~ name ~ " in different ways"
                ~ (" (" ~ row['cells'] ~ ")" if row['cells'] else "")
                ~ ", so that they can't be tried together. Try one of them, or have the other made "
                ~ "anew on it (foreview refresh)."
            ) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- The first row that two change sets of the scenario edit in different ways, as a query. -#}
{% macro conflicting_edits(name) -%}
    {%- set staging = graph.nodes['model.' ~ project_name ~ '.stg_' ~ name] -%}
    with edits as (

        select change_set_id, change_kind, changed_columns, row_key, copied_from, row_values
        from {{ _built_relation('stg_pending_edits') }}
        where dimension = '{{ name }}' and change_set_id in ({{ scenario_literals() }})

    ),

    parts as (

        {#- The rows that a change set splits off another one: one each, since they begin on its end. -#}
        select change_set_id, copied_from, max(row_key) as part
        from edits
        where change_kind = 'added' and copied_from is not null
        group by change_set_id, copied_from

    ),

    pairs as (

        select
            one.change_set_id,
            other.change_set_id as other_change_set_id,
            one.row_key,
            one.change_kind != other.change_kind as is_other_kind,
            {#- Both end the row on one day, and only one splits it then, or into another code. -#}
            one.change_kind = 'modified'
            and other.change_kind = 'modified'
            and {{ _is_changed('valid_to', prefix='one.') }}
            and {{ _is_changed('valid_to', prefix='other.') }}
            and not (one_part.part <=> other_part.part) as is_other_end,
            concat_ws(
                ', '
                {%- for column in contract_columns(staging) | map(attribute='name') %},
                case
                    when (one.row_values['{{ column }}'] <=> other.row_values['{{ column }}'])
                        then null
                    when one.change_kind = 'modified'
                        and {{ _is_changed('one', column, 'one.') }}
                        and {{ _is_changed('other', column, 'other.') }} then '{{ column }}'
                    when one.change_kind = 'added'
                        and (
                            one.copied_from is null
                            or not (one.copied_from <=> other.copied_from)
                            or {{ _is_changed('one', column, 'one.') }}
                            or {{ _is_changed('other', column, 'other.') }}
                        ) then '{{ column }}'
                end
                {%- endfor %}
            ) as cells
        from edits as one
        inner join edits as other
            on one.row_key = other.row_key
                and one.change_set_id < other.change_set_id
        left join parts as one_part
            on one.change_set_id = one_part.change_set_id and one.row_key = one_part.copied_from
        left join parts as other_part
            on other.change_set_id = other_part.change_set_id and other.row_key = other_part.copied_from

    )

    select
        change_set_id,
        other_change_set_id,
        row_key,
        case when is_other_kind then '' else cells end as cells
    from pairs
    where is_other_kind or is_other_end or cells != ''
    order by row_key, change_set_id, other_change_set_id
    limit 1
{%- endmacro %}

{#-
    Refuses a scenario whose rows overlap: change sets that add rows of one key, or airings of one time,
    together or, tried by plain dbt, beside what was approved since. The tests of approved rows look for it.
-#}
{% macro refuse_overlapping_rows(name, relation) -%}
    {%- set together = scenario_ids() | unique | list | length > 1 -%}
    {#- Of one alone Foreview has looked before it calls dbt. -#}
    {%- if not run_var('promoting') and (together or env_var('FOREVIEW_RUN_VARS', '{}') == '{}') -%}
        {%- set rules = graph.nodes['model.' ~ project_name ~ '.stg_' ~ name].config.meta.contract -%}
        {%- set after = "(select * from " ~ relation ~ " where world = 'after') as after_rows" -%}
        {%- set queries = [test_scd_no_overlap(after, rules.key)] -%}
        {%- if rules.interval -%}
            {%- do queries.append(test_event_no_overlap(
                after, rules.key, rules.interval.within, rules.interval.starts, rules.interval.ends
            )) -%}
        {%- endif -%}
        {%- for query in queries -%}
            {%- for row in run_query('select * from (' ~ query ~ ') as overlapping limit 1').rows -%}
                {{ exceptions.raise_compiler_error(
                    "Change sets " ~ scenario_ids() | join(', ') ~ " can't be tried"
                    ~ (" together" if together else " on today's rows") ~ ": rows of "
                    ~ name ~ " overlap, among them " ~ row[rules.key[0]] ~ " from " ~ row['valid_from']
                    ~ (". Try one of them, or have the other made anew on it" if together
                        else ". Have it made anew on them") ~ " (foreview refresh)."
                ) }}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
