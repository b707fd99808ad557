"""dbt's adapter suite: contracts and constraints."""

from typing import Any

import pytest
from dbt.tests.adapter.constraints import test_constraints as suite

from .suite import scenarios

TYPES = [
    # an expression, a type in a contract, the name in a message
    ["1", "int", "int"],
    ["'1'", "varchar(9)", "text"],
    ["cast('2013-11-03' as date)", "date", "date"],
    ["cast('2013-11-03 00:00:00' as datetime(6))", "datetime(6)", "datetime"],
    ["cast('2013-11-03 00:00:00' as datetime)", "timestamp null", "datetime"],
    ["cast('10:00:00' as time)", "time(3)", "time"],
    ["cast('1' as decimal(5, 2))", "decimal(9, 4)", "decimal"],
    ["1e0", "double", "double"],
]
ONE_COLUMN_A_LINE = """
create table <model_identifier> (
    {columns}
) default character set utf8mb4 collate utf8mb4_bin;
insert into <model_identifier> ({names})
select {selected} from (
    {depends_on}
    select 'blue' as {color}, 1 as id, '2019-01-01' as date_day
) as model_subq
"""
DEPENDS_ON = "-- depends_on: <foreign_key_model_identifier>"


def expected(columns: str, color: str = "color", depends_on: str = DEPENDS_ON) -> str:
    return ONE_COLUMN_A_LINE.format(
        columns=columns,
        names=", ".join(f"`{one.strip('`')}`" for one in ("id", color, "date_day")),
        selected=f"id, {color}, date_day",
        color=color,
        depends_on=depends_on,
    )


BY_COLUMN = expected(
    "id integer not null primary key unique check (((id > 0)) and (id >= 1)), "
    "color text, date_day text"
)


class MariaDBTypes:
    @pytest.fixture(scope="class")
    def string_type(self) -> str:
        return "text"

    @pytest.fixture(scope="class")
    def int_type(self) -> str:
        return "int"

    @pytest.fixture(scope="class")
    def data_types(self) -> list[list[str]]:
        return TYPES


class TestTableConstraintsColumnsEqual(MariaDBTypes, suite.BaseTableConstraintsColumnsEqual):
    pass


class TestViewConstraintsColumnsEqual(MariaDBTypes, suite.BaseViewConstraintsColumnsEqual):
    pass


class TestIncrementalConstraintsColumnsEqual(
    MariaDBTypes, suite.BaseIncrementalConstraintsColumnsEqual
):
    pass


class ByColumn:
    @pytest.fixture(scope="class")
    def expected_sql(self) -> str:
        return BY_COLUMN


class TestTableConstraintsRuntimeDdlEnforcement(
    ByColumn, suite.BaseConstraintsRuntimeDdlEnforcement
):
    pass


class TestIncrementalConstraintsRuntimeDdlEnforcement(
    ByColumn, suite.BaseIncrementalConstraintsRuntimeDdlEnforcement
):
    pass


class NotNull:
    @pytest.fixture(scope="class")
    def expected_error_messages(self) -> list[str]:
        return ["Column 'id' cannot be null"]


class TestTableConstraintsRollback(NotNull, suite.BaseConstraintsRollback):
    pass


class TestIncrementalConstraintsRollback(NotNull, suite.BaseIncrementalConstraintsRollback):
    pass


class TestModelConstraintsRuntimeEnforcement(suite.BaseModelConstraintsRuntimeEnforcement):
    @pytest.fixture(scope="class")
    def expected_sql(self) -> str:
        return expected(
            "id integer not null, color text, date_day text, check ((id > 0)), check (id >= 1), "
            "primary key (id), constraint strange_uniqueness_requirement unique (color, date_day)"
        )


class TestConstraintQuotedColumn(suite.BaseConstraintQuotedColumn):
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        fixtures = suite.fixtures
        files = {
            "my_model.sql": fixtures.my_model_with_quoted_column_name_sql,
            "constraints_schema.yml": fixtures.model_quoted_column_schema_yml,
        }
        return {name: text.replace('"from"', "`from`") for name, text in files.items()}

    @pytest.fixture(scope="class")
    def expected_sql(self) -> Any:
        return expected(
            "id integer not null, `from` text not null, date_day text, check ((`from` = 'blue'))",
            color="`from`",
            depends_on="",
        )


globals().update(scenarios("constraints", globals()))
