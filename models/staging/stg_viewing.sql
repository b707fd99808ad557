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

handed_on as (

    {{ erased_devices(
        source('landing', 'erased_device'), source('landing', 'device'), ref('stg_device'),
        'household_id in (select household_id from ' ~ source('landing', 'erased_device') ~ ')'
    ) }}

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
