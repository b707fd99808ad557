{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_channel') }}, {{ ref('stg_channel_edits') }}
{{ shadow_dimension('channel') }}
