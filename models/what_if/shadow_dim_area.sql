{{ config(materialized='ephemeral') }}

-- depends_on: {{ ref('dim_area') }}, {{ ref('stg_area_edits') }}
{{ shadow_dimension('area') }}
