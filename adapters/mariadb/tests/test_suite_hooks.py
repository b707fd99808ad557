"""dbt's adapter suite: hooks."""

from typing import Any

import pytest
from dbt.tests.adapter.hooks.test_model_hooks import BasePrePostModelHooksOnSeeds

from .suite import IN_SOAK, scenarios

pytestmark = IN_SOAK


class TestPrePostModelHooksOnSeeds(BasePrePostModelHooksOnSeeds):
    """With a cast that MariaDB knows."""

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        """The scenario's settings."""
        hooks = [
            "alter table {{ this }} add column new_col int",
            "update {{ this }} set new_col = 1",
            "select cast(null as {{ dbt.type_int() }}) as id",
        ]
        seeds = {"post-hook": hooks, "quote_columns": False}
        return {"seed-paths": ["seeds"], "models": {}, "seeds": seeds}


class OnMariaDB:
    """What a hook sees of a target of MariaDB, where the scenarios expect PostgreSQL's."""

    def get_ctx_vars(self, *arguments: Any, **named: Any) -> Any:
        """Compare with ours, and return theirs."""
        found = super().get_ctx_vars(*arguments, **named)  # type: ignore[misc]
        for one in found if isinstance(found, list) else [found]:
            names = ("target_type", "target_user", "target_dbname")
            assert [one[name] for name in names] == ["foreview_mariadb", "tester", ""]
            one |= {"target_type": "postgres", "target_user": "root", "target_dbname": "dbt"}
        return found

    def assert_used_schemas(self, project: Any) -> None:
        """One schema, in no database."""
        for table, expected in {"schemas": (), "db_schemas": ("None",)}.items():
            found = project.run_sql(f"select * from {project.test_schema}.{table}", fetch="all")
            assert list(found) == [(*expected, project.test_schema)]


globals().update(scenarios("hooks", globals(), OnMariaDB))
