{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_network_group') }}, {{ ref('stg_pending_edits') }}
{{ shadow_dimension('network_group') }}
