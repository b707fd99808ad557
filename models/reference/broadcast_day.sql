{{ config(materialized='table') }}

with days as (

    {{ days_between(var('calendar_first_day'), var('calendar_last_day')) }}

),

bounds as (

    select
        viewing_date,
        {{ broadcast_day_start('viewing_date') }} as starts_at,
        {{ broadcast_day_start(dbt.dateadd('day', 1, 'viewing_date')) }} as ends_at
    from days

)

select
    viewing_date,
    starts_at,
    ends_at,
    {{ seconds_between('starts_at', 'ends_at') }} as day_seconds
from bounds
