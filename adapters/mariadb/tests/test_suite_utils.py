"""dbt's adapter suite: functions and types."""

from typing import Any

from dbt.tests.adapter.utils.data_types.test_type_int import BaseTypeInt
from dbt.tests.adapter.utils.data_types.test_type_string import BaseTypeString
from dbt.tests.adapter.utils.data_types.test_type_timestamp import BaseTypeTimestamp

from .suite import scenarios

KINDS = {"int": "bigint", "varchar": "longtext", "timestamp": "datetime"}


class SameKind:
    """What a seed is stored as has more room than what a cast makes; the values are compared."""

    def assert_columns_equal(self, project: Any, expected_cols: Any, actual_cols: Any) -> None:
        assert [*map(kind, actual_cols)] == [*map(kind, expected_cols)]


def kind(column: tuple[str, str, int]) -> tuple[str, str]:
    return column[0], KINDS.get(column[1], column[1])


class TestTypeInt(SameKind, BaseTypeInt):
    pass


class TestTypeString(SameKind, BaseTypeString):
    pass


class TestTypeTimestamp(SameKind, BaseTypeTimestamp):
    pass


globals().update(scenarios("utils", globals()))
