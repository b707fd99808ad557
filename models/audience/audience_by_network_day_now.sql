with viewing as (

    select * from {{ ref('fct_viewing') }}

),

device as (

    select * from {{ ref('dim_device') }}

),

current_channel as (

    select * from {{ ref('dim_current_channel') }}

),

broadcast_day as (

    select * from {{ ref('broadcast_day') }}

),

by_household as (

    select
        viewing.viewing_date,
        {{ attribute('current_channel', 'channel_id', 'current_channel.network_id') }}
            as network_id,
        viewing.playback_mode,
        device.household_id,
        max(coalesce(device.weight, 0)) as household_weight,
        count(*) as records,
        sum(cast(viewing.seconds as bigint)) as seconds,
        sum(viewing.seconds * coalesce(device.weight, 0)) as weighted_seconds,
        sum(case when viewing.is_session_start then 1 else 0 end) as sessions,
        max(
            case
                when device.household_id is not null
                    and viewing.seconds >= {{ var('reach_seconds') }} then 1
                else 0
            end
        ) as is_reached
    from viewing
    left join device
        on viewing.device_id = device.device_id
            and {{ holds_on('device', 'viewing.viewing_date') }}
    left join current_channel on viewing.channel_id = current_channel.channel_id
    group by
        viewing.viewing_date,
        {{ attribute('current_channel', 'channel_id', 'current_channel.network_id') }},
        viewing.playback_mode,
        device.household_id

),

figures as (

    select
        viewing_date,
        network_id,
        playback_mode,
        cast(sum(is_reached) as bigint) as reach,
        sum(records) as records,
        sum(seconds) as seconds,
        sum(weighted_seconds) as weighted_seconds,
        sum(sessions) as sessions,
        sum(is_reached * household_weight) as weighted_reach
    from by_household
    group by
        viewing_date,
        network_id,
        playback_mode

),

final as (

    select
        figures.*,
        broadcast_day.day_seconds
    from figures
    left join broadcast_day on figures.viewing_date = broadcast_day.viewing_date

)

select * from final
