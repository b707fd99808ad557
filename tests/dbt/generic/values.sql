{# Why: a code of another form is a typing mistake. #}
{% test matches(model, column_name, pattern) %}
    select {{ column_name }}
    from {{ model }}
    where not {{ column_name }} rlike '^({{ pattern }})$'
{% endtest %}

{# Why: each value of a cell that holds a list must exist in its table. #}
{% test list_relationships(model, column_name, to, field) %}
    with items as (
        {{ items_of(model, column_name) }}
    )
    select distinct items.item
    from items
    left join {{ to }} as parent on items.item = parent.{{ field }}
    where items.item is not null and parent.{{ field }} is null
{% endtest %}

{# Why: a figure that stands twice is sold twice. #}
{% test unique_combination(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}

{# Why: nothing may be dropped or counted twice on the way from the viewing to a mart. #}
{% test same_total_as(model, relation, column) %}
    with totals as (
        select
            (select coalesce(sum({{ column }}), 0) from {{ model }}) as found,
            (select coalesce(sum(cast({{ column }} as bigint)), 0) from {{ relation }}) as expected
    )
    select * from totals
    where found != expected
{% endtest %}
