{{ config(materialized='table') }}

-- depends_on: {{ ref('both_worlds_channel') }}
-- depends_on: {{ ref('both_worlds_channel_key') }}
-- depends_on: {{ ref('both_worlds_area') }}
{{ touched_keys() if execute else 'select 1' }}
