{{ config(materialized='table') }}

{{ what_if_viewing('now') }}
