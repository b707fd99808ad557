{{ config(materialized='table') }}

-- depends_on: {{ ref('audience_by_network_day') }}
{{ what_if('audience_by_network_day') }}
