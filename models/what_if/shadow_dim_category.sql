{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_category') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('category') }}
