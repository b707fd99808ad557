{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_channel') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('channel') }}
