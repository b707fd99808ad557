{{ config(materialized='table') }}

-- depends_on: {{ ref('audience_by_market_day') }}
{{ what_if('audience_by_market_day') }}
