{{ config(materialized='by_day', partition_by='viewing_date') }}

with viewing as (

    select * from {{ ref('fct_viewing') }}

),

device as (

    select * from {{ ref('dim_device') }}

),

rolled_up as (

    select
        viewing.viewing_date,
        viewing.channel_id,
        device.area_id,
        viewing.playback_mode,
        device.device_id is not null as has_device,
        count(*) as records,
        sum(cast(viewing.seconds as bigint)) as seconds,
        sum(case when viewing.is_session_start then 1 else 0 end) as sessions,
        sum(viewing.seconds * coalesce(device.weight, 0)) as weighted_seconds
    from viewing
    left join device
        on viewing.device_id = device.device_id
            and {{ holds_on('device', 'viewing.viewing_date') }}
    group by
        viewing.viewing_date,
        viewing.channel_id,
        device.area_id,
        device.device_id is not null,
        viewing.playback_mode

),

final as (

    select
        viewing_date,
        channel_id,
        area_id,
        has_device,
        playback_mode,
        records,
        seconds,
        sessions,
        weighted_seconds
    from rolled_up

)

select * from final
