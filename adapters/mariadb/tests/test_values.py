"""What must arrive as it was: hostile texts, exact numbers, instants, keys."""

from typing import Any

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture, write_file

HOSTILE = {
    "quotes": "it's \"quoted\", `ticked` and 'doubled'''",
    "backslashes": "\\ \\' \\n \\N \\0 c:\\new\\table\\",
    "percent": "100 % of %s and %(name)s %%",
    "emoji": "😀 e\u0301 中文 \u200b\ufeff",
    "blanks": "  tab\there, two\nlines and a blank at the end ",
    "comments": "-- /* */ # ; drop table x; {{ braces }} {% raw %}",
    "long": "x😀'" * 10922 + "!",
}
assert len(HOSTILE["long"]) == 32767


def csv_of(values: dict[str, str]) -> str:
    lines = [f'{key},"{value.replace(chr(34), chr(34) * 2)}"' for key, value in values.items()]
    return "id,value\n" + "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """A text as an expression of Jinja: dbt's macros are to make SQL of it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = escaped.replace("{{", "{' ~ '{").replace("{%", "{' ~ '%")
    return f'"{escaped}"'.replace("' ~ '", '" ~ "')


LITERALS = " union all ".join(
    f"select '{key}' as id, "
    f"{{{{ dbt.string_literal(dbt.escape_single_quotes({literal(value)})) }}}} as value"
    for key, value in HOSTILE.items()
)
MERGED = """
{{ config(materialized='incremental', unique_key='id') }}
select id, value from {{ ref('hostile') }}
{% if is_incremental() %}union all select 'one more', 'x'{% endif %}
"""
HISTORY = """
snapshots:
  - name: history
    relation: ref('literals')
    config: {strategy: check, check_cols: all, unique_key: [id, value], hard_deletes: new_record}
"""


class TestHostileTexts:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"hostile.csv": csv_of(HOSTILE)}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, Any]:
        described = {
            "name": "merged",
            "description": HOSTILE["backslashes"] + HOSTILE["quotes"],
            "config": {"persist_docs": {"relation": True, "columns": True}},
            "columns": [{"name": "value", "description": HOSTILE["quotes"] + "\\"}],
        }
        return {
            "literals.sql": LITERALS,
            "merged.sql": MERGED,
            "described.yml": {"models": [described]},
            "history.yml": HISTORY,
        }

    def read(self, project: Any, name: str) -> dict[str, str]:
        return dict(project.run_sql(f"select id, value from {{schema}}.{name}", fetch="all"))

    def test_they_arrive_by_every_way(self, project: Any) -> None:
        run_dbt(["build"])
        assert self.read(project, "hostile") == HOSTILE
        assert self.read(project, "literals") == HOSTILE
        run_dbt(["build", "--full-refresh"])
        run_dbt(["build"])
        assert self.read(project, "merged") == HOSTILE | {"one more": "x"}
        assert self.read(project, "history") == HOSTILE
        rows = project.run_sql(
            "select table_comment from information_schema.tables "
            "where table_schema = '{schema}' and table_name = 'merged'",
            fetch="one",
        )
        assert rows[0] == HOSTILE["backslashes"] + HOSTILE["quotes"]
        rows = project.run_sql(
            "select column_comment from information_schema.columns where table_schema = '{schema}' "
            "and table_name = 'merged' and column_name = 'value'",
            fetch="one",
        )
        assert rows[0] == HOSTILE["quotes"] + "\\"

    def test_nul_is_refused(self, project: Any) -> None:
        write_file("id,value\n1,a\n2,b\0c\n", project.project_root, "seeds", "nul.csv")
        _, output = run_dbt_and_capture(["seed", "--select", "nul"], expect_pass=False)
        assert "row 2, column value has a NUL character" in output
        write_file("select 'a\0b' as x", project.project_root, "models", "nul_model.sql")
        _, output = run_dbt_and_capture(["run", "--select", "nul_model"], expect_pass=False)
        assert "The SQL has a NUL character" in output


