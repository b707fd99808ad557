{{ config(materialized='table') }}

-- depends_on: {{ ref('fct_viewing') }}
{{ what_if_paths() }}
