with history as (

    select * from {{ ref('genre_history') }}

),

intervals as (

    select
        dbt_scd_id as row_version_id,
        genre_id,
        genre_name,
        valid_from,
        valid_to,
        change_set_id,
        dbt_valid_from as known_from,
        dbt_valid_to as known_to,
        valid_to is null as is_current
    from history

)

select * from intervals
