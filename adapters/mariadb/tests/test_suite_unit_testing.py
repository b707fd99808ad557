"""dbt's adapter suite: unit tests."""

import pytest
from dbt.tests.adapter.unit_testing.test_types import BaseUnitTestingTypes

from .suite import scenarios


class TestPostgresUnitTestingTypes(BaseUnitTestingTypes):
    @pytest.fixture
    def data_types(self) -> list[list[str]]:
        return [
            ["1", "1"],
            ["'1'", "1"],
            ["true", "true"],
            ["date '2020-01-02'", "2020-01-02"],
            ["timestamp '2013-11-03 00:00:00.000001'", "2013-11-03 00:00:00.000001"],
            ["cast('1.50' as decimal(5, 2))", "1.50"],
            ["1e0", "1.0"],
            ["'it''s'", '"it\'s"'],
        ]


globals().update(scenarios("unit_testing", globals()))
