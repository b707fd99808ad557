{#-
    How long after its broadcast an airing is watched, each window with all shorter ones: rows of
    `name` and the greatest delay in days; live viewing has the delay -1.
-#}
{% macro viewing_windows() -%}
    (
        values ('live', -1), ('same-day', 0), ('live+3', 3), ('live+7', {{ var('airing_days') }})
        as windows(name, delay)
    )
{%- endmacro %}
