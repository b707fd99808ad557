{{ config(materialized='table', schema=scenario_name()) }}

{{ what_if_viewing('now') }}
