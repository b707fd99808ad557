{# Invariants of slowly changing dimensions, as the TPC-DI audit checks them. #}

{# Why: two rows that hold on one day count a record twice. #}
{% test scd_no_overlap(model, key) %}
    with rows_in_order as (
        select
            {{ key | join(', ') }},
            valid_from,
            valid_to,
            lead(valid_from) over (
                partition by {{ key | join(', ') }} order by valid_from
            ) as next_valid_from
        from {{ model }}
    )
    select * from rows_in_order
    where next_valid_from is not null and (valid_to is null or valid_to > next_valid_from)
{% endtest %}

{# Why: an interval without a day never holds and hides a mistake. #}
{% test scd_no_empty_interval(model) %}
    select * from {{ model }}
    where valid_from is null or valid_to <= valid_from
{% endtest %}

{# Why: two open rows give a key two presents. #}
{% test scd_one_open_row(model, key) %}
    select {{ key | join(', ') }}
    from {{ model }}
    where valid_to is null
    group by {{ key | join(', ') }}
    having count(*) > 1
{% endtest %}

{# Why: readers filter by the flag. #}
{% test scd_current_flag(model) %}
    select * from {{ model }}
    where is_current is null or is_current != (valid_to is null)
{% endtest %}

{# Why: a row version is named by one surrogate for ever. #}
{% test scd_unique_version(model) %}
    select row_version_id
    from {{ model }}
    group by row_version_id
    having count(*) > 1 or row_version_id is null
{% endtest %}

{# Why: where ends must meet starts, a gap is lost viewing. For tables that declare no gaps. #}
{% test scd_no_gap(model, key) %}
    with rows_in_order as (
        select
            {{ key | join(', ') }},
            valid_to,
            lead(valid_from) over (
                partition by {{ key | join(', ') }} order by valid_from
            ) as next_valid_from
        from {{ model }}
    )
    select * from rows_in_order
    where next_valid_from > valid_to
{% endtest %}

{# Why: a child that outlives its parent points at nothing on some days. #}
{% test scd_within_parent(model, column, parent, parent_column) %}
    with parent_starts as (
        select
            {{ parent_column }} as parent_key,
            valid_from,
            valid_to,
            case
                when lag(valid_to) over (
                    partition by {{ parent_column }} order by valid_from
                ) = valid_from then 0
                else 1
            end as starts_run
        from {{ parent }}
    ),
    parent_runs as (
        select
            *,
            sum(starts_run) over (
                partition by parent_key order by valid_from
                rows between unbounded preceding and current row
            ) as run
        from parent_starts
    ),
    parent_intervals as (
        select
            parent_key,
            min(valid_from) as valid_from,
            case when count(*) = count(valid_to) then max(valid_to) end as valid_to
        from parent_runs
        group by parent_key, run
    )
    select child.*
    from {{ model }} as child
    left join parent_intervals
        on child.{{ column }} = parent_intervals.parent_key
            and parent_intervals.valid_from <= child.valid_from
            and (
                parent_intervals.valid_to is null
                or child.valid_to <= parent_intervals.valid_to
            )
    where child.{{ column }} is not null and parent_intervals.parent_key is null
{% endtest %}

{# Why: an event that takes no time matches no viewing and hides a mistake. #}
{% test event_ends_after_start(model, starts, ends) %}
    select * from {{ model }}
    where {{ starts }} is null or {{ ends }} is null or {{ ends }} <= {{ starts }}
{% endtest %}

{# Why: viewing of an instant at which two events are on would count twice. #}
{# Only events that start before an earlier one has ended are compared with others. #}
{% test event_no_overlap(model, key, within, starts, ends) %}
    with events as (
        select
            {{ key | join(', ') }},
            {{ within | join(', ') }},
            valid_from,
            valid_to,
            {{ starts }} as starts,
            {{ ends }} as ends,
            row_number() over (
                partition by {{ within | join(', ') }}
                order by {{ starts }}, {{ key | join(', ') }}, valid_from
            ) as place,
            max({{ ends }}) over (
                partition by {{ within | join(', ') }}
                order by {{ starts }}, {{ key | join(', ') }}, valid_from
                rows between unbounded preceding and 1 preceding
            ) as earlier_ends
        from {{ model }}
        where {{ ends }} > {{ starts }}
    ),
    suspects as (
        select * from events
        where earlier_ends > starts
    )
    select suspects.*
    from suspects
    inner join events as earlier
        on suspects.place > earlier.place
            and suspects.starts < earlier.ends
            {% for column in within -%}
                and suspects.{{ column }} <=> earlier.{{ column }}
            {% endfor -%}
            and (suspects.valid_to is null or earlier.valid_from < suspects.valid_to)
            and (earlier.valid_to is null or suspects.valid_from < earlier.valid_to)
{% endtest %}
