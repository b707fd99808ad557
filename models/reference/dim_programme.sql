with history as (

    select * from {{ ref('programme_history') }}

),

intervals as (

    select
        dbt_scd_id as row_version_id,
        programme_id,
        programme_name,
        genre_id,
        valid_from,
        valid_to,
        change_set_id,
        dbt_valid_from as known_from,
        dbt_valid_to as known_to,
        valid_to is null as is_current
    from history

)

select * from intervals
