{#-
    Refuses a mart, when dbt parses it, that Foreview can't rehearse or keep versions of, with the
    reason. This is the one macro that dbt calls for each model it parses: first without, then with
    what the properties file says, if it says anything. What takes the other models to see is
    checked when a run starts, before anything is built (macro `refuse_wrong_marts`).
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- do _check_mart(node) -%}
    {{- default__generate_schema_name(custom_schema_name, node) -}}
{%- endmacro %}

{% macro _check_mart(node) -%}
    {%- if node.config.materialized == 'versioned' -%}
        {%- set rules = node.config.meta.get('mart') -%}
        {%- set problems = _place_problems(node) + _reference_problems(node)
            + sql_problems(unrendered_sql(node.raw_code), rules)
            + (_rule_problems(rules, node.raw_code) if rules else []) -%}
        {%- if problems -%}{%- do refuse_mart(node, problems) -%}{%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro refuse_mart(node, problems) -%}
    {{ exceptions.raise_compiler_error(
        "Mart " ~ node.name ~ " (" ~ node.original_file_path ~ "): " ~ problems | unique | join(" ")
        ~ " See docs/adding-a-mart.md."
    ) }}
{%- endmacro %}

{#- Reports, receipts and the comparison with them know the marts that this folder declares. -#}
{% macro _place_problems(node) -%}
    {%- set path = node.original_file_path | replace('\\', '/') -%}
    {{- return([] if path.startswith('models/audience/') else [
        "It is not in models/audience, so that no preview would show it: move it there, or take "
        ~ "materialized='versioned' out."
    ]) -}}
{%- endmacro %}

{#-
    What a model names otherwise than by a plain `ref('name')` in double braces: the what-if could not
    put the other world's rows there.
-#}
{% macro _reference_problems(node) -%}
    {%- set sql = without_jinja_comments(node.raw_code) -%}
    {%- set plain = modules.re.findall(ref_pattern(), sql) -%}
    {%- set others = modules.re.findall(
        "(?<![\\w.])(?:builtins\\.)?ref\\s*\\([^)]*\\)?", modules.re.sub(ref_pattern(), '', sql)
    ) -%}
    {%- set found = [] -%}
    {%- for other in others -%}
        {%- do found.append(
            "It names a model by " ~ other ~ ", where a what-if can't put other rows. Write "
            ~ "{{ ref('" ~ (modules.re.findall("['\"](\\w+)['\"]", other) or ['name']) | last ~ "') }}."
        ) -%}
    {%- endfor -%}
    {%- for one in node.refs if one.name not in plain and not others -%}
        {%- do found.append(
            "It reads " ~ one.name ~ " through a macro, where a what-if can't put other rows. Write "
            ~ "{{ ref('" ~ one.name ~ "') }} in its own SQL."
        ) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#-
    What in a mart's SQL, as `plain_sql` gives it, keeps a viewing record from counting by itself.
    What is in macros is looked at when a run starts, rendered.
-#}
{% macro sql_problems(sql, rules=none) -%}
    {%- set findall = modules.re.findall -%}
    {%- set found = [] -%}
    {%- set summed = {'steps': [], 'names': []} -%}
    {%- if '@@fct_viewing@@' not in sql -%}
        {%- do found.append("It does not read fct_viewing.") -%}
    {%- endif -%}
    {%- for one in _viewing_steps(sql) -%}
        {%- set step = "Step " ~ one.step if one.step else "Its last select" -%}
        {%- for pattern, reason in _refused_over_viewing().items() -%}
            {%- for what in findall(pattern, one.body) | unique -%}
                {%- do found.append(step ~ " has " ~ what | trim ~ " over viewing" ~ reason) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for part in modules.re.split("\\bunion all\\b", one.body)
            if findall(one.readers, part) | length > 1 -%}
            {%- do found.append(
                step ~ " joins viewing with viewing, so that records depend on others."
            ) -%}
        {%- endfor -%}
        {%- if rules -%}
            {%- do found.extend(_measure_problems(step, one.body, rules)) -%}
            {%- do found.extend(_problems_with_sums(step, one.body, summed)) -%}
            {%- do _note_sums(one, summed) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for pattern, reason in _refused_anywhere().items() if findall(pattern, sql) -%}
        {%- do found.append(reason) -%}
    {%- endfor -%}
    {#- Of devices without a household only the touched viewing is read. -#}
    {%- if rules and _groups_by_household(sql) and not findall("\\bhousehold_id is not null\\b", sql) -%}
        {%- do found.append(
            "It counts devices without a household as a household: count where household_id is not null."
        ) -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{#- Words in a step that reads viewing, and why they are refused there. -#}
{% macro _refused_over_viewing() -%}
    {{- return({
        "\\bover(?= ?\\(| \\w)": ": a window, in which records depend on others.",
        "\\bqualify\\b": ": a window, in which records depend on others.",
        "\\bhaving\\b": ": whether a record counts would depend on others.",
        "\\bdistinct\\b(?! from\\b)|\\bunion\\b(?! all\\b)"
        ~ "|\\b(?:intersect|except|minus)(?=(?: all| distinct)? ?\\(? ?(?:select|from|table|with)\\b)":
            ": equal records must count each. Group by the household for reach.",
        "\\bfrom [\\w@.]+(?: (?:as )?\\w+)? ?,": ": a join by comma. Write join and on.",
        "\\b(?:first_value|last_value|nth_value|max_by|min_by|mode|median|percentile\\w*|approx_\\w+|"
        ~ "collect_\\w+|array_agg|listagg|string_agg|group_concat|stddev\\w*|std|variance|var_\\w+|"
        ~ "covar_\\w+|corr|skewness|kurtosis|hll_\\w+)(?= ?\\()":
            ", which is no sum: its parts can't be added up.",
    }) -}}
{%- endmacro %}

{% macro _refused_anywhere() -%}
    {{- return({
        "\\b(?:limit|offset) \\w|\\bfetch (?:first|next)\\b": "It has a limit, which leaves records out.",
        "\\btablesample\\b": "It has a sample, which leaves records out.",
        "\\bnatural\\b[\\w ]*\\bjoin\\b": "It has a natural join: say by which columns.",
        "\\b(?:rand|randn|random|randstr|uniform|uuid|shuffle|monotonically_increasing_id|spark_partition_id|"
        ~ "input_file_name|now|curdate|getdate|sysdate|any_value|first|last)(?= ?\\()"
        ~ "|(?<![\\w.])(?<!\\bas )(?:current_timestamp|current_date|current_time|localtimestamp)\\b"
        ~ "|\\bunix_timestamp ?\\( ?\\)":
            "It calls a function whose result can differ between two runs.",
        "\\bas (?:double|float|real)\\b(?= ?\\))|\\b(?:double|float|real|avg|mean|try_avg)(?= ?\\()"
        ~ "|::\\s*(?:double|float|real)\\b":
            "It computes with doubles; sums must be integers or decimals.",
        "(?<!\\bas )\\bis_current\\b":
            "It asks for is_current, which changes days that the row does not hold on: join by "
            ~ "holds_on(...), or read dim_current_... (docs/decisions/0013-as-it-is-now.md).",
    }) -}}
{%- endmacro %}

{#-
    The greatest or least of records is no sum of them, nor is what is computed from a sum. Of a
    household it may be taken, since all its viewing is read; and a constant is the same in all
    records of a figure.
-#}
{% macro _measure_problems(step, body, rules) -%}
    {%- set found = [] -%}
    {%- if not _groups_by_household(body) -%}
        {%- for item in select_items(body) if modules.re.search("\\b(?:sum|count) ?\\(", item) -%}
            {%- set sum = modules.re.sub("^select | as \\w+(?: from .*)?$", "", item | trim) | trim -%}
            {%- if not modules.re.match("(?:(?:cast|coalesce) ?\\( ?)*(?:sum|count) ?\\(.*\\)$", sum)
                or modules.re.search("/|%|\\b(?:div|mod)\\b|\\) ?\\* ?(?:sum|count)\\b", sum)
                or modules.re.search("\\bcast ?\\( ?sum ?\\([^)]*\\*.*\\) as (?:\\w*int|integer|long)\\b", sum) -%}
                {%- do found.append(_no_sum(step, sum)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for item in select_items(body)
            if modules.re.search("\\b(?:max|min|bool_or|bool_and|every|any|some) ?\\(", item) -%}
            {%- set name = (modules.re.findall("\\bas (\\w+)(?: from .*)?$", item | trim)
                or ['without a name']) | last -%}
            {%- if name not in rules.get('constants', []) -%}
                {%- do found.append(
                    step ~ " takes the greatest or least of records (" ~ name ~ "), which is no sum: "
                    ~ "group by the household first, or declare it among the constants."
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro _groups_by_household(body) -%}
    {{- return(modules.re.search("\\bgroup by\\b.*\\bhousehold_id\\b", body)) -}}
{%- endmacro %}

{% macro _no_sum(step, what) -%}
    {{- return(
        step ~ " computes " ~ what ~ ", whose parts can't be added up: take sums of whole numbers or "
        ~ "decimals as they are, and declare a ratio of two of them."
    ) -}}
{%- endmacro %}

{#-
    What a step does with the sums of an earlier one: they may be listed, renamed and added, but nothing
    may depend on how great they are.
-#}
{% macro _problems_with_sums(step, body, summed) -%}
    {%- set found = [] -%}
    {%- if _reads_sums(body, summed) and summed.names -%}
        {%- set names = "\\b(?:" ~ summed.names | unique | join('|') ~ ")\\b" -%}
        {%- for part in modules.re.split("\\bunion all\\b", body) -%}
            {%- set halves = split_at_from(part) -%}
            {%- for item in select_items(halves[0]) -%}
                {%- set value = modules.re.sub("^select | as \\w+$", "", item | trim) | trim -%}
                {%- if modules.re.search("\\bcount ?\\(", value)
                    or modules.re.search("\\bsum ?\\(", value) and not modules.re.search(names, value) -%}
                    {%- do found.append(
                        step ~ " counts groups of an earlier step (" ~ value ~ "): how many there are is no "
                        ~ "sum. Count households, grouped by them, as the marts with reach do."
                    ) -%}
                {%- endif -%}
                {%- if modules.re.search(names, value) and (
                    modules.re.search(
                        "/|%|\\b(?:div|mod|pmod|b?round|floor|ceil|ceiling|greatest|least|abs|sign|nullif|if|iff"
                        ~ "|case|sqrt|pow|power|exp|ln|log\\w*|width_bucket)\\b", value
                    ) or modules.re.search(names ~ " ?\\* ?(?:\\w+\\.)?" ~ names, value)
                ) -%}
                    {%- do found.append(_no_sum(step, value)) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- for name in modules.re.findall(
                names, modules.re.sub("\\border by\\b.*$", "", halves[1:] | join)
            ) | unique -%}
                {%- do found.append(
                    step ~ " joins, filters or groups by " ~ name ~ ", which is a sum: whether a record "
                    ~ "counts would depend on others."
                ) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{% macro _reads_sums(body, summed) -%}
    {{- return(summed.steps and modules.re.search(
        "\\b(?:from|join) ?\\(* ?(?:" ~ summed.steps | join('|') ~ ")(?![\\w.])", body
    )) -}}
{%- endmacro %}

{#- Notes a step that has sums of records, or lists those of another, and what they are called. -#}
{% macro _note_sums(one, summed) -%}
    {%- set is_after = _reads_sums(one.body, summed) -%}
    {%- set pattern = "\\b(?:" ~ (["(?:sum|count) ?\\("] + (summed.names if is_after else []))
        | unique | join('|') ~ ")" -%}
    {%- if is_after or not _groups_by_household(one.body) -%}
        {%- set sums = [] -%}
        {%- for item in select_items(split_at_from(one.body)[0])
            if modules.re.search(pattern, item) -%}
            {%- do sums.extend(modules.re.findall("(\\w+)$", item | trim)) -%}
        {%- endfor -%}
        {%- if one.step and (sums or is_after) -%}
            {%- do summed.steps.append(one.step) -%}
            {%- do summed.names.extend(sums) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#-
    The steps of a mart's SQL that read viewing, by themselves or through another step, each with a
    pattern of what reads it there.
-#}
{% macro _viewing_steps(sql) -%}
    {%- set readers = ['@@fct_viewing@@'] -%}
    {%- set found = [] -%}
    {%- for one in sql_steps(sql) -%}
        {%- set pattern = "\\b(?:from|join) ?\\(* ?(?:" ~ readers | join('|') ~ ")(?![\\w.])" -%}
        {%- if modules.re.search(pattern, one.body) -%}
            {%- do found.append({'step': one.step, 'body': one.body, 'readers': pattern}) -%}
            {%- if one.step -%}{%- do readers.append(one.step) -%}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- Columns of the grain that are of a device or household, by whatever names it went through the steps. -#}
{% macro identifying_columns(sql, grain) -%}
    {%- set names, found = ['device_id', 'household_id'], [] -%}
    {%- for one in sql_steps(sql) -%}
        {%- for item in select_items(split_at_from(one.body)[0]) -%}
            {%- set value = modules.re.sub("\\b\\w+_id is (?:not )?null\\b", "", item) -%}
            {%- set name = (modules.re.findall("(\\w+)$", item | trim) or [''])[0] -%}
            {%- if modules.re.search("\\b(?:" ~ names | join('|') ~ ")\\b", value)
                and not modules.re.search("\\b(?:count|sum|min|max) ?\\(", value) -%}
                {%- do names.append(name) -%}
                {%- if name in grain -%}{%- do found.append(name) -%}{%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found | unique | list) -}}
{%- endmacro %}

{#- The bodies of steps that read one of these dimensions, by its import, and no viewing. -#}
{% macro steps_apart(sql, dimensions) -%}
    {%- set over_viewing = _viewing_steps(sql) | map(attribute='body') | list -%}
    {%- set imports = modules.re.findall(
        "(\\w+) as ?\\( ?select \\* from @@dim_(?:" ~ dimensions | join('|') ~ ")@@ ?\\)", sql
    ) -%}
    {%- set names = imports + ["@@dim_(?:" ~ dimensions | join('|') ~ ")@@"] -%}
    {%- set found = [] -%}
    {%- for one in sql_steps(sql) if one.body not in over_viewing and one.step not in imports
        and modules.re.search(
            "\\b(?:from|join) ?\\(* ?(?:" ~ names | join('|') ~ ")(?![\\w.])", one.body
        ) -%}
        {%- do found.append(one.body) -%}
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
    {%- elif rules.get('period', 'day') == 'day' and grain[0] != 'viewing_date' -%}
        {%- do found.append(
            "The first column of its grain, " ~ grain[0] ~ ", is not viewing_date: say its period, one of "
            ~ periods() | reject('in', ['now', 'day']) | join(", ") ~ "."
        ) -%}
    {%- elif rules.get('period') == 'week' and not modules.re.search(
        "week_start\\(\\s*'viewing\\.viewing_date'\\s*\\)\\s*\\}\\}\\s*as " ~ grain[0] ~ "\\b", sql
    ) -%}
        {%- do found.append(
            "The first column of its grain, " ~ grain[0] ~ ", is not the viewing's week: write "
            ~ "week_start('viewing.viewing_date')."
        ) -%}
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
