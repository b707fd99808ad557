with source as (

    select * from {{ source('landing', 'device') }}

),

renamed as (

    select
        device_id,
        household_id,
        device_type,
        area_id,
        weight,
        load_date
    from source

)

select * from renamed
