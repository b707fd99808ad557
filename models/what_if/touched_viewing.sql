{{ config(materialized='table', schema=scenario_name()) }}

-- depends_on: {{ ref('fct_viewing') }}, {{ ref('dim_device') }}
{{ touched_viewing() }}
