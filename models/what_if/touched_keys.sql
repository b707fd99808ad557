{{ config(materialized='table', schema=scenario_name()) }}

{{ touched_keys() }}
