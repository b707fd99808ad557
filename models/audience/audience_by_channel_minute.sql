with viewing as (

    select * from {{ ref('fct_viewing') }}

),

device as (

    select * from {{ ref('dim_device') }}

),

channel as (

    select * from {{ ref('dim_channel') }}

),

channel_key as (

    select * from {{ ref('dim_channel_key') }}

),

broadcast_day as (

    select * from {{ ref('broadcast_day') }}

),

stays as (

    select
        viewing.viewing_date,
        {{ attribute(
            'channel', 'channel_id', 'coalesce(channel_key.channel_sk, viewing.channel_id)'
        ) }} as channel_sk,
        viewing.playback_mode,
        coalesce(device.weight, 0) as weight,
        {{ seconds_between('broadcast_day.starts_at', 'viewing.started_at') }} as first_second,
        {{ seconds_between('broadcast_day.starts_at', 'viewing.started_at') }}
        + viewing.seconds as end_second
    from viewing
    inner join broadcast_day on viewing.viewing_date = broadcast_day.viewing_date
    left join device
        on viewing.device_id = device.device_id
            and {{ holds_on('device', 'viewing.viewing_date') }}
    left join channel
        on viewing.channel_id = channel.channel_id
            and {{ holds_on('channel', 'viewing.viewing_date') }}
    left join channel_key
        on viewing.channel_id = channel_key.channel_id
            and {{ holds_on('channel_key', 'viewing.viewing_date') }}

),

minutes as (

    select
        viewing_date,
        channel_sk,
        playback_mode,
        weight,
        first_second,
        end_second,
        {{ each_minute('first_second', 'end_second') }} as minute_of_day
    from stays

),

pieces as (

    select
        viewing_date,
        channel_sk,
        minute_of_day,
        playback_mode,
        weight,
        least(end_second, 60 * (minute_of_day + 1))
        - greatest(first_second, 60 * minute_of_day) as seconds
    from minutes

)

select
    viewing_date,
    channel_sk,
    minute_of_day,
    playback_mode,
    cast(60 as bigint) as minute_seconds,
    count(*) as records,
    sum(seconds) as seconds,
    sum(seconds * weight) as weighted_seconds
from pieces
group by
    viewing_date,
    channel_sk,
    minute_of_day,
    playback_mode
