{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_programme') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('programme') }}
