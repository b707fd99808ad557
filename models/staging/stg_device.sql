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

),

not_erased as (

    select renamed.*
    from renamed
    left anti join {{ source('landing', 'erased_device') }} as erased
        on renamed.household_id = erased.household_id

)

select * from not_erased
