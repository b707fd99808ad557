{{ config(materialized='table') }}

{{ touched_keys() }}
