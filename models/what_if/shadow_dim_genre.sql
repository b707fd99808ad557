{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_genre') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('genre') }}
