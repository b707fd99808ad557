{#-
    The named join condition for slowly changing rows: `relation`'s interval, half-open, holds
    the day. Used everywhere instead of a hand-written between.
-#}
{% macro holds_on(relation, day) -%}
    {{ relation }}.valid_from <= {{ day }}
    and ({{ relation }}.valid_to is null or {{ relation }}.valid_to > {{ day }})
{%- endmacro %}
