{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        partition_by='viewing_date',
        full_refresh=false,
    )
}}

with viewing as (

    select * from {{ ref('stg_viewing') }}

),

new_batches as (

    select * from viewing
    {% if is_incremental() %}
        where load_batch > {{ newest_batch(this) }}
    {% endif %}

)

select
    viewing_date,
    device_id,
    channel_id,
    started_at,
    seconds,
    content_at,
    is_session_start,
    playback_mode,
    programme_id,
    load_batch,
    loaded_at
from new_batches
{{ sorted_by_channel() }}
