"""dbt's adapter suite: ephemeral."""

import re
from pathlib import Path
from typing import Any

from dbt.tests.adapter.ephemeral.test_ephemeral import BaseEphemeralMulti, BaseEphemeralNested
from dbt.tests.util import check_relations_equal, run_dbt

from .suite import IN_SOAK, scenarios

pytestmark = IN_SOAK


class TestEphemeralMulti(BaseEphemeralMulti):
    """With MariaDB's quotes in the SQL that is expected."""

    def test_ephemeral_multi(self, project: Any) -> None:
        """The scenario's steps."""
        run_dbt(["seed"])
        assert len(run_dbt(["run"])) == 3
        for name in ("dependent", "double_dependent", "super_dependent"):
            check_relations_equal(project.adapter, ["seed", name])
        schema = project.test_schema
        assert what_ran("double_dependent") == without_blanks(
            f"""create view `{schema}`.`double_dependent__dbt_tmp` as
            with __dbt__cte__base as (select * from {schema}.seed),
            __dbt__cte__base_copy as (select * from __dbt__cte__base)
            -- base_copy just pulls from base. Make sure the listed
            -- graph of CTEs all share the same dbt_cte__base cte
            select * from __dbt__cte__base where gender = 'Male'
            union all
            select * from __dbt__cte__base_copy where gender = 'Female'"""
        )


class TestEphemeralNested(BaseEphemeralNested):
    """With MariaDB's quotes in the SQL that is expected."""

    def test_ephemeral_nested(self, project: Any) -> None:
        """The scenario's steps."""
        assert len(run_dbt(["run"])) == 2
        schema = project.test_schema
        assert what_ran("root_view") == without_blanks(
            f"""create view `{schema}`.`root_view__dbt_tmp` as
            with __dbt__cte__ephemeral_level_two as (select * from `{schema}`.`source_table`),
            __dbt__cte__ephemeral as (select * from __dbt__cte__ephemeral_level_two)
            select * from __dbt__cte__ephemeral"""
        )


def what_ran(model: str) -> str:
    return without_blanks(Path(f"target/run/test/models/{model}.sql").read_text("utf-8"))


def without_blanks(sql: str) -> str:
    return re.sub(r"\s", "", sql)


globals().update(scenarios("ephemeral", globals()))
