{{ config(materialized='ephemeral') }}

with area as (

    select * from {{ ref('dim_area') }}

),

begun as (

    select
        area.*,
        row_number() over (
            partition by area.area_id
            order by area.valid_from desc
        ) as place
    from area
    where area.valid_from <= {{ last_viewing_day() }}

),

latest as (

    select
        area_id,
        area_name,
        market_id,
        cast('1900-01-01' as date) as valid_from,
        cast(null as date) as valid_to
    from begun
    where place = 1

)

select * from latest
