{#-
    A variable of one run: as Foreview's commands give it, in the environment, or else as dbt's `--vars`
    or `dbt_project.yml` does. dbt parses the whole project anew when `--vars` differ from the last
    run's (ten seconds), but only the models that ask for a variable of the environment when that does.
-#}
{% macro run_var(name, default=none) -%}
    {%- set given = fromjson(env_var('FOREVIEW_RUN_VARS', '{}')) -%}
    {{- return(given[name] if name in given else var(name, default)) -}}
{%- endmacro %}
