"""dbt's adapter suite: dbt_show."""

from dbt.tests.adapter.dbt_show.test_dbt_show import BaseShowDoesNotHandleDoubleLimit

from .suite import IN_SOAK, scenarios

pytestmark = IN_SOAK


class TestShowDoesNotHandleDoubleLimit(BaseShowDoesNotHandleDoubleLimit):
    """With MariaDB's own words for it."""

    DATABASE_ERROR_MESSAGE = "your MariaDB server"


globals().update(scenarios("dbt_show", globals()))
