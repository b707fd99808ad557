with history as (

    select * from {{ ref('channel_history') }}

),

intervals as (

    select
        dbt_scd_id as row_version_id,
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
        {{ first_in_list('owners') }} as primary_owner_id,
        {{ first_in_list('categories') }} as primary_category_id,
        valid_from,
        valid_to,
        valid_to is null as is_current,
        change_set_id,
        dbt_valid_from as known_from,
        dbt_valid_to as known_to
    from history

)

select * from intervals
