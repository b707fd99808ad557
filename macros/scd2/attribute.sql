{#-
    A dimension's attribute in a figure's grain, never null: "(unmapped)" where the key had no row
    that day, "(none)" where the row has no such attribute.
-#}
{% macro attribute(relation, key, value) -%}
    case
        when {{ relation }}.{{ key }} is null then '(unmapped)'
        else coalesce({{ value }}, '(none)')
    end
{%- endmacro %}
