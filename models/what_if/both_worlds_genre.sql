{{ config(materialized='both_worlds') }}

{{ both_worlds('genre') }}
