{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_country') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('country') }}
