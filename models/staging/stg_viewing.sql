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

)

select * from renamed
