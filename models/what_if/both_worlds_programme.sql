{{ config(materialized='both_worlds') }}

{{ both_worlds('programme') }}
