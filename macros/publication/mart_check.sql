{#-
    Refuses a mart, when dbt parses it, that Foreview can't rehearse or keep versions of, with the
    reason. This is the one macro that dbt calls for each model it parses: first without, then with
    what the properties file says.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- do _check_mart(node) -%}
    {{- default__generate_schema_name(custom_schema_name, node) -}}
{%- endmacro %}

{% macro _check_mart(node) -%}
    {%- if node.config.materialized == 'versioned' -%}
        {%- set rules = node.config.meta.get('mart') -%}
        {%- set problems = _sql_problems(node.raw_code)
            + (_rule_problems(rules, node.raw_code) if rules else []) -%}
        {%- if problems -%}
            {{ exceptions.raise_compiler_error(
                "Mart " ~ node.name ~ ": " ~ problems | join(" ")
                ~ " See docs/adding-a-mart.md."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- What in a mart's SQL keeps a viewing record from counting by itself. -#}
{% macro _sql_problems(sql) -%}
    {%- set findall = modules.re.findall -%}
    {%- set found = [] -%}
    {%- if not findall("ref\\(\\s*['\"]fct_viewing['\"]", sql) -%}
        {%- do found.append("It does not read fct_viewing.") -%}
    {%- endif -%}
    {%- for name in _viewing_steps(sql) -%}
        {%- if findall("\\bover\\s*\\(", name.body) -%}
            {%- do found.append(
                "Step " ~ name.step ~ " has a window over viewing, in which records depend on others."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for pattern, reason in {
        "\\blimit\\b": "It has a limit, which leaves records out.",
        "\\b(?:rand|randn|uuid|now|current_timestamp|current_date|any_value|first)\\b\\s*\\(?":
            "It calls a function whose result can differ between two runs.",
        "\\b(?:double|float|real|avg)\\b": "It computes with doubles; sums must be integers or decimals.",
    }.items() if findall(pattern, sql | lower) -%}
        {%- do found.append(reason) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- The steps of a mart's SQL that read viewing, by themselves or through another step. -#}
{% macro _viewing_steps(sql) -%}
    {%- set readers = namespace(pattern="ref\\(\\s*['\"]fct_viewing['\"]") -%}
    {%- set found = [] -%}
    {%- for step, body in modules.re.findall("(?ms)^(?:with )?(\\w+) as \\(\\n(.*?)^\\)", sql)
        if modules.re.findall(readers.pattern, body) -%}
        {%- do found.append({'step': step, 'body': body}) -%}
        {%- set readers.pattern = readers.pattern ~ "|\\b(?:from|join) " ~ step ~ "\\b" -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- What is wrong with a mart's declaration of grain and measures. -#}
{% macro _rule_problems(rules, sql) -%}
    {%- set found = [] -%}
    {%- set grain = rules.get('grain', []) -%}
    {%- set measures = rules.get('measures', {}) -%}
    {%- set constants = rules.get('constants', []) -%}
    {%- for name in grain + measures | list + constants
        if not modules.re.findall("\\b" ~ name ~ "\\b", sql) -%}
        {%- do found.append("Its SQL has no column " ~ name ~ ".") -%}
    {%- endfor -%}
    {%- if not grain or not grain[0].endswith('_date') -%}
        {%- do found.append("The first column of its grain must be a day, named ..._date.") -%}
    {%- endif -%}
    {%- if 'records' not in measures -%}
        {%- do found.append("It must count its records: a figure disappears when they are 0.") -%}
    {%- endif -%}
    {%- for name, measure in measures.items() -%}
        {%- if measure.get('over') not in ('records', 'households')
            or measure.get('type') not in ('integer', 'decimal') -%}
            {%- do found.append(
                "Measure " ~ name ~ " must be an integer or decimal, over records or households."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name, ratio in rules.get('ratios', {}).items() -%}
        {%- if ratio.get('numerator') not in measures
            or (ratio.get('denominator') not in measures | list + constants
                and (not grain or grain[0] not in ratio.get('within', []))) -%}
            {%- do found.append(
                "Ratio " ~ name ~ " needs a measure as numerator, and a measure or constant as "
                ~ "denominator or `within` some columns of the grain, the first among them."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if rules.get('ranks_within', grain[:1]) | reject('in', grain) | list
        or grain and grain[0] not in rules.get('ranks_within', grain) -%}
        {%- do found.append(
            "Its ranks_within must be columns of the grain, the first among them."
        ) -%}
    {%- endif -%}
    {%- set declared = periods() | reject('equalto', 'now') | list -%}
    {%- if rules.get('period', 'day') not in declared -%}
        {%- do found.append("Its period must be one of " ~ declared | join(", ") ~ ".") -%}
    {%- elif rules.get('period', 'day') != 'day'
        and modules.re.search("ref\\(\\s*['\"]dim_current_\\w+['\"]", sql) -%}
        {%- do found.append("It reads a dimension as it is now, so its period must be day.") -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}
