{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_network') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('network') }}
