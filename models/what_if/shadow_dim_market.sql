{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_market') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('market') }}
