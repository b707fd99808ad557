{{ config(materialized='table') }}

{{ both_worlds('channel') }}
