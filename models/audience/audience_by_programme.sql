with viewing as (

    select * from {{ ref('fct_viewing') }}

),

device as (

    select * from {{ ref('dim_device') }}

),

schedule as (

    select * from {{ ref('schedule') }}

),

watched as (

    select
        viewing.viewing_date,
        viewing.channel_id,
        viewing.playback_mode,
        viewing.device_id,
        coalesce(schedule.broadcast_date, {{ broadcast_date('viewing.content_at') }})
            as broadcast_date,
        {{ attribute('schedule', 'airing_id', 'schedule.airing_id') }} as airing_id,
        {{ attribute('schedule', 'airing_id', 'schedule.programme_id') }} as programme_id,
        {{ attribute('schedule', 'airing_id', 'schedule.genre_id') }} as genre_id,
        schedule.airing_seconds,
        {{ seconds_between(
            'greatest(viewing.content_at, schedule.starts_at)',
            'least(' ~ content_end() ~ ', schedule.ends_at)'
        ) }} as seconds
    from viewing
    left join schedule
        on viewing.channel_id = schedule.channel_id
            and {{ content_end() }} > schedule.starts_at
            and viewing.content_at < schedule.ends_at
    where viewing.content_at is not null

),

delays as (

    select
        watched.*,
        case
            when watched.playback_mode = 'live' then -1
            else datediff(watched.viewing_date, watched.broadcast_date)
        end as delay
    from watched
    -- A figure is made of these days, also of an airing that lasts longer.
    where datediff(watched.viewing_date, watched.broadcast_date) <= {{ var('airing_days') }}

),

by_household as (

    select
        delays.broadcast_date,
        delays.channel_id,
        delays.airing_id,
        delays.programme_id,
        delays.genre_id,
        viewing_window.name as viewing_window,
        device.household_id,
        max(delays.airing_seconds) as airing_seconds,
        max(coalesce(device.weight, 0)) as household_weight,
        count(*) as records,
        sum(delays.seconds) as seconds,
        sum(delays.seconds * coalesce(device.weight, 0)) as weighted_seconds,
        max(
            case
                when device.household_id is not null
                    and delays.seconds >= {{ var('reach_seconds') }} then 1
                else 0
            end
        ) as is_reached
    from delays
    inner join {{ viewing_windows() }} as viewing_window
        on delays.delay <= viewing_window.delay
    left join device
        on delays.device_id = device.device_id
            and {{ holds_on('device', 'delays.viewing_date') }}
    group by
        delays.broadcast_date,
        delays.channel_id,
        delays.airing_id,
        delays.programme_id,
        delays.genre_id,
        viewing_window.name,
        device.household_id

)

select
    broadcast_date,
    channel_id,
    airing_id,
    programme_id,
    genre_id,
    viewing_window,
    cast(sum(is_reached) as bigint) as reach,
    max(airing_seconds) as airing_seconds,
    sum(records) as records,
    sum(seconds) as seconds,
    sum(weighted_seconds) as weighted_seconds,
    sum(is_reached * household_weight) as weighted_reach
from by_household
group by
    broadcast_date,
    channel_id,
    airing_id,
    programme_id,
    genre_id,
    viewing_window
