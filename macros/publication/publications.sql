{#-
    The newest publication as a dict, or none before the first. Its `cut` is the instant as text, in
    UTC: an instant itself comes back in the zone of whoever runs dbt.
-#}
{% macro newest_publication() -%}
    {%- set rows = run_query(
        'select *, cast(snapshot_cut as ' ~ dbt.type_string() ~ ') as cut from '
        ~ publications_relation() ~ ' order by number desc limit 1'
    ).rows -%}
    {{- return(rows[0] if rows | length > 0 else none) -}}
{%- endmacro %}

{#- The number of the publication that is being prepared. -#}
{% macro next_publication() -%}
    {%- set newest = newest_publication() -%}
    {{- return((newest['number'] if newest else 0) + 1) -}}
{%- endmacro %}

{#- The newest load batch in a viewing table; 0 when it is empty. A literal, so that files prune. -#}
{% macro newest_batch(relation) -%}
    {%- set rows = run_query('select coalesce(max(load_batch), 0) from ' ~ relation).rows -%}
    {{- return(rows[0][0]) -}}
{%- endmacro %}

{#-
    The viewing days whose figures the loads since the newest publication can have moved, and those
    of erased viewing: a list of days, or none for all days.
-#}
{% macro days_loaded_since(publication) -%}
    {%- if publication is none or has_other_devices(publication) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set query -%}
        select distinct viewing_date from {{ viewing_relation() }}
        where load_batch > {{ publication['load_batch'] }}
        order by viewing_date
    {%- endset -%}
    {%- set days = run_query(query).columns[0].values() | list -%}
    {%- for day in run_var('erased_days', []) -%}
        {%- do days.append(modules.datetime.date.fromisoformat(day)) -%}
    {%- endfor -%}
    {{- return(days | unique | sort) -}}
{%- endmacro %}

{#-
    Whether there is a load of devices that a publication is without; also one of an earlier day. It is
    asked for each mart: what was found is kept for the command.
-#}
{% macro has_other_devices(publication) -%}
    {%- set known = graph.setdefault('has_other_devices', {}) -%}
    {%- set number = publication['number'] -%}
    {%- if number not in known -%}
        {%- set devices = (loaded_tables() | selectattr('name', 'equalto', 'device') | list)[0] -%}
        {%- do known.update({number: device_load() | string != publication['device_load'] | string
            or last_load_recorded(devices, number) is not none and run_query(
                'select 1 from ' ~ device_relation() ~ ' where not '
                ~ recorded_loads(devices, number) ~ ' limit 1'
            ).rows | length > 0
        }) -%}
    {%- endif -%}
    {{- return(known[number]) -}}
{%- endmacro %}

{% macro device_load() -%}
    {{- return(run_query('select max(load_date) from ' ~ device_relation()).rows[0][0]) -}}
{%- endmacro %}

{#- The snapshots that have rows which came or went since a publication's cut; all before the first. -#}
{% macro snapshots_touched_since(publication) -%}
    {%- set written = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'snapshot' -%}
        {%- if not publication or written_since(node.relation_name, publication['cut']) -%}
            {%- do written.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not written -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set query -%}
        select distinct name from (
        {%- for node in written %}
            select '{{ node.name }}' as name from {{ node.relation_name }}
            {%- if publication %}
            where dbt_valid_from > {{ _cut_of(publication) }} or dbt_valid_to > {{ _cut_of(publication) }}
            {%- endif %}
            {{ "union all" if not loop.last }}
        {%- endfor %}
        ) as touched
    {%- endset -%}
    {{- return(run_query(query).columns[0].values() | list) -}}
{%- endmacro %}

{#-
    The approved dimensions whose recorded rows are others than at a publication's cut. A promotion
    that was given up leaves versions that came and went, and the same rows as before: those that
    were touched at all are looked at row by row.
-#}
{% macro dimensions_changed_since(publication) -%}
    {%- set cut = _cut_of(publication) -%}
    {%- set found = [] -%}
    {%- for name in snapshots_touched_since(publication) -%}
        {%- set query -%}
            select 1 from {{ _built_relation(name) }}
            group by row_key, row_hash
            having
                sum(case when dbt_valid_from <= {{ cut }} and coalesce(dbt_valid_to > {{ cut }}, true) then 1 else 0 end)
                != sum(case when dbt_valid_to is null then 1 else 0 end)
            limit 1
        {%- endset -%}
        {%- if run_query(query).rows -%}{%- do found.append(name | replace('_history', '')) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro _cut_of(publication) -%}
    cast('{{ publication['cut'] }}' as {{ dbt.type_timestamp() }})
{%- endmacro %}

{#- `and viewing_date in (...)` with literal days; nothing for none, which means all days. -#}
{% macro and_on_days(days, column='viewing_date') -%}
    {%- if days is not none -%}
        and {{ column }} in (
            {%- for day in days %}{{ day_literal(day) }}{{ ", " if not loop.last }}{% endfor -%}
        )
    {%- endif -%}
{%- endmacro %}

{#-
    The row that makes a prepared publication visible: the one commit.

    marts: those with figures that were computed from all viewing; of `promoted` no more viewing
    is in than in the publication before, and the row says so.
-#}
{% macro insert_publication(number, release, definitions, marts, promoted=false) -%}
    {%- set cut = run_query('select cast(current_timestamp() as string)').rows[0][0] -%}
    {%- set newest = newest_publication() -%}
    {%- do record_contents(number, newest, cut, marts, with_loads=not promoted) -%}
    {%- if promoted -%}{%- do refuse_other_marks(number, marts) -%}{%- endif -%}
    {%- call statement('publish') -%}
        insert into {{ publications_relation() }}
        select
            {{ number }} as number,
            {{ release }} as release,
            {%- if promoted %}
            {{ newest['load_batch'] }} as load_batch,
            {{ day_literal(newest['last_day']) if newest['last_day'] else 'null' }} as last_day,
            {{ day_literal(newest['device_load']) if newest['device_load'] else 'null' }} as device_load,
            {%- else %}
            coalesce(max(load_batch), 0) as load_batch,
            max(viewing_date) as last_day,
            (select max(load_date) from {{ device_relation() }}) as device_load,
            {%- endif %}
            cast('{{ cut }}' as timestamp) as snapshot_cut,
            '{{ definitions }}' as definitions,
            current_timestamp() as published_at
        {%- if not promoted %}
        from {{ viewing_relation() }}
        {%- endif %}
    {%- endcall -%}
    {%- do show_publication({'number': number, 'cut': cut}) -%}
    {%- do log('Published ' ~ number ~ ' (release ' ~ release ~ ').', info=true) -%}
{%- endmacro %}

{#-
    The publication that readers see, as a view of literals that all published views read: they are
    folded into a query, so that no table is asked and what is closed is not read. It is altered
    once the publication's row is there; if that was killed, by what is run next.
-#}
{% macro shown_relation() -%}
    {{- return(publications_relation().incorporate(
        path={'identifier': 'shown_publication'}, type='view'
    )) -}}
{%- endmacro %}

{% macro show_publication(publication) -%}
    {%- set cut = "'" ~ publication['cut'] ~ "'" if publication else 'null' -%}
    {%- set shown -%}
        select
            cast({{ publication['number'] if publication else 0 }} as int) as number,
            cast({{ cut }} as timestamp) as snapshot_cut
    {%- endset -%}
    {%- do put_view(shown_relation(), shown) -%}
{%- endmacro %}

{#- Shows the newest publication, if the run that inserted it was killed before it could. -#}
{% macro show_newest_publication() -%}
    {%- do show_publication(newest_publication()) -%}
{%- endmacro %}

{#- Each versioned mart and the hash of its definition, `name=md5;...`, sorted. -#}
{% macro mart_definitions(marts) -%}
    {%- set parts = [] -%}
    {%- for mart in marts | sort(attribute='name') -%}
        {%- do parts.append(mart.name ~ '=' ~ mart_definition(mart)) -%}
    {%- endfor -%}
    {{- return(parts | join(';')) -}}
{%- endmacro %}

{% macro versioned_marts() -%}
    {{- return(models_materialized('versioned')) -}}
{%- endmacro %}

{% macro models_materialized(materialized) -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and node.config.materialized == materialized -%}
            {%- do found.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- What failed in a run, and which models of a materialization were built: names, as a dict. -#}
{% macro outcome_of_run(results, materialized) -%}
    {%- set failed = [] -%}
    {%- set built = [] -%}
    {%- for result in results -%}
        {%- if result.status in ('error', 'fail', 'skipped') -%}
            {%- do failed.append(result.node.name) -%}
        {%- elif result.node.config.materialized == materialized -%}
            {%- do built.append(result.node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return({'failed': failed, 'built': built}) -}}
{%- endmacro %}

{#-
    At the end of a plain build: publishes when every mart was built and something moved. A part
    build publishes nothing, because its marts would not agree with the others.
-#}
{% macro publish_after_build(results) -%}
    {{- return(adapter.dispatch('publish_after_build')(results)) -}}
{%- endmacro %}

{% macro default__publish_after_build(results) -%}
    {%- if execute and not run_var('promoting') and flags.WHICH in ('build', 'run') -%}
        {%- set ended = outcome_of_run(results, 'versioned') -%}
        {%- set built, failed = ended.built, ended.failed -%}
        {%- set marts = versioned_marts() -%}
        {%- if failed and built -%}
            {%- do log('Not published: ' ~ failed | join(', ') ~ ' failed.', info=true) -%}
        {%- elif built and built | length < marts | length -%}
            {%- do log('Not published: only ' ~ built | join(', ') ~ ' built.', info=true) -%}
        {%- elif built -%}
            {%- do _publish_if_moved(marts) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _publish_if_moved(marts) -%}
    {%- set newest = newest_publication() -%}
    {%- if newest and run_var('release', none) is none -%}
        {%- do refuse_other_changes([]) -%}
    {%- endif -%}
    {%- set definitions = mart_definitions(marts) -%}
    {%- set moved = newest is none
        or newest['definitions'] != definitions
        or newest['load_batch'] != newest_batch(viewing_relation())
        or has_other_devices(newest)
        or run_var('reopened', {})
        or run_var('erased_days', [])
        or run_var('release', none) is not none -%}
    {%- if moved -%}
        {%- set release = run_var('release', newest['release'] if newest else 0) -%}
        {%- do insert_publication(next_publication(), release, definitions, marts) -%}
    {%- else -%}
        {%- do show_newest_publication() -%}
    {%- endif -%}
    {%- do put_published_views(marts) -%}
    {%- do drop_views_of_dropped_marts() -%}
{%- endmacro %}

{#- Hooks and operations can't ref(): dbt infers no dependencies for them. The graph knows. -#}
{% macro viewing_relation() -%}
    {{- return(graph.nodes['model.' ~ project_name ~ '.fct_viewing'].relation_name) -}}
{%- endmacro %}

{#-
    The newest viewing day as a literal: the day of "as it is now". In a scenario it is that of the
    newest publication.
-#}
{% macro last_viewing_day() -%}
    {%- if not execute -%}
        {%- do ref('fct_viewing') -%}
        {{- return('null') -}}
    {%- endif -%}
    {%- set day = publication_compared_with()['last_day'] if 'what_if' in model.tags
        else run_query('select max(viewing_date) from ' ~ viewing_relation()).rows[0][0] -%}
    {{- return(day_literal(day) if day else 'null') -}}
{%- endmacro %}

{#- A landing table, without a dependency on it. -#}
{% macro landing_relation(name) -%}
    {{- return(graph.sources['source.' ~ project_name ~ '.landing.' ~ name].relation_name) -}}
{%- endmacro %}

{% macro device_relation() -%}
    {{- return(landing_relation('device')) -}}
{%- endmacro %}
