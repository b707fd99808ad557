with calendar as (

    select * from {{ source('landing', 'publication_calendar') }}

),

spans as (

    select
        product,
        market,
        first_day,
        last_day,
        state
    from calendar

)

select * from spans
