{{ config(materialized='ephemeral') }}

with channel as (

    select * from {{ ref('dim_channel') }}

),

begun as (

    select
        channel.*,
        row_number() over (
            partition by channel.channel_id
            order by channel.valid_from desc
        ) as place
    from channel
    where channel.valid_from <= {{ last_viewing_day() }}

),

latest as (

    select
        channel_id,
        channel_name,
        alt_names,
        network_id,
        owners,
        country_id,
        categories,
        is_nsfw,
        launched,
        closed,
        replaced_by,
        website,
        primary_owner_id,
        primary_category_id,
        cast('1900-01-01' as date) as valid_from,
        cast(null as date) as valid_to
    from begun
    where place = 1

)

select * from latest
