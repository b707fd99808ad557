{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_area') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('area') }}