class TestSeeds:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, Any]:
        return {
            "typed.csv": (
                "id,big,exact,yes,day,instant,gap\n"
                "P1,12345678901234567890,0.10000000000000000001,true,2026-01-31,"
                "2026-01-31 23:59:59.000001,\n"
                "p1,-1,-1.5,false,0001-01-01,1969-12-31 00:00:00,x\n"
            ),
            "short.csv": "id,code\n1,abc\n",
            "types.yml": {
                "seeds": [
                    {
                        "name": "typed",
                        "config": {
                            "column_types": {"big": "decimal(20)", "exact": "decimal(30, 20)"}
                        },
                    },
                    {"name": "short", "config": {"column_types": {"code": "varchar(3)"}}},
                ]
            },
        }

    def test_values_keep_their_types_and_are_exact(self, project: Any) -> None:
        run_dbt(["seed", "--select", "typed"])
        rows = project.run_sql("select * from {schema}.typed", fetch="all")
        found = [[None if one is None else str(one) for one in row] for row in rows]
        assert found[0] == [
            *["P1", "12345678901234567890", "0.10000000000000000001", "1", "2026-01-31"],
            *["2026-01-31 23:59:59.000001", None],
        ]
        assert found[1] == [
            *["p1", "-1", "-1.50000000000000000000", "0", "0001-01-01"],
            *["1969-12-31 00:00:00", "x"],
        ]

    def test_what_does_not_fit_is_refused_and_nothing_is_loaded(self, project: Any) -> None:
        run_dbt(["seed", "--select", "short"])
        write_file("id,code\n1,abc\n2,abcd\n", project.project_root, "seeds", "short.csv")
        _, output = run_dbt_and_capture(["seed", "--select", "short"], expect_pass=False)
        assert "Data truncated for column 'code' at row 2" in output
        assert "column_types" in output
        assert project.run_sql("select count(*) from {schema}.short", fetch="one")[0] == 0

    def test_a_longer_text_in_a_later_seed_is_taken(self, project: Any) -> None:
        write_file("id,body\n1,abc\n", project.project_root, "seeds", "growing.csv")
        run_dbt(["seed", "--select", "growing"])
        write_file(f"id,body\n1,{'a' * 300}\n", project.project_root, "seeds", "growing.csv")
        run_dbt(["seed", "--select", "growing"])
        assert project.run_sql("select length(body) from {schema}.growing", fetch="one")[0] == 300


GROWING = """
{{ config(materialized='incremental') }}
{% if is_incremental() %}
select 'longer' as name, cast(12.345 as decimal(5, 3)) as rate, 4000000000 as n, null as gap
{% else %}
select 'a' as name, 1.5 as rate, 1 as n, 'x' as gap
{% endif %}
"""


class TestColumnsMadeFromLiterals:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"growing.sql": GROWING}

    def test_they_take_longer_texts_more_digits_and_nulls(self, project: Any) -> None:
        run_dbt(["run"])
        run_dbt(["run"])
        rows = project.run_sql("select * from {schema}.growing order by n", fetch="all")
        assert [[str(one) for one in row] for row in rows] == [
            ["a", "1.500", "1", "x"],
            ["longer", "12.345", "4000000000", "None"],
        ]


KEYS = """
{{ config(materialized='incremental', unique_key='id') }}
select 'P1' as id, {{ 2 if is_incremental() else 1 }} as n
{% if not is_incremental() %}union all select 'p1', 1{% endif %}
"""
TWICE = """
{{ config(materialized='incremental', unique_key=['a', 'b'], incremental_strategy='merge') }}
select 1 as a, 'x' as b, 1 as n
{% if is_incremental() %}union all select 1, 'x', 2{% endif %}
"""


class TestKeys:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"cased.sql": KEYS, "twice.sql": TWICE}

    def test_capitals_make_another_key(self, project: Any) -> None:
        run_dbt(["run", "--select", "cased"])
        run_dbt(["run", "--select", "cased"])
        rows = project.run_sql("select id, n from {schema}.cased order by id", fetch="all")
        assert list(rows) == [("P1", 2), ("p1", 1)]

    def test_a_merge_that_would_choose_a_row_is_refused(self, project: Any) -> None:
        run_dbt(["run", "--select", "twice"])
        _, output = run_dbt_and_capture(["run", "--select", "twice"], expect_pass=False)
        assert "several rows of a, b = 1, x" in output
        rows = project.run_sql("select n from {schema}.twice", fetch="all")
        assert list(rows) == [(1,)]
