{#- The order of viewing within its day's files: by channel, so that a channel's rows lie together. -#}
{% macro sorted_by_channel() -%}
    distribute by viewing_date
    sort by viewing_date, channel_id
{%- endmacro %}
