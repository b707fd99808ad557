with source as (

    select * from {{ source('landing', 'viewing') }}

),

renamed as (

    select
        viewing_date,
        device_id,
        channel_id,
        started_at,
        seconds,
        content_at,
        is_session_start,
        playback_mode,
        programme_id,
        load_batch,
        loaded_at
    from source

),

-- A device of an erased household is another's from the next load on that has it.
handed_on as (

    select
        erased.device_id,
        erased.valid_from,
        coalesce(erased.valid_to, min(device.load_date)) as valid_to
    from {{ source('landing', 'erased_device') }} as erased
    left join {{ ref('stg_device') }} as device
        on
            erased.device_id = device.device_id
            and erased.valid_from < device.load_date
    group by erased.device_id, erased.valid_from, erased.valid_to

),

not_erased as (

    select renamed.*
    from renamed
    left anti join handed_on
        on
            renamed.device_id = handed_on.device_id
            and {{ holds_on('handed_on', 'renamed.viewing_date') }}

)

select * from not_erased
