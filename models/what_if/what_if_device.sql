{{ config(materialized='table') }}

-- depends_on: {{ ref('dim_device') }}
{{ what_if_device() }}
