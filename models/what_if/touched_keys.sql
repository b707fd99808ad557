{{ config(materialized='table') }}

-- depends_on: {{ ref('dim_channel') }}, {{ ref('stg_channel_edits') }}
-- depends_on: {{ ref('dim_channel_key') }}, {{ ref('stg_channel_key_edits') }}
-- depends_on: {{ ref('dim_area') }}, {{ ref('stg_area_edits') }}
{{ touched_keys() if execute else 'select 1' }}
