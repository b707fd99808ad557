{{ config(materialized='table') }}

-- depends_on: {{ ref('viewing_by_key_day') }}
{{ what_if_paths() }}
