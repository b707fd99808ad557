{{ config(materialized='ephemeral') }}

with airing as (

    select * from {{ ref('dim_airing') }}

),

programme as (

    select * from {{ ref('dim_programme') }}

),

broadcast as (

    select
        airing.channel_id,
        airing.airing_id,
        airing.starts_at,
        airing.ends_at,
        {{ broadcast_date('airing.starts_at') }} as broadcast_date,
        {{ seconds_between('airing.starts_at', 'airing.ends_at') }} as airing_seconds,
        coalesce(airing.programme_id, '(none)') as programme_id,
        {{ attribute('programme', 'programme_id', 'programme.genre_id') }} as genre_id
    from airing
    left join programme
        on airing.programme_id = programme.programme_id
            and {{ holds_on('programme', broadcast_date('airing.starts_at')) }}
    where airing.layer = 'programme'
        and airing.feed is null
        and {{ holds_on('airing', broadcast_date('airing.starts_at')) }}

),

gaps as (

    select
        channel_id,
        ends_at as starts_at,
        lead(starts_at, 1, timestamp '9999-01-01') over (
            partition by channel_id
            order by starts_at
        ) as ends_at
    from broadcast
    union all
    select
        channel_id,
        timestamp '1900-01-01' as starts_at,
        min(starts_at) as ends_at
    from broadcast
    group by channel_id

),

final as (

    select * from broadcast
    union all
    select
        channel_id,
        cast(null as string) as airing_id,
        starts_at,
        ends_at,
        cast(null as date) as broadcast_date,
        cast(null as bigint) as airing_seconds,
        cast(null as string) as programme_id,
        cast(null as string) as genre_id
    from gaps
    where starts_at < ends_at

)

select * from final
