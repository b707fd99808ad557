{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_airing') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('airing') }}
