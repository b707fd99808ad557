with source as (

    select * from {{ source('landing', 'pending_edits') }}

),

renamed as (

    select
        dimension,
        change_set_id,
        change_number,
        change_kind,
        changed_columns,
        row_key,
        copied_from,
        row_values
    from source

)

select * from renamed
