{{ config(materialized='table') }}

-- depends_on: {{ ref('shadow_dim_channel') }}, {{ ref('shadow_dim_channel_key') }}
-- depends_on: {{ ref('shadow_dim_area') }}
{{ touched_keys() if execute else 'select 1' }}
