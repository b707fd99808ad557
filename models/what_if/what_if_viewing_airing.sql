{{ config(materialized='table') }}

{{ what_if_viewing('airing') }}
