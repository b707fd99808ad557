"""dbt's adapter suite: simple_copy."""

from typing import Any

import pytest
from dbt.tests.adapter.simple_copy.test_copy_uppercase import BaseSimpleCopyUppercase
from dbt.tests.adapter.simple_copy.test_simple_copy import SimpleCopyBase

from foreview.mariadb_server import Server

from .conftest import target_of
from .suite import IN_SOAK, scenarios

pytestmark = IN_SOAK


class TestSimpleCopyBase(SimpleCopyBase):
    """Without its test of what MariaDB has not."""

    @pytest.mark.skip(reason="MariaDB has no materialized views")
    def test_simple_copy_with_materialized_views(self) -> None:
        """Not run."""


class TestSimpleCopyUppercase(BaseSimpleCopyUppercase):
    """On MariaDB, where the scenario names PostgreSQL."""

    @pytest.fixture(scope="class")
    def dbt_profile_target(
        self, server: Server, surroundings: pytest.MonkeyPatch
    ) -> dict[str, Any]:
        """The target."""
        return target_of(server)


globals().update(scenarios("simple_copy", globals()))
