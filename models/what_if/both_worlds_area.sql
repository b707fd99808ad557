{{ config(materialized='table') }}

{{ both_worlds('area') }}
