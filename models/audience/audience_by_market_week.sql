with viewing as (

    select * from {{ ref('fct_viewing') }}

),

device as (

    select * from {{ ref('dim_device') }}

),

channel as (

    select * from {{ ref('dim_channel') }}

),

area as (

    select * from {{ ref('dim_area') }}

),

broadcast_week as (

    select
        {{ week_start('viewing_date') }} as week_start_date,
        sum(day_seconds) as week_seconds
    from {{ ref('broadcast_day') }}
    group by {{ week_start('viewing_date') }}

),

by_household as (

    select
        {{ week_start('viewing.viewing_date') }} as week_start_date,
        {{ attribute('area', 'area_id', 'area.market_id') }} as market_id,
        {{ attribute('channel', 'channel_id', 'channel.network_id') }} as network_id,
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
    left join area
        on device.area_id = area.area_id
            and {{ holds_on('area', 'viewing.viewing_date') }}
    left join channel
        on viewing.channel_id = channel.channel_id
            and {{ holds_on('channel', 'viewing.viewing_date') }}
    group by
        {{ week_start('viewing.viewing_date') }},
        {{ attribute('area', 'area_id', 'area.market_id') }},
        {{ attribute('channel', 'channel_id', 'channel.network_id') }},
        viewing.playback_mode,
        device.household_id

),

figures as (

    select
        week_start_date,
        market_id,
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
        week_start_date,
        market_id,
        network_id,
        playback_mode

),

final as (

    select
        figures.*,
        broadcast_week.week_seconds
    from figures
    left join broadcast_week on figures.week_start_date = broadcast_week.week_start_date

)

select * from final
