{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_owner') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('owner') }}
