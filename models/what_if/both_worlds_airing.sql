{{ config(materialized='both_worlds', schema=scenario_name()) }}

{{ both_worlds('airing') }}
