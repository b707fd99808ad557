{# Grants. MariaDB keeps them by name: they outlive a table that is dropped or replaced. #}

{% macro foreview_mariadb__apply_grants(relation, grant_config, should_revoke=True) %}
    {{ default__apply_grants(relation, grant_config, True) }}
{% endmacro %}

{% macro foreview_mariadb__get_show_grant_sql(relation) %}
    select grantee, privilege_type
    from information_schema.table_privileges
    where table_schema = {{ adapter.text_literal(relation.schema) }}
        and table_name = {{ adapter.text_literal(relation.identifier) }}
{% endmacro %}

{%- macro foreview_mariadb__get_grant_sql(relation, privilege, grantees) -%}
    grant {{ privilege }} on {{ relation.render() }} to {{ quoted_grantees(grantees) }}
{%- endmacro -%}

{%- macro foreview_mariadb__get_revoke_sql(relation, privilege, grantees) -%}
    revoke {{ privilege }} on {{ relation.render() }} from {{ quoted_grantees(grantees) }}
{%- endmacro -%}

{%- macro quoted_grantees(grantees) -%}
    {%- for grantee in grantees -%}
        {{ adapter.quote_grantee(grantee) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro -%}
