{{ config(materialized='impact', schema=scenario_name()) }}
{{ depend_on_what_if() }}
with touched as (

    select * from {{ ref('touched_viewing') }}

),

totals as (

    select
        count(*) as touched_records,
        count(distinct viewing_date) as touched_days,
        coalesce(sum(seconds), 0) as touched_seconds
    from touched

)

select * from totals
