{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_channel_key') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('channel_key') }}
