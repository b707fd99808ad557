{{ config(materialized='both_worlds') }}

{{ both_worlds('network_group') }}
