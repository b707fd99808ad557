{{ config(materialized='view') }}

with device as (

    select * from {{ ref('stg_device') }}

),

loads as (

    select
        load_date,
        lead(load_date) over (order by load_date) as next_load_date
    from (select distinct load_date from device) as load_dates

),

intervals as (

    select
        device.device_id,
        device.household_id,
        device.device_type,
        device.area_id,
        device.weight,
        device.load_date as valid_from,
        loads.next_load_date as valid_to,
        loads.next_load_date is null as is_current
    from device
    inner join loads on device.load_date = loads.load_date

)

select * from intervals
