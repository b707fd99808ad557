{{ config(materialized='table', schema=scenario_name()) }}

-- depends_on: {{ ref('dim_device') }}
{{ what_if_device() }}
