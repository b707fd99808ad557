{{ config(materialized='table', schema=scenario_name()) }}

-- depends_on: {{ ref('fct_viewing') }}
{{ what_if_paths() }}
